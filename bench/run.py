# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measurements of one run: time, processor time, and calls to AWS."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox.aws import Moto
from sandbox.calls import sequential_depth


@dataclass(frozen=True)
class Run:
    """A run, timed from outside."""

    seconds: float
    plays: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each play."""
    tasks: Sequence[tuple[str, float]] = ()
    """Seconds of each task, in order."""
    calls: Mapping[str, int] = field(default_factory=dict)
    """AWS calls by operation."""
    depth: int = 0
    """Number of calls that came one after another."""
    connections: int = 0
    """Number of opened connections to AWS."""
    processor: float = 0.0
    """Seconds of processor time on all sides: controller, hosts, servers and stand-in."""

    def with_plays(self, file: Path) -> Run:
        """The run with what the callback ``bench_plays`` wrote."""
        plays = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return replace(
            self,
            plays={play["play"]: play["seconds"] for play in plays},
            tasks=[(f"{play['play']}: {name}", taken) for play in plays for name, taken in play["tasks"]],
        )


class Meter:
    """Measures from its creation on; without *moto* no calls."""

    def __init__(self, moto: Moto | None = None) -> None:
        self._moto = moto
        self._calls = len(moto.calls()) if moto else 0
        self._processor = processor_seconds()
        self._began = time.monotonic()

    def run(self) -> Run:
        """The run that has just ended."""
        seconds = time.monotonic() - self._began
        processor = processor_seconds() - self._processor
        calls = self._moto.calls(since=self._calls) if self._moto else []
        return Run(
            seconds,
            calls=dict(Counter(call["operation"] for call in calls)),
            depth=sequential_depth(calls),
            connections=len({call["connection"] for call in calls}),
            processor=processor,
        )


def processor_seconds() -> float:
    """Processor time of this process and all its descendants, including hosts and servers.

    Daemons that a run leaves behind (an open ssh connection, a restarted application) are not counted.
    """
    children: dict[int, list[int]] = {}
    spent: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        spent[pid] = sum(map(int, fields[11:15]))
    total, waiting = 0, [os.getpid()]
    while waiting:
        pid = waiting.pop()
        total += spent.get(pid, 0)
        waiting += children.get(pid, [])
    return total / os.sysconf("SC_CLK_TCK")
