# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kind of the operator's own: an executable that reads one JSON object and writes one."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._host import own_kind, own_kind_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import state_machine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import ROTATION_HOST, Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer, KindStages, Part

PROGRAM = "kind"
"""The executable beside kind.yml."""


class OwnKind(KindStages):
    """Runs on the controller, with this run's environment, or on the rotation host. Values are only on standard
    input."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def check(self, part: Part) -> Answer:
        return self._run("check", part)

    def block(self, part: Part) -> Answer:
        return self._run("block", part)

    def create(self, part: Part) -> Answer:
        return self._run("create", part)

    def set(self, part: Part) -> Answer:
        return self._run("set", part)

    def test(self, part: Part) -> Answer:
        return self._run("test", part)

    def revoke(self, part: Part) -> Answer:
        answer = self._run("revoke", part)
        if "verify_revoked" in self.kind.verbs:
            self._run("verify_revoked", part)
        return answer

    def _run(self, verb: str, part: Part) -> Answer:
        """Runs a verb. Returns only ``message`` and ``notes`` of the output."""
        request, masked = _request(verb, part)
        program = Path(self.kind.folder) / PROGRAM
        name = f"{program} {verb}"
        run = self._on_rotation_host if self.kind.runs_on == ROTATION_HOST else self._here
        try:
            answer = run(program, request, name=name, masked=masked, part=part)
        except RotationError as error:
            raise type(error)(_shown(str(error), masked)) from None
        notes = own_kind.checked_notes(_printable(answer["notes"]), masked, name=name)
        return {"message": _shown(str(answer["message"]), masked), "notes": notes}

    def _here(
        self, program: Path, request: Mapping[str, Any], *, name: str, masked: list[str], part: Part
    ) -> Mapping[str, Any]:
        del part
        return own_kind.carry_out(
            [str(program)], request, name=name, seconds=self.kind.timeout, masked=masked, folder=self.kind.folder
        )

    def _on_rotation_host(
        self, program: Path, request: Mapping[str, Any], *, name: str, masked: list[str], part: Part
    ) -> Mapping[str, Any]:
        try:
            content = base64.b64encode(program.read_bytes()).decode()
        except OSError as error:
            raise RotationError(f"{program} cannot be read: {error.strerror}; correct its path or mode") from None
        args = {"name": name, "program": content, "request": request, "masked": masked, "timeout": self.kind.timeout}
        answer = part.server.execute(own_kind_main, args=args, seconds=self.kind.timeout)
        try:
            return {**answer, "notes": json.loads(answer["notes"])}
        except (ValueError, RecursionError):
            raise RotationError(
                f"{name}: the notes in the host's answer are not JSON; correct the kind's program"
            ) from None


def _shown(text: str, masked: list[str]) -> str:
    return str(redaction.scrub(host_answer.printable(text, lines=True), masked)).strip()[: own_kind.SHOWN]


def _printable(node: Any) -> Any:
    if isinstance(node, str):
        return host_answer.printable(node, lines=True)
    if isinstance(node, Mapping):
        return {_printable(key): _printable(item) for key, item in node.items()}
    return [_printable(item) for item in node] if isinstance(node, list) else node


def _request(verb: str, part: Part) -> tuple[dict[str, Any], list[str]]:
    """The document on the executable's standard input, and its secret texts."""
    setting, name = part.setting, part.name
    credential = setting.catalog.credentials[name]
    if verb == "check":
        old, new, extra = setting.held(credential).login, None, {"notes": {}, "rollback": False, "leak": False}
    else:
        _journal, rotation, _item = setting.mine(name)
        old = setting.old(rotation, name).login
        new = setting.new_value(rotation, name)
        extra = {
            "rotation": rotation.id,
            "number": rotation.number,
            "notes": dict(rotation.notes.get(name, {})),
            "rollback": rotation.step in state_machine.BACKWARD,
            "leak": bool(rotation.plan.get("incident")),
        }
    request = {
        "verb": verb,
        "credential": name,
        "application": setting.catalog.application,
        "environment": setting.catalog.environment,
        "options": dict(credential.options),
        "former": part.credential.get("act") == rotation_plan.REVOKE,
        "old": _login(old),
        "new": _login(new) if new else None,
        **extra,
    }
    return request, own_kind.masked_texts([login.password for login in (old, new) if login])


def _login(login: Login) -> dict[str, Any]:
    return {"username": login.username, "password": login.password}


def problem(folder: Path) -> str:
    """The problem of a kind's executable; empty if none."""
    program = folder / PROGRAM
    if not program.is_file():
        return (
            f"{folder}: has no executable named {PROGRAM}; docs/how-to/write-a-rotation-kind.md has a complete example"
        )
    return "" if os.access(program, os.X_OK) else f"{program}: is not executable; run chmod +x {program}"


STAGES = {"check": "check", "block": "block", "create": "create", "set": "set", "test": "test", "revoke": "revoke"}
"""The stage of each verb; verify_revoked follows revoke."""
