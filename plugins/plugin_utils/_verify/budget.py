# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Time limits of a verification: a source that never answers costs a part of the run, not all of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within

T = TypeVar("T")


@dataclass(frozen=True)
class Budget:
    seconds: float
    began: float = field(default_factory=time.time)

    @property
    def ends(self) -> float:
        return self.began + self.seconds

    @property
    def share(self) -> float:
        """Seconds for a call with its own limit: it ends, and reports its progress, before ``spend`` gives up."""
        return max((self.ends - time.time()) * 0.4, 1)

    def spend(self, act: Callable[[], T]) -> T:
        """Returns or raises as ``act`` does. Raises SecretsError if it takes more than half of the remaining time."""
        seconds = self.ends - time.time()
        results: list[T] = within(seconds / 2, lambda: [act()], list[T]()) if seconds > 0 else []
        if not results:
            took = f"gave no answer within {seconds / 2:.0f} s" if seconds > 0 else "was not reached"
            raise SecretsError(f"{took}; the whole run has {self.seconds:.0f} s (-e verify_budget=SECONDS)")
        return results[0]
