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
from collections.abc import Mapping

from tests.integration.harness import LONGEST, Lab


def typed(lab: Lab, playbook: str, answers: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """A run where each question is answered once, as its words come up; its exit code and what is seen."""
    master, terminal = pty.openpty()
    process = subprocess.Popen(
        lab.command(*arguments, playbook=playbook),
        cwd=lab.root,
        env={**lab.environment(), "TERM": "dumb"},
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
            question = next((one for one in left if one in seen), None)
            if question:
                time.sleep(0.5)
                os.write(master, f"{left.pop(question)}\r".encode())
    os.close(master)
    code = process.wait(timeout=30)
    assert not left, seen
    return code, re.sub(r"\s+", " ", seen)
