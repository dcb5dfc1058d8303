# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services of a compose file.

compose's output is not shown: its errors quote lines of .env.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import Dict, List

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import (
    Configured,
    ServiceManager,
    State,
)

_UP = ("up", "--detach", "--force-recreate", "--no-deps", "--no-build", "--pull", "never")
"""Not ``restart``, which keeps a container's old environment. A restart pulls no new image."""
_LASTING = '{{if ne (index .Config.Labels "com.docker.compose.oneoff") "True"}}%s{{end}}'
"""Not a container of ``docker compose run``, which ``ps --all`` lists too."""
_SHOWN = _LASTING % '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{.Created}}'
_CONFIGURED = _LASTING % "{{.HostConfig.RestartPolicy.Name}} {{json .Config.Env}}"
_RESTARTED = ("always", "unless-stopped")
"""Restart policies that start a container at boot."""
_LINE = re.compile(r"(\S+) ([a-z]+) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z")


class ComposeManager(ServiceManager):
    """Runs as the account that may change the compose file or its ``.env``, which may name another compose file."""

    @property
    def account(self) -> accounts.HostAccount:
        beside = os.path.join(os.path.dirname(self.declared["file"]), ".env")
        return self.responsible([self.declared["file"], beside])

    @property
    def restart_command(self) -> List[str]:
        return [*self._compose(), *_UP, *self.units]

    def restart(self, seconds: float) -> None:
        self._carried_out("up", self.restart_command, seconds)

    def stop(self, seconds: float) -> None:
        self._carried_out("stop", [*self._compose(), "stop", *self.units], seconds)

    def states(self) -> List[State]:
        """``began`` is the creation time: a restarted container keeps the environment of its creation."""
        ids = self._asked([*self._compose(), "ps", "--all", "--quiet", *self.units]).split()
        text = self._asked([self._program, "inspect", "--format", _SHOWN, *ids]) if ids else ""
        states = [_state(line) for line in text.splitlines() if line.strip()]
        known: Dict[str, List[State]] = {}
        for state in states:
            known.setdefault(state.unit, []).append(state)
        missing = State("", is_up=False, text="not created", exists=False)
        return [state for unit in self.units for state in known.get(unit, [missing._replace(unit=unit)])]

    def configured(self, unit: str) -> Configured:
        ids = self._asked([*self._compose(), "ps", "--all", "--quiet", unit]).split()
        text = self._asked([self._program, "inspect", "--format", _CONFIGURED, *ids]) if ids else ""
        rows = [line.partition(" ") for line in text.splitlines() if line.strip()]
        wrong = sorted({policy or "no" for policy, _space, _environment in rows} - {*_RESTARTED})
        environments = [_environment(content) for _policy, _space, content in rows]
        reason = "its restart policy is %s" % ", ".join(wrong)
        return Configured(not wrong if rows else None, reason, environments=environments)

    def missing(self) -> List[State]:
        """Empty: a restart creates containers, and compose reads the ``.env`` that is not written yet."""
        return []

    def health_problem(self, folder: str, seconds: float) -> str:
        command = self.declared.get("health_command")
        if not command:
            return ""
        inside = [*self._compose(), "exec", "-T", self.units[0], *command]
        return self.problem(inside, "services.%s.health_command" % self.name, self.account, "/", seconds)

    @property
    def _program(self) -> str:
        return self.declared.get("program") or "docker"

    def _compose(self) -> List[str]:
        return [self._program, "compose", "--file", self.declared["file"]]

    def _carried_out(self, verb: str, command: List[str], seconds: float) -> None:
        problem = self.problem(command, "%s compose %s" % (self._program, verb), self.account, "/", seconds)
        if problem:
            raise HostError("%s. Run it as %s: %s" % (problem, self.account.name, " ".join(map(shlex.quote, command))))

    def _asked(self, command: List[str]) -> str:
        answer = self.run(command, self.seconds, errors=False)  # a warning is not the id of a container
        if answer.code:
            message = "%s: exit code %d; its output is not shown. Run it as %s"
            raise HostError(message % (" ".join(map(shlex.quote, command[:6])), answer.code, self.account.name))
        return answer.content.decode("utf-8", "replace")


def _environment(content: str) -> Dict[str, str]:
    """Raises HostError."""
    try:
        entries = json.loads(content) or []
        return dict(entry.split("=", 1) for entry in entries if "=" in entry)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise HostError("docker inspect answered with an unknown form of environment (please report it)") from None


def _state(line: str) -> State:
    """Raises HostError."""
    match = _LINE.fullmatch(line.strip())
    if not match:
        raise HostError("docker inspect answered in an unknown form (please report it)")
    unit, status, created, fraction = match.groups()
    began = timestamps.seconds_of(created + "Z") + float(fraction or 0)
    return State(unit, status == "running", status, began=began)
