# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of a leak response's run that is not in the journal, passed from step to step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.host_footholds import keys_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.temporary_credentials import LeakedAccess

LEFT_OUT = "which this run skipped; run the same command again"


@dataclass(frozen=True)
class Wave:
    """Credentials that one rotation replaces."""

    credentials: Sequence[str]
    abort: bool = False
    """Whether the open rotation is aborted instead, because its new values may have leaked."""
    answers: str = ""
    """Variable with the operator's answers. Empty without one."""
    alone: bool = False
    """Whether this is a part of a rolled-back wave. Its failure stops no other part."""


@dataclass(frozen=True)
class Response:
    step: str
    hosts: Sequence[str]
    """All hosts of the environment."""
    targeted_hosts: Sequence[str]
    """Hosts of the play."""
    compromised: Sequence[str] = ()
    named_host: str = ""
    """The operator's choice of the rotation host. Empty without one."""
    candidates: Sequence[str] = ()
    """Possible rotation hosts, best first."""
    opened: Sequence[str] = ()
    """Hosts that get no new values: they still accept a leaked key, or may have a foothold."""
    evict: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Fingerprints by host of authorized keys to remove along with a leaked key."""
    evicts_keys: bool = False
    """Whether to deactivate access keys that a leaked key made."""
    denies_sessions: bool = False
    """Whether to deny temporary credentials that leaked credentials may have obtained."""
    account_lines: Sequence[str] = ()
    """The final comparison with AWS and GitHub, for the post-mortem."""
    report_path: str | None = None
    logs_out: bool = True
    session_plan: Mapping[str, Any] = field(default_factory=dict)
    purge: Mapping[str, Any] = field(default_factory=dict)
    impact: Mapping[str, Any] = field(default_factory=dict)
    encrypted_env: bool = False
    """Whether the catalog declares a ``.env.enc``, whose commits hold old values."""
    mermaid: str = ""
    declared: Sequence[str] = ()
    """Descriptions of the leak for the report."""
    immediate: bool = False
    refused: Mapping[str, str] = field(default_factory=dict)
    """Reasons by credential that the plan cannot replace."""
    needs: Sequence[str] = ()
    """Externally issued credentials that need a new value."""
    pages: Mapping[str, str] = field(default_factory=dict)
    behind: Sequence[str] = ()
    """Hosts that an earlier run skipped."""
    waves: Sequence[Mapping[str, Any]] = ()
    """Waves still to rotate."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """Answers of servers (``sessions``, ``compared``) and CloudTrail (``readers``) before the first act."""
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Outcomes by credential."""
    failures: Sequence[str] = ()
    """Other failures, which keep the leak open."""
    unannounced: Sequence[str] = ()
    """Messages on contacts that could not be notified."""

    @classmethod
    def of(cls, carried: Mapping[str, Any]) -> Response:
        names = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in carried.items() if name in names})

    def carried(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def reached(self) -> list[str]:
        return [credential["name"] for credential in self.impact.get("credentials", ())]

    @property
    def every_wave(self) -> list[str]:
        """All credentials to replace, in order."""
        return [name for wave in self.impact.get("waves", ()) for name in wave]

    @property
    def replaced(self) -> list[str]:
        return [name for name, entry in self.results.items() if entry["replaced"]]

    @property
    def is_stopped(self) -> bool:
        """Whether a credential was not replaced."""
        return any(not entry["replaced"] for entry in self.results.values())

    @property
    def host(self) -> str:
        """The rotation host."""
        possible = [candidate for candidate in self.candidates if candidate not in self.opened]
        return self.named_host or next(iter((*possible, *self.candidates)), "")

    @property
    def is_withheld(self) -> bool:
        """Whether the rotation host, or every host of the play, may get no new values."""
        return self.host in self.opened or not set(self.targeted_hosts) - set(self.opened)

    @property
    def wave(self) -> Wave:
        return Wave(**self.waves[0])

    @property
    def session_host(self) -> str:
        """The host that ends shared sessions. Only hosts of the play have the application's own command."""
        is_outside = bool(self.session_plan.get("command")) and self.host not in self.targeted_hosts
        return next(iter(self.targeted_hosts), self.host) if is_outside else self.host

    def leaked_access(self, incident: Incident) -> LeakedAccess:
        return LeakedAccess(self.impact, incident.declared, self.compromised)

    def others(self) -> list[str]:
        """Hosts of the play except the session host."""
        return [name for name in self.targeted_hosts if name != self.session_host]

    def removes_first(self, wave: Wave) -> bool:
        """Whether old values are revoked first. In a cycle, a valid credential would reveal the new values."""
        return self.immediate or self._in_cycle(wave)

    def _is_divisible(self, wave: Wave) -> bool:
        """Whether each credential may be rotated alone. An open rotation may hold credentials that did not leak."""
        own = [list(names) for names in self.impact.get("waves", ())]
        return list(wave.credentials) in own and len(wave.credentials) > 1 and not self._in_cycle(wave)

    def _in_cycle(self, wave: Wave) -> bool:
        cycles = {name for cycle in self.impact.get("cycles", ()) for name in cycle}
        return not cycles.isdisjoint(wave.credentials)

    def may_begin(self, wave: Wave) -> bool:
        """Whether the wave may begin. A leaked SSH key is also revoked on hosts that get no new values."""
        if self.is_stopped and not wave.alone:
            return False  # a credential that is still valid would reveal new values
        return not self.is_withheld or not set(keys_of(self.impact)).isdisjoint(wave.credentials)

    def rotated(self, rotation: Mapping[str, Any]) -> Response:
        """The response after its first wave, whose result is ``rotation``."""
        wave, remaining_waves = self.wave, self.waves[1:]
        unannounced = [*self.unannounced, *rotation.get("unannounced", ())]
        after = replace(self, waves=remaining_waves, unannounced=unannounced)
        ended = bool(rotation.get("closed"))
        if not ended:  # no part of a wave may begin during an open rotation
            after = replace(after, waves=[{**item, "alone": False} for item in remaining_waves])
        if wave.abort and ended:
            return after  # the new values that may have leaked are gone
        refused = {
            name: {"replaced": False, "why": why, "evidence": ""}
            for name, why in (rotation.get("refused") or {}).items()
            if name in wave.credentials and name not in self.refused
        }
        stands = f"its rotation {rotation.get('id', '')} stopped at step {rotation.get('step', '')}, {LEFT_OUT}"
        result = {
            "replaced": ended and rotation.get("step") == "record",
            "why": rotation.get("stopped") or rotation.get("reason") or stands,
            "evidence": f"rotation {rotation.get('id', '')}",
        }
        names = [credential["name"] for credential in rotation.get("credentials") or ()]
        if ended and not result["replaced"] and self._is_divisible(wave):
            parts = [asdict(Wave([name], alone=True)) for name in names]
            return replace(after, waves=[*parts, *remaining_waves], results={**self.results, **refused})
        if ended and wave.alone and names and names != [*wave.credentials]:  # another open rotation ended instead
            after = replace(after, waves=self.waves)
        return replace(after, results={**self.results, **refused, **dict.fromkeys(names, result)})

    def failed(self, *messages: str) -> Response:
        return replace(self, failures=[*self.failures, *messages])
