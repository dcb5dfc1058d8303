# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delay of IAM: a new grant is denied for a while, longer by some of AWS's servers than by others."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .calls import Call

CONTROL = "/_sandbox/propagation"

GRANTS = frozenset(
    {
        *("AttachRolePolicy", "AttachUserPolicy", "AttachGroupPolicy", "PutRolePolicy", "PutUserPolicy"),
        *("PutGroupPolicy", "CreatePolicyVersion", "SetDefaultPolicyVersion", "CreateRole", "UpdateAssumeRolePolicy"),
    }
)
"""Operations whose grants are denied for a while."""


@dataclass(frozen=True)
class Propagation:
    seconds: float = 60.0
    services: tuple[str, ...] = ("secretsmanager", "ssm", "kms")
    """Services that deny meanwhile."""
    granted: bool = False
    """Whether a grant was made right before the next call."""
    seed: int = 0

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Propagation:
        lists = {"services": tuple(data["services"])} if "services" in data else {}
        return cls(**{**data, **lists})


@dataclass
class Grants:
    """The profile in force, and the time of the last grant."""

    profile: Propagation | None = None
    _granted: float | None = None
    _is_due: bool = False
    """Whether the next call comes right after a grant."""
    _random: random.Random = field(default_factory=random.Random)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, data: Mapping[str, Any] | None) -> None:
        with self._lock:
            profile = self.profile = None if data is None else Propagation.parse(data)
            self._granted, self._is_due = None, bool(profile and profile.granted)
            self._random = random.Random(profile.seed if profile else 0)

    def refusal(self, call: Call) -> tuple[int, str, str] | None:
        """Status, code and message for a call whose grant has not arrived.

        The older the grant, the more calls succeed; after the delay, all do.
        """
        with self._lock:
            if self.profile is None:
                return None
            if call.service == "iam" and call.operation in GRANTS:
                self._granted = time.monotonic()
            if call.service not in self.profile.services:
                return None
            if self._is_due:
                self._granted, self._is_due = time.monotonic(), False
            if self._granted is None:
                return None
            passed = time.monotonic() - self._granted
            if passed >= self._random.uniform(self.profile.seconds / 2, self.profile.seconds):
                return None
            message = f"User is not authorized to perform: {call.service}:{call.operation}"
            return 400, "AccessDeniedException", f"{message} because no identity-based policy allows it"
