# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which servers a verification asks, and a run that records a baseline."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_servers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import Versions
from tests.unit.plugins.plugin_utils._verify.test_two_user_servers import BROKER, DATABASE, DOCUMENT

BASELINE = ServerBaseline("shop", "test", "canary-key")


@pytest.mark.parametrize("is_recording", [False, True])
def test_a_run_that_records_asks_mysql_and_rabbitmq_for_all_that_exists(*, is_recording: bool) -> None:
    stores: Any = SimpleNamespace(secrets=SimpleNamespace(read=lambda _names: Contents()))
    baseline: Any = SimpleNamespace(recorded=BASELINE, problem="", is_recording=is_recording)
    read = Versions(Contents(), Contents(), _journal.Journal())
    servers = collect_servers.plan_inspections(catalog_parser.parse(DOCUMENT, "test"), stores, read, baseline)
    assert list(servers.expected) == [DATABASE, BROKER]
    assert {entry["place"]: bool(entry["inventory"]) for entry in servers.inspections} == {
        DATABASE: is_recording,
        BROKER: is_recording,
    }
