# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the executable of an operator's own kind, with one JSON object as input and one as output.

It runs on the controller or on the rotation host.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError

LONGEST = 65536
"""Bytes of an answer, and of the end of standard error."""
DEEPEST = 20
SHOWN = 600
"""Characters of a reason."""


def masked_texts(passwords: Sequence[Optional[str]]) -> List[str]:
    """Texts to mask, also as JSON spells them."""
    values = [text for text in passwords if text and len(text) >= redaction.SHORTEST]
    return list(dict.fromkeys([*values, *(json.dumps(text)[1:-1] for text in values)]))


def carry_out(
    command: Sequence[str],
    request: Mapping[str, Any],
    *,
    name: str,
    seconds: float,
    masked: List[str],
    folder: Optional[str] = None,
    descriptors: Sequence[int] = (),
) -> Dict[str, Any]:
    """Runs the executable. Returns only ``message`` and ``notes`` of its answer. Raises RotationError.

    ``name`` names the executable in a reason.
    """
    try:
        # pylint: disable-next=ansible-bad-function # also runs on the controller, without a module
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            pass_fds=descriptors,
            start_new_session=True,
        )
    except OSError as error:
        remedy = "Make it executable, and install the interpreter that its first line names"
        raise RotationError("%s cannot be run: %s. %s" % (name, error.strerror, remedy)) from None
    try:
        with process:
            try:
                stdout, stderr = _exchanged(process, json.dumps(request).encode() + b"\n", seconds)
            finally:
                _end(process)
    except _TooLate:
        raise RotationError("%s has not ended within %d s" % (name, seconds)) from None
    answer = _parsed(stdout)
    if answer is None and (len(stdout) > LONGEST or not process.returncode):
        raise RotationError("%s did not write one JSON object of at most %d bytes" % (name, LONGEST))
    if process.returncode:
        reason = str((answer or {}).get("message") or stderr or "its exit code was %d" % process.returncode)
        raise RotationError(redaction.scrub(reason, masked).strip()[:SHOWN])
    result = answer or {}
    return {
        "message": str(redaction.scrub(str(result.get("message") or ""), masked))[:SHOWN],
        "notes": checked_notes(result.get("notes"), masked, name=name),
    }


def checked_notes(notes: Any, masked: List[str], *, name: str) -> Optional[Dict[str, Any]]:
    """Notes that the journal may keep. Raises RotationError."""
    if not isinstance(notes, dict):
        return None
    if redaction.scrub(notes, masked) != notes:
        reason = "its notes contain a secret value, which the journal must not store. Store an id instead"
    elif not _is_plain(notes, DEEPEST):
        reason = "its notes are nested too deeply, or contain a number that JSON does not have"
    elif len(json.dumps(notes)) > LONGEST:
        reason = "its notes are longer than %d characters" % LONGEST
    else:
        return notes
    raise RotationError("%s: %s" % (name, reason))


def _is_plain(node: Any, depth: int) -> bool:
    if isinstance(node, float):
        return math.isfinite(node)
    if isinstance(node, (dict, list)):
        inner = node.values() if isinstance(node, dict) else node
        return depth > 0 and all(_is_plain(item, depth - 1) for item in inner)
    return True


class _TooLate(Exception):
    """Raised after the time limit."""


def _exchanged(process: subprocess.Popen[bytes], request: bytes, seconds: float) -> Tuple[bytes, str]:
    """Standard output up to the limit, and the last line of standard error. Raises _TooLate."""
    until = time.monotonic() + seconds
    stdin, stdout, stderr = (pipe.fileno() for pipe in (process.stdin, process.stdout, process.stderr) if pipe)
    os.set_blocking(stdin, False)
    output, errors, is_cut = b"", b"", False
    with selectors.DefaultSelector() as selector:
        selector.register(stdin, selectors.EVENT_WRITE)
        selector.register(stdout, selectors.EVENT_READ)
        selector.register(stderr, selectors.EVENT_READ)
        while selector.get_map():
            remaining = until - time.monotonic()
            if remaining <= 0:
                raise _TooLate
            for key, _events in selector.select(remaining):
                if key.fd == stdin:
                    request = _written(stdin, request)
                    if not request:
                        selector.unregister(stdin)
                        process.stdin.close()  # type: ignore[union-attr]
                    continue
                chunk = os.read(key.fd, LONGEST)
                if not chunk:
                    selector.unregister(key.fd)
                elif key.fd == stdout:
                    output += chunk
                    if len(output) > LONGEST:
                        return output, ""
                else:
                    errors += chunk
                    is_cut, errors = is_cut or len(errors) > LONGEST, errors[-LONGEST:]
    try:
        process.wait(max(until - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        raise _TooLate from None
    # The line that was cut may begin in the middle of a value, which masking would not recognise.
    whole = errors.partition(b"\n")[2] if is_cut else errors
    return output, "".join(whole.decode(errors="replace").strip().splitlines()[-1:])


def _written(stdin: int, request: bytes) -> bytes:
    """The unwritten rest; empty if the reader has closed its end."""
    try:
        return request[os.write(stdin, request) :]
    except BlockingIOError:
        return request
    except BrokenPipeError:
        return b""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills the executable and its process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _parsed(text: bytes) -> Optional[Dict[str, Any]]:
    if len(text) > LONGEST:
        return None
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
