# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults that the AWS stand-in can show: throttling, denial, errors, delays, lost answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

EFFECTS = ("throttle", "deny", "error", "delay", "close", "lose", "hang", "late", "refuse_ids")


@dataclass(frozen=True)
class Fault:
    """What goes wrong, at which calls.

    ``throttle``, ``deny`` and ``error`` answer without doing anything; ``delay`` waits *seconds* and goes on; ``close``
    ends the connection before anything is done, ``lose`` after it was done (the answer is lost). ``hang`` and ``late``
    are what a client sees that waits for less than *seconds*: of ``hang`` no answer comes and nothing is done, of
    ``late`` the answer comes after the client's timeout, and the work is done. ``refuse_ids`` moves the *ids* of a
    BatchGetSecretValue from its SecretValues to its Errors.
    """

    effect: str
    operation: str = "*"
    """``GetSecretValue``, or ``*`` for all."""
    target: str = ""
    """Only calls that name this secret, parameter or path; empty for all."""
    calls: tuple[int, ...] = ()
    """Which of the matching calls, from 1 since the fault was set; empty for all."""
    ids: tuple[str, ...] = ()
    code: str = ""
    """The error code, where the effect's own is not wanted."""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.effect not in EFFECTS:
            raise ValueError(f"effect {self.effect!r} is unknown; use one of {', '.join(EFFECTS)}")

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Fault:
        lists = {name: tuple(data[name]) for name in ("calls", "ids") if name in data}
        return cls(**{**data, **lists})

    def error(self) -> tuple[int, str, str]:
        """Return status, code and message of the answer."""
        if self.effect == "throttle":
            return 400, self.code or "ThrottlingException", "Rate exceeded"
        if self.effect == "deny":
            return 400, self.code or "AccessDeniedException", "User is not authorized to perform this operation"
        return 500, self.code or "InternalServiceError", "An error occurred on the server side."


@dataclass
class Faults:
    """The faults in force and how often each has matched."""

    faults: list[Fault] = field(default_factory=list)
    matched: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, data: Sequence[Mapping[str, Any]]) -> None:
        """Raises ValueError or TypeError for an invalid one."""
        faults = [Fault.parse(item) for item in data]
        with self._lock:
            self.faults, self.matched = faults, [0] * len(faults)

    def due(self, operation: str, targets: Sequence[str]) -> list[Fault]:
        """Return the faults that this call meets, and count it."""
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
    """Return the answer of BatchGetSecretValue with the refused ids among its errors."""
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
