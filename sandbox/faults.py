# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults of the AWS stand-in: throttling, denial, errors, delays, lost answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

EFFECTS = ("throttle", "deny", "error", "delay", "close", "lose", "hang", "late", "refuse_ids")


@dataclass(frozen=True)
class Fault:
    """A fault, and the calls that it affects.

    ``throttle``, ``deny`` and ``error`` answer without effect. ``delay`` waits *seconds* and goes on. ``close`` ends
    the connection before the call is done, ``lose`` afterwards (the answer is lost). ``hang`` and ``late`` are for
    clients that wait for less than *seconds*: ``hang`` does nothing and never answers; ``late`` does the call and
    answers after the timeout. ``refuse_ids`` moves the *ids* of a BatchGetSecretValue from its SecretValues to its
    Errors.
    """

    effect: str
    operation: str = "*"
    """An operation such as ``GetSecretValue``, or ``*`` for all."""
    target: str = ""
    """Name of a secret, parameter or path in the call; empty for all."""
    calls: tuple[int, ...] = ()
    """Numbers of the matching calls, from 1; empty for all."""
    ids: tuple[str, ...] = ()
    code: str = ""
    """The error code, if not the effect's own."""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.effect not in EFFECTS:
            raise ValueError(f"effect {self.effect!r} is unknown; use one of {', '.join(EFFECTS)}")

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Fault:
        lists = {name: tuple(data[name]) for name in ("calls", "ids") if name in data}
        return cls(**{**data, **lists})

    def error(self) -> tuple[int, str, str]:
        """Status, code and message of the answer."""
        if self.effect == "throttle":
            return 400, self.code or "ThrottlingException", "Rate exceeded"
        if self.effect == "deny":
            return 400, self.code or "AccessDeniedException", "User is not authorized to perform this operation"
        return 500, self.code or "InternalServiceError", "An error occurred on the server side."


@dataclass
class Faults:
    """The faults in force, and the number of matches of each."""

    faults: list[Fault] = field(default_factory=list)
    matched: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, data: Sequence[Mapping[str, Any]]) -> None:
        faults = [Fault.parse(item) for item in data]
        with self._lock:
            self.faults, self.matched = faults, [0] * len(faults)

    def due(self, operation: str, targets: Sequence[str]) -> list[Fault]:
        """Counts this call. Returns its faults."""
        faults = []
        with self._lock:
            for index, fault in enumerate(self.faults):
                wanted = "BatchGetSecretValue" if fault.effect == "refuse_ids" else fault.operation
                if wanted not in ("*", operation) or (fault.target and fault.target not in targets):
                    continue
                self.matched[index] += 1
                if not fault.calls or self.matched[index] in fault.calls:
                    faults.append(fault)
        return faults


def refuse(body: bytes, fault: Fault) -> bytes:
    """The answer of BatchGetSecretValue with the refused ids among its errors."""
    answer = json.loads(body)
    kept, refused = [], []
    for value in answer.get("SecretValues", []):
        names = {value.get("Name"), value.get("ARN")} & set(fault.ids)
        if names:
            refused.append(
                {
                    "SecretId": names.pop(),
                    "ErrorCode": fault.code or "AccessDeniedException",
                    "Message": "User is not authorized to perform: secretsmanager:GetSecretValue",
                }
            )
        else:
            kept.append(value)
    answer["SecretValues"] = kept
    answer["Errors"] = [*answer.get("Errors", []), *refused]
    return json.dumps(answer).encode()
