# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Preconditions of sending a value to a host."""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import control_sockets


def require(connection: Any, task: Any) -> None:
    """Fails if a value sent to this host would reach its disk, or another account of this machine."""
    text = blocker(connection, task)
    if text:
        raise AnsibleActionFail(f"Nothing was sent: {text}")


def blocker(connection: Any, task: Any) -> str | None:
    """The reason against sending a value to this host, with the remedy. None without one."""
    if constants.DEFAULT_KEEP_REMOTE_FILES:
        return "ANSIBLE_KEEP_REMOTE_FILES leaves module arguments on the host's disk; unset it"
    if task.async_val:
        return "async leaves module arguments on the host's disk; run the task without it"
    become = getattr(connection, "become", None)
    if become is not None and become.name.rpartition(".")[2] == "su":
        return "become_method su prevents pipelining, so arguments would be written to the host's disk; use sudo"
    if not connection.is_pipelining_enabled(False):
        return (
            f"pipelining is off or impossible for the connection {connection.transport}, so arguments would be "
            "written to the host's disk; set ansible_pipelining: true and use ssh or local"
        )
    return control_sockets.problem(connection)
