# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services of runit."""

from __future__ import annotations

import os
import re
import shlex
import time
from typing import Iterator, List, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts, safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import (
    DONE,
    Configured,
    ServiceManager,
    State,
    last_line,
)

DIRECTORY = "/etc/service"
TICK = 0.02
"""Seconds of tolerance: the clock of processes counts in hundredths."""
_LINE = re.compile(r"(run|down|finish): .*?: (?:\(pid (\d+)\) )?")
_USED = ("check", "supervise/ok", "supervise/control", "supervise/status")
"""Files that sv runs, opens or writes in a service's directory."""

MOST, LARGEST = 200, 1 << 16
"""Files of settings, and bytes of each."""
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=([^$`]*)", re.DOTALL)
"""Literal assignments only: the running process shows computed ones."""


class RunitManager(ServiceManager):
    """Runs as the account that may change files which ``sv`` uses."""

    @property
    def account(self) -> accounts.HostAccount:
        return self.responsible([os.path.join(self._path(unit), name) for unit in self.units for name in _USED])

    @property
    def restart_command(self) -> List[str]:
        return [self._program, "-w", "%d" % self.seconds, "restart", *map(self._path, self.units)]

    @property
    def enable_command(self) -> List[str]:
        return ["rm", "-f", *(os.path.join(self._path(unit), "down") for unit in self.units)]

    def restart(self, seconds: float) -> None:
        """Waits for a new process: sv counts whole seconds, so it may take the old process for the new one."""
        began = time.time() - TICK
        self._carried_out("restart", seconds)
        while not all(state.is_up and (state.began is None or state.began >= began) for state in self.states()):
            if time.time() > began + seconds:
                raise HostError("%s did not start again within %.0f s" % (", ".join(self.units), seconds))
            time.sleep(TICK)

    def stop(self, seconds: float) -> None:
        """Kills a process that ignores SIGTERM after half the time."""
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

    def configured(self, unit: str) -> Configured:
        down = os.path.join(self._path(unit), "down")
        folder, script = (os.path.join(self._path(unit), name) for name in ("env", "run"))
        settings = {script: dict(_assigned(script)), folder: dict(_in_folder(folder))}
        return Configured(not os.path.lexists(down), "%s exists" % down, settings)

    def _path(self, unit: str) -> str:
        return os.path.join(self.declared.get("directory") or DIRECTORY, unit)

    @property
    def _program(self) -> str:
        return self.declared.get("program") or "sv"

    def _carried_out(self, verb: str, seconds: float) -> None:
        for unit in self.units:
            command = [self._program, "-w", "%d" % max(seconds, 1), verb, self._path(unit)]
            self.required(command, seconds + 1, "%s could not be %s" % (unit, DONE[verb.rpartition("-")[2]]))


def _text(at: safe_files.OpenPath) -> str:
    """Empty if the file does not exist."""
    try:
        with os.fdopen(safe_files.opened(at), "rb") as stream:
            return stream.read(LARGEST).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


def _assigned(script: str) -> Iterator[Tuple[str, str]]:
    with safe_files.place(os.path.realpath(script)) as at:
        lines = _text(at).splitlines()
    for line in lines:
        try:
            words = shlex.split(line, comments=True)
        except ValueError:  # a text of several lines
            continue
        for match in filter(None, map(_ASSIGNMENT.fullmatch, words)):
            yield match.group(1), match.group(2)


def _in_folder(folder: str) -> Iterator[Tuple[str, str]]:
    """Settings as ``chpst -e`` reads them: a file for each, of which the first line counts."""
    if not os.path.isdir(folder):
        return
    with safe_files.place(os.path.join(os.path.realpath(folder), "any")) as at:
        for name in sorted(safe_files.listed(at))[:MOST]:
            yield name, _text(at._replace(name=name)).partition("\n")[0].rstrip()
