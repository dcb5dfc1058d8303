# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Units of systemd."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import List, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts, systemd_show
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import (
    DONE,
    ServiceManager,
    State,
)

SHOWN = ("Id", "Type", "ActiveState", "SubState", "Result", "LoadState")


class SystemdManager(ServiceManager):
    """Runs systemctl with this process's rights, because units are root's files."""

    @property
    def account(self) -> accounts.HostAccount:
        return accounts.named(str(os.geteuid()))

    @property
    def restart_command(self) -> List[str]:
        return ["systemctl", "restart", "--", *self.units]

    def restart(self, seconds: float) -> None:
        for unit in self.units:
            self._run("restart", unit)

    def stop(self, seconds: float) -> None:
        for unit in self.units:
            self._run("stop", unit)

    def states(self) -> List[State]:
        if not self.units:
            return []
        answer = _systemctl("show", "--property", ",".join(SHOWN), "--", *self.units)
        results = systemd_show.shown(answer.stdout)
        if answer.returncode or len(results) != len(self.units):
            raise HostError("systemd does not report the state of the units: %s" % _reason(answer))
        return [_state(entry) for entry in results]

    def _run(self, verb: str, unit: str) -> None:
        answer = _systemctl(verb, "--", unit)
        if answer.returncode:
            log = shlex.join(["journalctl", "-u", unit])
            raise HostError("%s could not be %s: %s. Its log: %s" % (unit, DONE[verb], _reason(answer), log))


def _state(unit: Mapping[str, str]) -> State:
    """State of a unit. If it is not installed, masked or invalid, it cannot be restarted, even while it runs."""
    load, is_running = unit.get("LoadState", "loaded"), systemd_show.is_up(unit)
    if load != "loaded":
        return State(unit["Id"], is_running, load, exists=False)
    return State(unit["Id"], is_running, "%s (%s)" % (unit["ActiveState"], unit["SubState"]))


def _systemctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # pylint: disable=ansible-bad-function
            ["systemctl", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise HostError("systemctl cannot be run: %s" % (error.strerror or error)) from None


def _reason(answer: subprocess.CompletedProcess[str]) -> str:
    lines = answer.stderr.strip().splitlines() or ["the exit code of systemctl was %d" % answer.returncode]
    return lines[0].rstrip(".")
