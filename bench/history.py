# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A repository with a long history, the same on every machine, to measure what reads histories."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

FILES = 400
LINES = 220
"""Lines of a new file, which later commits edit."""
EDITED = 6
"""Files that a commit changes."""
WORDS = 4000
LETTERS = "aaabcdeeeefghiiijklmnooopqrsttuuvwxyz"
SHAPES = (
    "    {0} = self.{1}({2}, {3}={4})",
    "def {0}({1}: str, {2}: int = {5}) -> None:",
    "    if {0} is None and {1}.{2} > {5}:",
    "        raise {3}Error(f'{0} of {{{1}}} is not {2}')",
    "    # {0} {1} {2} {3} {4} {0}",
    "    return [{0}.{1} for {0} in {2}.{3}() if {0}]",
    "from {0}.{1} import {2}, {3}",
    '    "{0}": {{"{1}": "{2}", "{3}": {5}}},',
    "",
)


class Writer:
    """Lines that look like source, from a fixed seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.messages = ["".join(self._random.choices(LETTERS, k=self._random.randint(3, 11))) for _ in range(WORDS)]

    def line(self) -> str:
        chosen = self._random.choices(self.messages, k=5)
        return self._random.choice(SHAPES).format(*chosen, self._random.randint(0, 9999))

    def lines(self, count: int) -> list[str]:
        return [self.line() for _ in range(count)]

    def edited(self, lines: Sequence[str], share: float) -> list[str]:
        """The lines with some replaced, added and removed."""
        results: list[str] = []
        for line in lines:
            luck = self._random.random()
            if luck > share:
                results.append(line)
            elif luck > share / 3:
                results.append(self.line())
            elif luck > share / 6:
                results += [line, self.line()]
        return results or self.lines(LINES)

    def chosen(self, count: int) -> list[int]:
        return self._random.sample(range(FILES), count)


def commits(added: int, seed: int, share: float, planted: Sequence[bytes]) -> Iterator[bytes]:
    """A fast-import stream whose commits add this many bytes of lines. Each planted value is added once."""
    writer = Writer(seed)
    files = {at: writer.lines(LINES) for at in range(FILES)}
    total, number, left = 0, 0, list(planted)
    while total < added:
        number += 1
        changed = list(files) if number == 1 else writer.chosen(EDITED)
        when = 1500000000 + number * 3600
        head = f"commit refs/heads/main\nmark :{number}\ncommitter A Writer <writer@example.com> {when} +0000\n"
        message = f"{' '.join(writer.line().split()[:4])}\n"
        yield head.encode() + f"data {len(message.encode())}\n{message}".encode()
        for at in changed:
            before = set(files[at]) if number > 1 else set()
            if number > 1:
                files[at] = writer.edited(files[at], share)
            total += sum(len(line) + 1 for line in files[at] if line not in before)
            content = "\n".join(files[at]).encode() + b"\n"
            if left and number % 50 == 0:
                content += b"token = '" + left.pop() + b"'\n"
            name = f"src/{writer.messages[at % 20]}/{writer.messages[at]}{at}.py"
            yield f"M 100644 inline {name}\ndata {len(content)}\n".encode() + content + b"\n"


def make(where: Path, megabytes: int, *, seed: int = 1, share: float = 0.9, planted: Sequence[bytes] = ()) -> None:
    """Makes the repository and packs it like a clone."""
    where.mkdir(parents=True)
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=where, env=environment, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    with subprocess.Popen(
        ["git", "fast-import", "--quiet"], cwd=where, env=environment, stdin=subprocess.PIPE
    ) as importer:
        assert importer.stdin is not None
        for part in commits(megabytes * 1_000_000, seed, share, planted):
            importer.stdin.write(part)
    if importer.returncode:
        raise RuntimeError("git fast-import failed")
    git("repack", "-q", "-a", "-d", "-f")
    git("checkout", "-q", "main")
