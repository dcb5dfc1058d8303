# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads of Secrets Manager, Parameter Store and IAM that return a state from some seconds ago, as AWS's may.

Before each write the service's state is copied. A read is answered from the copy of a random moment within some
seconds; so a later read may show an older state. Writes use the newest state. All other services, S3 and DynamoDB among
them, are strongly consistent. docs/explanation/aws.md has the sources.
"""

from __future__ import annotations

import copy
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .calls import Call

CONTROL = "/_sandbox/staleness"
SECONDS = 3.0
PARTS = {
    "secretsmanager": ("secrets",),
    "ssm": ("_parameters",),
    "iam": ("users", "roles", "groups", "inline_policies", "open_id_providers", "access_keys"),
}
"""Services, and the places of readable values in moto's backends."""
_READ = re.compile(r"(Get|BatchGet|List|Describe)")


@dataclass(frozen=True)
class Staleness:
    seconds: float = SECONDS
    seed: int = 0
    share: float = 1.0
    """Share of stale reads."""

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Staleness:
        return cls(**data)


@dataclass
class StaleReads:
    """The profile in force, and the states that a read may still return."""

    backend: Callable[[str], Any]
    profile: Staleness | None = None
    _random: random.Random = field(default_factory=random.Random)
    _states: dict[str, list[tuple[float, dict[str, Any]]]] = field(default_factory=dict)
    """Previous states by service, each with the time of its replacement."""
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def set(self, data: Mapping[str, Any] | None) -> None:
        profile = None if data is None else Staleness.parse(data)
        with self._lock:
            self.profile, self._states = profile, {}
            self._random = random.Random(profile.seed if profile else 0)

    @contextmanager
    def state(self, call: Call) -> Iterator[float]:
        """Runs a call on a state. Yields the state's age in seconds."""
        profile = self.profile
        if profile is None or call.service not in PARTS:
            yield 0.0
            return
        with self._lock:
            if not _READ.match(call.operation):
                self._keep(call.service, profile)
                yield 0.0
                return
            age, former = self._former(call, profile)
            with _in_force(self.backend(call.service), former):
                yield age if former else 0.0

    def _keep(self, service: str, profile: Staleness) -> None:
        now = time.monotonic()
        states = [pair for pair in self._states.get(service, []) if pair[0] > now - profile.seconds]
        self._states[service] = [*states, (now, _copied(self.backend(service), PARTS[service]))]

    def _former(self, call: Call, profile: Staleness) -> tuple[float, dict[str, Any]]:
        if self._random.random() >= profile.share:
            return 0.0, {}
        age = self._random.uniform(0, profile.seconds)
        at = time.monotonic() - age
        return age, next((state for until, state in self._states.get(call.service, []) if until > at), {})


def _copied(backend: Any, parts: Iterable[str]) -> dict[str, Any]:
    shared = {id(backend): backend}
    return {part: _copy(getattr(backend, part), shared) for part in parts}


def _copy(part: Any, shared: dict[int, Any]) -> Any:
    """Copies moto's dictionaries, which ``copy`` cannot: their constructors take other arguments."""
    kind: Any = type(part)
    made = kind.__new__(kind)
    dict.update(made, copy.deepcopy(dict(part), shared))
    vars_of = getattr(part, "__dict__", None)
    if vars_of is not None:
        made.__dict__.update(vars_of)
    if hasattr(part, "default_factory"):
        made.default_factory = part.default_factory
    return made


@contextmanager
def _in_force(backend: Any, state: Mapping[str, Any]) -> Iterator[None]:
    """Replaces the newest state by a previous one for a while."""
    newest = {part: getattr(backend, part) for part in state}
    for part, former in state.items():
        setattr(backend, part, former)
    try:
        yield
    finally:
        for part, present in newest.items():
            setattr(backend, part, present)
