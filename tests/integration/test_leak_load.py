# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A graceful leak response under load: no request fails, and all users are logged out once, as is intended."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sandbox.application import python
from sandbox.load import Load, Manage
from tests.integration.counts import Record, loaded
from tests.integration.leak_lab import leak_lab, post_mortem, respond
from tests.integration.rotation_lab import RotationLab

SESSIONS = 6
pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with leak_lab(connection) as made:
        yield made


def test_no_request_fails(lab: RotationLab, capsys: pytest.CaptureFixture[str], record_property: Record) -> None:
    old = lab.ready()
    name = lab.parameter("App/ALLOWED_HOSTS").split(",")[0]
    manage = Manage(python(), tuple(host.env_file for host in lab.hosts))
    addresses = [("127.0.0.1", host.port) for host in lab.hosts]
    with Load(addresses, manage=manage, sessions=SESSIONS, tasks=False, name=name, hold=60.0) as load:
        run = respond(lab, "-e", "leak_credentials=database,cache")
    assert run.code == 0, run.output
    report = load.report
    assert report is not None
    with capsys.disabled():
        sys.stdout.write(f"\ngraceful under load: {report}; {' '.join(run.text.rpartition('contained in')[1:])[:40]}\n")
    loaded(record_property, "graceful leak response under load", report)
    assert report.failed == 0, report.messages
    assert report.lost >= SESSIONS, "all users are logged out, as is intended"
    assert report.requests > 300
    assert len(report.hosts) == 2
    lab.assert_settled(old)
    assert "taken down" not in post_mortem(lab)
