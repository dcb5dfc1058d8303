# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs of supervisor."""

from __future__ import annotations

import re
import shlex
from typing import Dict, List, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers import supervisor_config
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import (
    DONE,
    Configured,
    ServiceManager,
    State,
    last_line,
)

_LINE = re.compile(r"(\S+)\s+(STOPPED|STARTING|RUNNING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)\b(?:\s+pid (\d+),)?")

_AVAILABLE = re.compile(r"(?m)^(\S+)\s+(?:in use|avail)\s+(auto|manual)\b")


class SupervisorManager(ServiceManager):
    """Runs as the account that may change supervisor's configuration, which may name code for supervisorctl."""

    _automatic: Optional[Dict[str, bool]] = None
    _sections: List[supervisor_config.Section]

    @property
    def account(self) -> accounts.HostAccount:
        return self.responsible([self.declared["file"]])

    @property
    def restart_command(self) -> List[str]:
        return [*self._control(), "restart", *self.units]

    @property
    def enable_command(self) -> List[str]:
        """Reads the configuration again. This restarts programs whose configuration has changed."""
        return [*self._control(), "update"]

    def restart(self, seconds: float) -> None:
        for unit in self.units:
            try:
                self._carried_out("restart", unit, seconds)
            except HostError as error:
                log = " ".join(map(shlex.quote, [*self._control(), "tail", unit]))
                raise HostError("%s. Its log: %s" % (error, log)) from None

    def stop(self, seconds: float) -> None:
        for unit in self.units:
            self._carried_out("stop", unit, seconds)

    def states(self) -> List[State]:
        answer = self.run([*self._control(), "status", *self.units], self.seconds)
        text = answer.content.decode("utf-8", "replace")
        rows = [match for match in map(_LINE.match, text.splitlines()) if match]
        states = [
            self.state(row.group(1), row.group(2) == "RUNNING", row.group(2), int(row.group(3) or 0)) for row in rows
        ]
        missing = re.findall(r"(?m)^(\S+): ERROR \(no such (?:process|group)\)$", text)
        if not states and not missing:
            raise HostError("supervisor: %s" % (last_line(text) or "exit code %s" % answer.code))
        return states + [State(unit, is_up=False, text="not configured", exists=False) for unit in missing]

    def configured(self, unit: str) -> Configured:
        if self._automatic is None:
            text = self.required([*self._control(), "avail"], self.seconds, "supervisorctl avail")
            self._sections = supervisor_config.sections(self.declared["file"])
            self._automatic = {name: start == "auto" for name, start in _AVAILABLE.findall(text)}
        settings = supervisor_config.environments(self._sections, unit)
        return Configured(self._automatic.get(unit), "its autostart is false", settings)

    def _control(self) -> List[str]:
        return [self.declared.get("program") or "supervisorctl", "-c", self.declared["file"]]

    def _carried_out(self, verb: str, unit: str, seconds: float) -> None:
        self.required([*self._control(), verb, unit], seconds, "%s could not be %s" % (unit, DONE[verb]))
