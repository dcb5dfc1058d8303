# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a program with limits on output and time: another account may control the program."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from typing import NamedTuple, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._host.accounts import HostAccount, start_options

_TICK = 0.05
"""Seconds between checks whether the program has ended, because its children may keep its output open."""


class CommandOutput(NamedTuple):
    """``code``: None if a signal ended the program, as after the time limit. ``is_cut``: the output was longer."""

    code: Optional[int]
    content: bytes
    is_cut: bool


def output(
    command: Sequence[str], *, seconds: float, largest: int, account: Optional[HostAccount] = None, errors: bool = False
) -> CommandOutput:
    """Runs a program, by default with this process's rights and environment. ``errors`` includes standard error.

    Raises OSError if the program cannot start.
    """
    with _started(command, subprocess.PIPE, account, "/", errors=errors) as program:
        content, is_late = _read(program, time.monotonic() + seconds, largest)
        is_cut = len(content) > largest
        if is_late or is_cut:
            _kill(program)
        code = program.wait()
    return CommandOutput(None if code < 0 and not is_cut else code, content[:largest], is_cut)


def exit_code(command: Sequence[str], *, seconds: float, account: HostAccount, folder: str = "/") -> Optional[int]:
    """None after the time limit. The output is discarded: children of the program may keep a pipe open.

    Raises OSError, and SubprocessError if the account cannot enter the folder.
    """
    with _started(command, subprocess.DEVNULL, account, folder, errors=False) as program:
        try:
            return program.wait(seconds)
        except subprocess.TimeoutExpired:
            _kill(program)
            return None


def _started(
    command: Sequence[str], output_to: int, account: Optional[HostAccount], folder: str, *, errors: bool
) -> subprocess.Popen[bytes]:
    options = start_options(account, folder) if account else {}
    return subprocess.Popen(  # pylint: disable=ansible-bad-function
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=output_to,
        stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
        start_new_session=True,
        **options,
    )


def _kill(program: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


def _read(program: subprocess.Popen[bytes], until: float, largest: int) -> tuple[bytes, bool]:
    """Output, at most one byte more than ``largest``, and whether the time ran out before the program ended."""
    content, is_open = b"", True
    handle = program.stdout.fileno() if program.stdout else -1
    while len(content) <= largest:
        has_ended = program.poll() is not None
        if time.monotonic() > until:
            return content, not has_ended
        if is_open and select.select([handle], [], [], 0 if has_ended else _TICK)[0]:
            part = os.read(handle, min(65536, largest + 1 - len(content)))
            content, is_open = content + part, bool(part)
        elif has_ended:
            return content, False
        elif not is_open:
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(_TICK)
    return content, False
