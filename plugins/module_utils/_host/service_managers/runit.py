# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services of runit. Standard library only; Python 3.8."""

from __future__ import annotations

import os
import re
import time
from typing import List

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import (
    DONE,
    ServiceManager,
    State,
    last_line,
)

DIRECTORY = "/etc/service"
TICK = 0.02
"""The clock of processes counts in hundredths."""
_LINE = re.compile(r"(run|down|finish): .*?: (?:\(pid (\d+)\) )?")
_USED = ("check", "supervise/ok", "supervise/control", "supervise/status")
"""What sv runs, opens and writes to in a service's directory."""


class RunitManager(ServiceManager):
    """Runs as whoever may change what ``sv`` uses in a service's directory."""

    @property
    def account(self) -> accounts.HostAccount:
        return self.responsible([os.path.join(self._path(unit), name) for unit in self.units for name in _USED])

    def restart(self, seconds: float) -> None:
        """sv counts whole seconds, so of a service that began in this one it takes the old process for the new."""
        began = time.time() - TICK
        self._carried_out("restart", seconds)
        while not all(state.is_up and (state.began is None or state.began >= began) for state in self.states()):
            if time.time() > began + seconds:
                raise HostError("%s did not run again after %.0f s" % (", ".join(self.units), seconds))
            time.sleep(TICK)

    def stop(self, seconds: float) -> None:
        """A process that ignores SIGTERM is killed in the middle of the time."""
        try:
            self._carried_out("force-stop", seconds / 2)
        except HostError:  # sv reports a kill as a failure
            self._carried_out("stop", seconds / 2)

    def states(self) -> List[State]:
        return [self._state(unit) for unit in self.units]

    def _state(self, unit: str) -> State:
        if not os.path.isdir(self._path(unit)):
            return State(unit, is_up=False, text="not installed", exists=False)
        text = self.run([self._program, "status", self._path(unit)], self.seconds).content.decode("utf-8", "replace")
        match = _LINE.match(text)
        if not match:
            raise HostError("runit: %s" % last_line(text))
        return self.state(unit, match.group(1) == "run", match.group(1), int(match.group(2) or 0))

    def _path(self, unit: str) -> str:
        return os.path.join(self.declared.get("directory") or DIRECTORY, unit)

    @property
    def _program(self) -> str:
        return self.declared.get("program") or "sv"

    def _carried_out(self, verb: str, seconds: float) -> None:
        for unit in self.units:
            command = [self._program, "-w", "%d" % max(seconds, 1), verb, self._path(unit)]
            self.required(command, seconds + 1, "%s could not be %s" % (unit, DONE[verb.rpartition("-")[2]]))
