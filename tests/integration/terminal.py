# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A playbook at a terminal, with somebody who answers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.integration.harness import LONGEST, Lab


def typed(lab: Lab, playbook: str, answers: Mapping[str, str | bytes], *arguments: str) -> tuple[int, str]:
    """A run where each question is answered once, as its words come up; its exit code and what is seen."""
    return at_a_terminal(lab.command(*arguments, playbook=playbook), lab.root, lab.environment(), answers)


def at_a_terminal(
    command: Sequence[str], directory: Path, environment: Mapping[str, str], answers: Mapping[str, str | bytes]
) -> tuple[int, str]:
    """The same of any command. A text is typed, and Enter after it; bytes arrive as they are, as a paste does."""
    master, terminal = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=directory,
        env={**environment, "TERM": "dumb"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # prompts want it to be the controlling one
    )
    os.close(terminal)
    seen, left, end = "", dict(answers), time.monotonic() + LONGEST
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            if not select.select([master], [], [], 1)[0]:
                continue
            seen += os.read(master, 65536).decode(errors="replace")
            question = next((name for name in left if name in seen), None)
            if question:
                time.sleep(0.5)
                answer = left.pop(question)
                os.write(master, answer if isinstance(answer, bytes) else f"{answer}\r".encode())
    os.close(master)
    code = process.wait(timeout=30)
    assert not left, seen
    return code, re.sub(r"\s+", " ", seen)
