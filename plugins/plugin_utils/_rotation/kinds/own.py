# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kind of the operator's own: an executable that reads one JSON object and writes one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils import _graph, _redact
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import _rotation, _steps
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._kinds import Kind
from ansible_collections.watchparty.secrets.plugins.module_utils._url import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _host_answer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Acts, Answer, Part

PROGRAM = "kind"
"""The executable beside kind.yml."""
LONGEST = 65536
"""Bytes of an answer."""


class OwnKind(Acts):
    """Runs on the controller, with this run's environment; values are on its standard input only."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def check(self, part: Part) -> Answer:
        return self._run("check", part)

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
        request, masked = _request(verb, part)
        found = _executed(self.kind, request, lambda text: str(_redact.scrub(text, masked)))
        return found if isinstance(found.get("notes"), Mapping) else {**found, "notes": None}


def _request(verb: str, part: Part) -> tuple[dict[str, Any], list[str]]:
    """What the executable reads, and which of it must not be shown."""
    setting, name = part.setting, part.name
    credential = setting.catalog.credentials[name]
    if verb == "check":
        old, new, more = setting.held(credential).login, None, {"notes": {}, "back": False, "leak": False}
    else:
        _journal, rotation, _item = setting.mine(name)
        old = _graph.find(setting.catalog, credential, setting.rotator.old_contents(rotation, credential)).login
        new = setting.new_value(rotation, name)
        more = {
            "rotation": rotation.id,
            "number": rotation.number,
            "notes": dict(rotation.notes.get(name, {})),
            "back": rotation.step in _steps.BACKWARD,
            "leak": bool(rotation.plan.get("incident")),
        }
    request = {
        "verb": verb,
        "credential": name,
        "application": setting.catalog.application,
        "environment": setting.catalog.environment,
        "options": dict(credential.options),
        "former": part.credential.get("act") == _rotation.RETIRE,
        "old": _login(old),
        "new": _login(new) if new else None,
        **more,
    }
    masked = [one.password for one in (old, new) if one and one.password]
    return request, [text for text in masked if len(text) >= _redact.SHORTEST]


def _login(login: Login) -> dict[str, Any]:
    return {"username": login.username, "password": login.password}


def _executed(kind: Kind, request: Mapping[str, Any], scrub: Callable[[str], str]) -> dict[str, Any]:
    """The object that it writes. Raises RotationError with its ``message``, or what else went wrong."""
    program = Path(kind.folder) / PROGRAM
    name, verb = request["credential"], request["verb"]
    try:
        done = subprocess.run(
            [str(program)],
            input=json.dumps(request).encode() + b"\n",
            capture_output=True,
            cwd=kind.folder,
            timeout=kind.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RotationError(f"{name}: {program} {verb} has not ended within {kind.timeout} s") from None
    except OSError as error:
        raise RotationError(f"{name}: {program} cannot be run: {error.strerror}; make it executable") from None
    answer = _parsed(done.stdout)
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        words = str((answer or {}).get("message") or "".join(last) or f"it ended with {done.returncode}")
        raise RotationError(f"{name}: {scrub(_host_answer.printable(words, lines=True)).strip()[:600]}")
    if answer is None:
        raise RotationError(f"{name}: {program} {verb} did not write one JSON object of at most {LONGEST} bytes")
    found: dict[str, Any] = _redact.scrub(answer, [])
    found["message"] = scrub(_host_answer.printable(str(answer.get("message") or ""), lines=True))
    return found


def _parsed(text: bytes) -> dict[str, Any] | None:
    if len(text) > LONGEST:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def objection(folder: Path) -> str:
    """What is wrong with the executable of a kind's folder; empty if nothing is."""
    program = folder / PROGRAM
    if not program.is_file():
        return f"{folder}: has no executable named {PROGRAM}; docs/rotation.md has a complete example"
    return "" if os.access(program, os.X_OK) else f"{program}: is not executable; run chmod +x {program}"


STAGES = {"check": "check", "create": "create", "set": "set", "test": "test", "revoke": "retire"}
"""The stage of each verb; verify_revoked follows revoke."""
