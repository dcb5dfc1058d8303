# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Interface of service managers."""

from __future__ import annotations

import abc
import subprocess
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts, bounded_command, processes
from ansible_collections.watchparty.secrets.plugins.module_utils._host.accounts import HostAccount

DONE = {"restart": "restarted", "stop": "stopped"}
_ASK_SECONDS = 30
_LARGEST = 1 << 16
_SHOWN = 200
"""Characters of a manager's own error."""


class State(NamedTuple):
    unit: str
    is_up: bool
    text: str
    """State in the manager's words."""
    pid: int = 0
    """Main process; 0 if none or unknown."""
    began: Optional[float] = None
    """Start of the process, in seconds since 1970; None if unknown."""
    exists: bool = True
    """Whether the manager can restart the unit."""


class Configured(NamedTuple):
    starts: Optional[bool] = None
    """Whether the manager starts the unit at boot; None if unknown."""
    reason: str = ""
    """Reason why it does not start."""
    settings: Mapping[str, Mapping[str, str]] = {}
    """Settings for the environment, by file."""
    environments: Sequence[Mapping[str, str]] = ()
    """Environment of each container."""


class ServiceManager(abc.ABC):
    """Restarts a service's units and reports their states. Methods raise HostError."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self.declared = declared
        self.name: str = declared.get("service") or ""
        self.units: Sequence[str] = declared.get("units") or ()
        self.seconds = _ASK_SECONDS
        """Time limit for queries."""

    @property
    @abc.abstractmethod
    def restart_command(self) -> List[str]:
        """Command that restarts every unit. :meth:`restart` may need several."""

    @property
    def enable_command(self) -> List[str]:
        """Command after which the manager starts its units at boot, if their configuration says so."""
        return self.restart_command

    @abc.abstractmethod
    def restart(self, seconds: float) -> None:
        """Restarts every unit with the present file."""

    @abc.abstractmethod
    def stop(self, seconds: float) -> None:
        """Stops every unit until the next restart."""

    @abc.abstractmethod
    def states(self) -> List[State]:
        """States of the units."""

    def configured(self, unit: str) -> Configured:
        """Configuration of a unit of :meth:`states`."""
        del unit
        return Configured()

    def missing(self) -> List[State]:
        """Units that a restart would not find."""
        return [state for state in self.states() if not state.exists]

    def by_unit(self) -> List[ServiceManager]:
        """A manager for each unit."""
        return [type(self)({**self.declared, "units": [unit]}) for unit in self.units] or [self]

    def health_problem(self, folder: str, seconds: float) -> str:
        """Reason why the ``health_command`` fails; empty if healthy or if no such command exists."""
        command, name = self.declared.get("health_command"), "services.%s.health_command" % self.name
        if not command:
            return ""
        account = accounts.application(self.declared.get("user") or "", name)
        return self.problem(command, name, account, folder, seconds)

    def problem(self, command: Sequence[str], name: str, account: HostAccount, folder: str, seconds: float) -> str:
        """Reason why a command did not end with exit code 0. Its output is discarded: it may hold settings."""
        try:
            code = bounded_command.exit_code(command, seconds=seconds, account=account, folder=folder)
        except OSError as error:
            return "%s cannot be run: %s" % (name, error.strerror or error)
        except subprocess.SubprocessError:
            return "%s cannot be run: %s cannot enter %s" % (name, account.name, folder)
        if code is None:
            return "%s: not finished after %.0f s" % (name, seconds)
        return "%s: exit code %d; its output is not shown" % (name, code) if code else ""

    @property
    @abc.abstractmethod
    def account(self) -> HostAccount:
        """The account that runs the manager's program."""

    def responsible(self, paths: Sequence[str]) -> HostAccount:
        """The account that can change these files and the declared program."""
        program = self.declared.get("program")
        return accounts.responsible([*paths, *([program] if program else [])], "services.%s" % self.name)

    def state(self, unit: str, is_up: bool, text: str, pid: int) -> State:
        """The unit's state with its process. A manager that another account runs could name any process."""
        account = self.account
        began, owner = (processes.start_time(pid), processes.account(pid)) if pid else (None, "")
        if pid and (began is None or not owner):
            return State(unit, is_up=False, text="%s, but its process has ended" % text)
        if account.uid != 0 and owner != account.name:
            return State(unit, is_up, text)
        return State(unit, is_up, text, pid, began)

    def run(self, command: Sequence[str], seconds: float, *, errors: bool = True) -> bounded_command.CommandOutput:
        """Output, with ``errors`` including standard error. Raises HostError if the command cannot start or is too
        slow.
        """
        try:
            answer = bounded_command.output(
                command, seconds=seconds, largest=_LARGEST, account=self.account, errors=errors
            )
        except OSError as error:
            raise HostError("%s cannot be run: %s" % (command[0], error.strerror or error)) from None
        if answer.code is None:
            raise HostError("%s did not answer within %.0f s" % (command[0], seconds))
        return answer

    def required(self, command: Sequence[str], seconds: float, label: str) -> str:
        """Output of a manager's program. Raises HostError with its last line, which holds no setting."""
        answer = self.run(command, seconds)
        text = answer.content.decode("utf-8", "replace")
        if answer.code:
            raise HostError("%s: %s" % (label, last_line(text) or "exit code %d" % answer.code))
        return text


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return "".join(name if name.isprintable() else " " for name in lines[-1][:_SHOWN]) if lines else ""
