# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Throttling at the rates that AWS publishes for an account and region; docs/explanation/aws.md has the sources."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .calls import Call

CONTROL = "/_sandbox/throttling"

RATES: dict[str, tuple[float, tuple[str, ...]]] = {
    "Parameter Store, default throughput": (40, ("GetParameter", "GetParameters", "PutParameter")),
    "GetParametersByPath": (40, ("GetParametersByPath",)),
    "Secrets Manager, values and labels": (
        50,
        ("PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage", "ReplicateSecretToRegions"),
    ),
    "BatchGetSecretValue": (100, ("BatchGetSecretValue",)),
    "CreateSecret": (50, ("CreateSecret",)),
    "DeleteSecret": (50, ("DeleteSecret",)),
    "ListSecretVersionIds": (50, ("ListSecretVersionIds",)),
    "resource policies": (50, ("GetResourcePolicy", "PutResourcePolicy", "ValidateResourcePolicy")),
    "tags of secrets": (50, ("TagResource", "UntagResource")),
    "GetSecretValue": (10_000, ("GetSecretValue",)),
    "DescribeSecret": (40_000, ("DescribeSecret",)),
}
"""Calls a second, and the operations that share them."""


@dataclass(frozen=True)
class Throttling:
    """This account's share of the rates."""

    share: float = 1.0
    """The share that others in the account leave: 0.1 leaves Parameter Store 4 calls a second."""
    burst: float = 1.0
    """Seconds of the rate that may come at once."""


@dataclass
class Throttle:
    """A bucket of calls for each rate, and the number of refused calls."""

    profile: Throttling | None = None
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Time of the last call and calls left then, by rate."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, data: Mapping[str, Any] | None) -> None:
        with self._lock:
            self.profile, self._left = None if data is None else Throttling(**data), {}

    def refusal(self, call: Call) -> tuple[int, str, str] | None:
        """Status, code and message for a call that comes too fast."""
        with self._lock:
            rate = next((name for name, (_calls, group) in RATES.items() if call.operation in group), None)
            if self.profile is None or rate is None:
                return None
            each = RATES[rate][0] * self.profile.share
            most = max(1.0, each * self.profile.burst)
            now = time.monotonic()
            before, left = self._left.get(rate, (now, most))
            left = min(most, left + (now - before) * each)
            self._left[rate] = (now, left - 1 if left >= 1 else left)
            return None if left >= 1 else (400, "ThrottlingException", "Rate exceeded")
