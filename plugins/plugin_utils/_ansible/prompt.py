# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A question at the terminal: what arrives at once is one answer, however many lines it has."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
from io import BufferedReader
from typing import Any, cast

from ansible.errors import AnsibleError
from ansible.utils.display import Display

JOB, RUNNER = "RUNNER_OMIT_EVENTS", "AWX_ISOLATED_DATA_DIR"
"""Variables of jobs of ansible-runner and AWX, and of every run by ansible-runner, such as ansible-navigator's."""
QUIET = 0.2
"""Seconds without a key after which a line's end is the answer's: a paste arrives at once, also over a network."""
_BRACKETS = re.compile(rb"\x1b\[20[01]~")
"""What some terminals put around a paste."""


def ask(question: str, *, private: bool, quiet: float = QUIET) -> bytes:
    """The answer with all of its lines, without the end of the last one. Raises AnsibleError without a terminal.

    What waits before the question is put is thrown away.
    """
    if _is_job():
        raise AnsibleError("ansible-runner gives this run a terminal that no person reads")
    answer = Display().prompt_until(question, private=private, complete_input=_Ends(quiet))
    lines = re.sub(rb"\r\n?", b"\n", _BRACKETS.sub(b"", bytes(answer)))
    return lines.strip(b"\n")


def _is_job() -> bool:
    """Whether a question would wait until the job's timeout.

    A run that ansible-runner gave a terminal of its own leads a session. With --enable-prompts, ansible-navigator
    passes the operator's terminal on.
    """
    parent = os.getppid()
    return JOB in os.environ or (RUNNER in os.environ and os.getsid(parent) == parent)


class _Ends:
    """Whether a key ends the answer: ``prompt_until`` looks each one up here.

    A task runs in a process of its own, and the terminal is read in Ansible's first one. This is sent there, so it
    sees what that one has read ahead.
    """

    def __init__(self, quiet: float) -> None:
        self._quiet = quiet

    def __reduce__(self) -> tuple[Any, ...]:
        return _where_it_is_read, (self._quiet,)

    def __contains__(self, key: bytes) -> bool:
        return key in (b"\r", b"\n") and not _more(self._quiet)


def _where_it_is_read(quiet: float) -> _Ends:
    # An error here would end the thread that serves every task; prompt_until says what is wrong with a terminal.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        # In the background, to read from it would stop the whole run.
        if sys.stdin.isatty() and os.getpgrp() == os.tcgetpgrp(sys.stdin.fileno()):
            while _more(0) and _keys().read1():
                pass
    return _Ends(quiet)


def _keys() -> BufferedReader:
    return cast(BufferedReader, sys.stdin.buffer)


def _more(seconds: float) -> bool:
    """Whether a key was read ahead, or comes so soon."""
    terminal = sys.stdin.fileno()
    # Not for longer than a look: what is printed goes to the same terminal.
    os.set_blocking(terminal, False)
    try:
        ahead = _keys().peek(1)
    finally:
        os.set_blocking(terminal, True)
    return bool(ahead or select.select([terminal], [], [], seconds)[0])
