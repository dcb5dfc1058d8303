# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting until AWS's reads show this collection's writes.

Reads of Secrets Manager, Parameter Store and IAM are eventually consistent: they may answer with a state from seconds
ago. docs/explanation/aws.md gives the assumption about each service, and its source.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Callable, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps

T = TypeVar("T")
PROPAGATION_SECONDS = 60.0
"""Seconds that IAM may take to apply a change."""


@dataclass(frozen=True)
class Settling:
    """The delay of reads after writes, and the waits for them."""

    seconds: float = 5.0
    """Seconds after a write from which a read shows it."""
    patience: float = 15.0
    """Seconds to wait for a state that is known to exist."""
    first_pause: float = 0.25
    longest_pause: float = 4.0
    sleep: Callable[[float], object] = time.sleep

    def wait(self) -> None:
        """Waits until reads show all earlier writes."""
        self.sleep(self.seconds)

    def wait_since(self, at: str, now: datetime) -> None:
        """Waits until reads show a write of that time, which may come from another machine's clock."""
        if at:
            passed = (now - timestamps.moment(at)).total_seconds()
            if passed < self.seconds:
                self.sleep(min(self.seconds, self.seconds - passed))

    def until(self, look: Callable[[], T], is_settled: Callable[[T], bool]) -> T:
        """Repeats a read until its answer is settled, or until ``patience`` ends. Returns the last answer."""
        waited, pause = 0.0, self.first_pause
        while True:
            answer = look()
            if is_settled(answer) or waited >= self.patience:
                return answer
            self.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, self.longest_pause)
