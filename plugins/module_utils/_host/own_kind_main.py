# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs an operator's own kind on the rotation host. Its executable is only in memory, never on the disk."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
from typing import Any, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import own_kind, program, trusted_imports

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "program": {"type": "str", "required": True},
    "request": {"type": "dict", "required": True, "no_log": True},
    "masked": {"type": "list", "elements": "str", "required": True, "no_log": True},
    "timeout": {"type": "int", "required": True},
}
RETURNS: dict[str, Any] = {"message": "text", "notes": "text"}
"""``notes`` is JSON."""
_MFD_EXEC = 0x10
"""Linux 6.3 and newer may refuse to run a memfd without this flag. Older kernels reject the flag."""
_ELSEWHERE = "Choose another rotation host by -e rotation_host=…, or set runs_on: controller in kind.yml"


def main() -> None:
    program.run(ARGUMENT_SPEC, answer)


def answer(params: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Raises RotationError."""
    if check and params["request"]["verb"] != "check":
        raise RotationError('%s was not run: with --check, a run calls only the verb "check"' % params["name"])
    content = base64.b64decode(params["program"])
    _require_trusted(content, params["name"])
    descriptor = _in_memory(content, params["name"])
    result = own_kind.carry_out(
        ["/proc/self/fd/%d" % descriptor],
        params["request"],
        name=params["name"],
        seconds=params["timeout"],
        masked=params["masked"],
        folder="/",
        descriptors=[descriptor],
    )
    return {**result, "notes": json.dumps(result["notes"])}


def _in_memory(content: bytes, name: str) -> int:
    """A read-only descriptor of the executable, which no process can change."""
    try:
        flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
        try:
            descriptor = os.memfd_create("kind", flags | _MFD_EXEC)
        except OSError:
            descriptor = os.memfd_create("kind", flags)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
            return os.open("/proc/self/fd/%d" % descriptor, os.O_RDONLY)
    except (AttributeError, OSError) as error:
        reason = getattr(error, "strerror", None) or "the host's Python has no memfd_create"
        raise RotationError("%s: this host runs no program from memory: %s. %s" % (name, reason, _ELSEWHERE)) from None


def _require_trusted(content: bytes, name: str) -> None:
    """Raises RotationError if another account may change the interpreter, which reads the values."""
    path = _interpreter(content)
    if path is None or not os.path.isabs(path):
        return
    try:
        trusted_imports.check(path, trusted_imports.own_accounts(), set())
    except trusted_imports.Untrusted as error:
        at = str(error)[len(trusted_imports.UNTRUSTED) :]
        remedy = (
            "Another account may change it. In the executable's first line, name an interpreter that belongs to root"
        )
        raise RotationError("%s: untrusted interpreter %s: %s" % (name, at, remedy)) from None
    except OSError as error:
        raise RotationError("%s: its interpreter %s: %s" % (name, path, error.strerror)) from None


def _interpreter(content: bytes) -> str | None:
    """Interpreter in a script's first line; for ``/usr/bin/env``, the program found by PATH."""
    if not content.startswith(b"#!"):
        return None
    arguments = content[2:].split(b"\n", 1)[0].decode(errors="replace").split() or [""]
    if os.path.basename(arguments[0]) != "env":
        return arguments[0]
    named = [word for word in arguments[1:] if not word.startswith("-") and "=" not in word]
    return shutil.which(named[0]) if named else None


if __name__ == "__main__":
    main()
