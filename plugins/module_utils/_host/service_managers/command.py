# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services that an operator's own commands restart.

Their output is not shown: it may hold settings.
"""

from __future__ import annotations

import os
import re
from typing import List

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts, processes, safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import (
    ServiceManager,
    State,
)

_PATH = re.compile(r"(?<![^\s:;,&|()'\"=])/[^\s:;,&|()'\"=]*")
"""Path as a word or after a separator: --config=/srv/shop/x, PYTHONPATH=/a:/b."""


class CommandManager(ServiceManager):
    """Runs as ``user``, else as the account that may change the programs in the commands."""

    @property
    def account(self) -> accounts.HostAccount:
        if self.declared.get("user"):
            return accounts.application(self.declared["user"], "services.%s" % self.name)
        words = [word for verb in ("restart", "stop", "status") for word in self.declared.get(verb) or ()]
        # Includes missing files: an account may create one before the command runs.
        return self.responsible([path for word in words for path in _PATH.findall(word)])

    @property
    def restart_command(self) -> List[str]:
        return list(self.declared["restart"])

    def restart(self, seconds: float) -> None:
        self._carried_out("restart", seconds)

    def stop(self, seconds: float) -> None:
        if not self.declared.get("stop"):
            raise HostError("the catalog has no services.%s.stop; add it" % self.name)
        self._carried_out("stop", seconds)

    def states(self) -> List[State]:
        name, pid = self.name, self._pid()
        began = processes.start_time(pid) if pid else None
        if self.declared.get("status"):
            problem = self.problem(self.declared["status"], "its status command", self.account, "/", self.seconds)
            return [State(name, not problem, "down: %s" % problem if problem else "running", pid, began)]
        if self.declared.get("pid_file"):
            is_up = began is not None
            text = "running" if is_up else "down: its pid_file names no running process"
            return [State(name, is_up, text, pid, began)]
        return [State(name, True, "")]

    def _carried_out(self, verb: str, seconds: float) -> None:
        name = "services.%s.%s" % (self.name, verb)
        problem = self.problem(self.declared[verb], name, self.account, "/", seconds)
        if problem:
            raise HostError(problem)

    def _pid(self) -> int:
        """Main process; 0 if the file holds no usable number."""
        path = self.declared.get("pid_file")
        if not path:
            return 0
        try:
            with safe_files.place(path) as at:
                handle = safe_files.opened(at)
            with os.fdopen(handle, "rb") as stream:
                pid, owner = max(int(stream.read(20)), 0), os.fstat(handle).st_uid
            # An account may name its own processes, and root's file any.
            return pid if owner == 0 or processes.account(pid) in (safe_files.account(owner), str(owner)) else 0
        except (HostError, OSError, ValueError):
            return 0
