# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A program's output, bounded in bytes and time: an account may stand behind it. Standard library only; Python 3.8."""

from __future__ import annotations

import subprocess
import threading
from typing import NamedTuple, Optional, Sequence


class CommandOutput(NamedTuple):
    """What it wrote. No code: it was ended after the time; ``is_cut``: it had more to say."""

    code: Optional[int]
    content: bytes
    is_cut: bool


def output(command: Sequence[str], *, seconds: float, largest: int) -> CommandOutput:
    """Raises OSError where it cannot be started."""
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as program:
        late = threading.Timer(seconds, program.kill)
        late.start()
        content = program.stdout.read(largest + 1) if program.stdout else b""
        is_cut = len(content) > largest
        if is_cut:
            program.kill()
        code = program.wait()
        late.cancel()
    return CommandOutput(None if code < 0 and not is_cut else code, content[:largest], is_cut)
