# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Progress lines of a run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

FIRST, LONGEST = 5.0, 30.0
"""Seconds between progress lines. Each pause of a task is twice the one before."""


def act(step: str, subject: str, text: str) -> str:
    """A line in the columns of a rotation's own lines."""
    return f"{time.strftime('%H:%M:%S')}  {step:<14} {subject:<14} {text}".rstrip()


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@dataclass
class TaskProgress:
    total: int
    began: float
    done: int = 0
    _pause: float = FIRST
    _last: float = field(init=False)

    def __post_init__(self) -> None:
        self._last = self.began

    def is_silent(self, now: float) -> bool:
        return now - self._last >= FIRST

    def is_due(self, now: float) -> bool:
        """Whether a line is due. If so, the next pause is longer."""
        if now - self._last < self._pause:
            return False
        self._pause = min(2 * self._pause, LONGEST)
        return True

    def shown(self, now: float) -> None:
        self._last = now

    def text(self, now: float, noun: str) -> str:
        if not (self.done and self.total > self.done):
            return f"{self.done:,} {noun}"
        seconds = (now - self.began) / self.done * (self.total - self.done)
        return f"{self.done:,} of {self.total:,} {noun}, about {duration(seconds)} left"
