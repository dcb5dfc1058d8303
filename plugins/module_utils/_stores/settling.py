# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How this collection waits for AWS's reads to show its writes.

Reads of Secrets Manager, Parameter Store and IAM are eventually consistent: they may answer with a state from seconds
ago. docs/explanation/aws.md says what is assumed of each service, and from where.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Callable, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps

T = TypeVar("T")
PROPAGATION_SECONDS = 60.0
"""How long IAM is given to apply a change."""


@dataclass(frozen=True)
class Settling:
    """How long reads may be behind, and how to wait for them."""

    seconds: float = 5.0
    """A read that begins so long after a write shows it."""
    patience: float = 15.0
    """How long something is waited for that is known to be there."""
    first_pause: float = 0.25
    longest_pause: float = 4.0
    sleep: Callable[[float], object] = time.sleep

    def wait(self) -> None:
        """Until reads show what was written before."""
        self.sleep(self.seconds)

    def wait_since(self, at: str, now: datetime) -> None:
        """Until reads show what was written at that moment, which another machine's clock may have given."""
        if at:
            passed = (now - timestamps.moment(at)).total_seconds()
            if passed < self.seconds:
                self.sleep(min(self.seconds, self.seconds - passed))

    def until(self, look: Callable[[], T], is_settled: Callable[[T], bool]) -> T:
        """Looks until the answer is the one that is known to be due, or patience has run out; the last answer."""
        waited, pause = 0.0, self.first_pause
        while True:
            answer = look()
            if is_settled(answer) or waited >= self.patience:
                return answer
            self.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, self.longest_pause)
