# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which services of the catalog are checked on a host."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.action import host_check

WEB, WORKER = {"service": "web", "manager": "runit"}, {"service": "worker", "manager": "command"}


def test_a_host_is_asked_for_its_own_services() -> None:
    assert host_check.chosen([WEB, WORKER], ["worker", "other"]) == [WORKER]
    assert host_check.chosen([WEB, WORKER], []) == []


def test_without_names_it_is_asked_for_all() -> None:
    assert host_check.chosen([WEB, WORKER], None) == [WEB, WORKER]
