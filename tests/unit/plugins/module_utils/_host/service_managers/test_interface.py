# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts, processes
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.runit import RunitManager


def test_a_process_that_ends_while_it_is_read_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart would take the old process for the new one."""
    application = accounts.HostAccount("app", 65534, 65534, "/")
    monkeypatch.setattr(RunitManager, "account", application)
    monkeypatch.setattr(processes, "account", lambda _pid: "")
    assert not RunitManager({}).state("web", is_up=True, text="run", pid=os.getpid()).is_up
