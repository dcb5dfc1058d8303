# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers of hosts since the last segment: the rollout's outcome, and verification."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HOST_VARIABLES = ("env_deploy_delivery", "env_deploy_failure", "secret_rotate_verification")
"""Host variables to read."""

HOST_TASKS = {
    **{name: name for name in ("deploy", "stop", "verify", "acts", "sessions")},
    "deliver": "deploy",
    "await": "return",
}
"""The role's tasks for a host."""
READS = ("deploy", "deliver", "verify")
"""Work that begins with a read of the stores."""


def first_tasks(work: str, *, is_whole: bool) -> str:
    """The role's first tasks for all hosts. If no host waits, each host saves an include."""
    if work not in READS:
        return "batch"
    return f"{HOST_TASKS[work]}_all" if is_whole else "rollout"


def is_verified(answer: Mapping[str, Any]) -> bool:
    """Whether env_file in check mode would neither write nor restart anything."""
    return answer.get("restart_needed") is False and answer.get("changed") is False


def batches_of(hosts: Sequence[str], serial: Sequence[Any]) -> list[list[str]]:
    """The hosts in batches, as Ansible's ``serial`` makes them: the last size is repeated."""
    batches: list[list[str]] = []
    remaining, sizes = list(hosts), list(serial) or ["100%"]
    while remaining:
        size = _size(sizes[min(len(batches), len(sizes) - 1)], len(hosts))
        batches.append(remaining[:size])
        remaining = remaining[size:]
    return batches


def _size(raw: Any, total: int) -> int:
    """A number of hosts, or a percentage of all. Zero and less mean all, as in Ansible."""
    text = str(raw).strip()
    size = math.floor(float(text[:-1]) / 100 * total) or 1 if text.endswith("%") else int(text)
    return size if size > 0 else total


@dataclass(frozen=True)
class Hosts:
    """The hosts of a run, with the variables that their tasks registered."""

    names: Sequence[str]
    variables: Mapping[str, Mapping[str, Any]]
    rollout: str = ""
    """Name of the present rollout. Failures of others are ignored."""
    leaves_lost: bool = False
    leak: bool = False
    """Whether a leak is answered. Then an unhealthy host does not stop the others: an attacker on it could block the
    response."""

    @property
    def outcome(self) -> str:
        """The rollout's outcome. Unreachable hosts are no fault of the new value: the rotation stays open for them."""
        unhealthy = [name for name in self.names if self._failure(name) and not self._failure(name)["lost"]]
        if unhealthy and not (self.leak and any(self._is_healthy(name) for name in self.names)):
            return "failed"
        lost_hosts = [name for name in self.names if self._failure(name).get("lost")]
        return "lost" if lost_hosts and not self.leaves_lost else "done"

    @property
    def may_go_on(self) -> bool:
        if self.leak:
            return self.leaves_lost or not any(self._failure(name).get("lost") for name in self.names)
        return self.outcome == "done"

    @property
    def message(self) -> str:
        """Failures in this rollout, without hosts that are healthy since."""
        failures = {name: self._failure(name) for name in self.names if not self._is_healthy(name)}
        texts = {
            name: "; ".join(failure[part] for part in ("reason", "recovery") if failure.get(part))
            for name, failure in failures.items()
        }
        return " ".join(f"{name}: {text}." for name, text in texts.items() if text)

    @property
    def healthy_at(self) -> list[float]:
        """Times at which hosts became healthy in the last rollout, in seconds since 1970."""
        entries = [self._delivery(name).get("healthy_at") for name in self.names]
        return [float(entry) for entry in entries if entry]

    @property
    def verified(self) -> list[str]:
        """Hosts whose file and services match the journal."""
        return [name for name in self.names if is_verified(self._verification(name))]

    @property
    def addresses(self) -> list[str]:
        """Addresses from which sessions of the hosts come."""
        return [address for name in self.names for address in self._verification(name).get("addresses") or ()]

    def _is_healthy(self, name: str) -> bool:
        return bool(self._delivery(name).get("healthy"))

    def _failure(self, name: str) -> Mapping[str, Any]:
        failure: Mapping[str, Any] = self._of(name).get("env_deploy_failure") or {}
        return failure if failure.get("rollout") == self.rollout else {}

    def _delivery(self, name: str) -> Mapping[str, Any]:
        delivery: Mapping[str, Any] = self._of(name).get("env_deploy_delivery") or {}
        return delivery

    def _verification(self, name: str) -> Mapping[str, Any]:
        verification: Mapping[str, Any] = self._of(name).get("secret_rotate_verification") or {}
        return verification

    def _of(self, name: str) -> Mapping[str, Any]:
        return self.variables.get(name) or {}
