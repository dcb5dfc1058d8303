# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks at the terminal. Lines that arrive at once are one answer."""

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
"""Environment variables of ansible-runner's and AWX's jobs, and of every run by ansible-runner, such as
ansible-navigator's."""
QUIET = 0.2
"""Seconds without a key after which a line break ends the answer. A paste arrives at once, also over a network."""
_BRACKETS = re.compile(rb"\x1b\[20[01]~")
"""Marks that some terminals put around a paste."""


def ask(question: str, *, private: bool, quiet: float = QUIET) -> bytes:
    """The answer with all lines, without its final line break. Raises AnsibleError without a terminal.

    Discards earlier input.
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
    """The keys that end the answer, for ``prompt_until``.

    Ansible's first process reads the terminal, not the task's. This object is sent there, so it sees the keys that were
    read ahead.
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
        # Reading in the background would stop the whole run.
        if sys.stdin.isatty() and os.getpgrp() == os.tcgetpgrp(sys.stdin.fileno()):
            while _more(0) and _keys().read1():
                pass
    return _Ends(quiet)


def _keys() -> BufferedReader:
    return cast(BufferedReader, sys.stdin.buffer)


def _more(seconds: float) -> bool:
    """Whether a key was read ahead, or arrives within ``seconds``."""
    terminal = sys.stdin.fileno()
    # Only briefly, because output goes to the same terminal.
    os.set_blocking(terminal, False)
    try:
        ahead = _keys().peek(1)
    finally:
        os.set_blocking(terminal, True)
    return bool(ahead or select.select([terminal], [], [], seconds)[0])
