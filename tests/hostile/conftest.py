# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The same laboratory as the integration tests'."""

from __future__ import annotations

import pytest

from tests.integration import tiers
from tests.integration.conftest import account, connection, lab, lab_path, servers_end

__all__ = ["account", "connection", "lab", "lab_path", "servers_end"]


ONE_VERSION = (
    "test_administrators",
    "test_application_account",
    "test_blame",
    "test_frozen",
    "test_github",
    "test_host_files",
    "test_host_state",
    *(f"test_inventory_names.py::{start}" for start in ("test_a_leak", "test_a_setting", "test_an_")),
    "test_leaked_",
    "test_own_kind",
    "test_pipes",
    "test_provider_api",
    "test_receivers",
    "test_repository",
    "test_rotation_secrets",
)
"""Tests of servers' protocols, receivers, scans, policies, files on hosts and messages about a host. They know no more
of Ansible than AnsibleModule, with which the unit tests of modules run in both versions. What an inventory may name is
tried by one of several playbooks, which ask in the same way."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.partition("tests/hostile/")[2].startswith(ONE_VERSION):
            item.add_marker(pytest.mark.servers)
    tiers.longest_first(items)
