# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the hosts answered in the play before: as a rollout's outcome, a proof, or an act on each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FAILURES = ("env_deploy__failure", "env_deploy__recovery")


@dataclass(frozen=True)
class Hosts:
    """The hosts of a run, and what is registered of each."""

    names: Sequence[str]
    variables: Mapping[str, Mapping[str, Any]]
    failed: bool = False
    """Whether a rollout stopped at a host."""

    @property
    def outcome(self) -> str:
        """Lost hosts are no fault of the new value: the rotation stays open for them."""
        if not self.failed:
            return "done"
        unhealthy = [
            name
            for name in self.names
            if self._of(name).get("env_deploy__failure") and not self._of(name).get("env_deploy__lost")
        ]
        return "failed" if unhealthy else "lost"

    @property
    def words(self) -> str:
        """What hosts answered in the last rollout, but for those that are proven since."""
        return " ".join(
            f"{name}: {self._of(name)[kind]}."
            for name in self.names
            if not (self._of(name).get("env_deploy__file") or {}).get("proven")
            for kind in FAILURES
            if self._of(name).get(kind)
        )

    @property
    def proven_at(self) -> list[float]:
        """When hosts were proven in the last rollout, in seconds since 1970."""
        results = ("env_deploy__file", "env_deploy__recorded")
        every = [(self._of(name).get(result) or {}).get("proven_at") for result in results for name in self.names]
        return [float(one) for one in every if one]

    @property
    def proven(self) -> list[str]:
        """Those whose file and services were just proven to be what the journal prescribes."""
        return [
            name
            for name in self.names
            if self._proof(name).get("restart_needed") is False and not self._proof(name).get("changed")
        ]

    @property
    def awaited(self) -> bool:
        """Whether any of them was waited for."""
        return any("secret_rotate__came_back" in self._of(name) for name in self.names)

    @property
    def addresses(self) -> list[str]:
        """Their own, from which sessions of theirs come."""
        return [one for name in self.names for one in self._proof(name).get("addresses") or ()]

    def _proof(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._of(name).get("secret_rotate__proof") or {}
        return found

    def _of(self, name: str) -> Mapping[str, Any]:
        return self.variables.get(name) or {}
