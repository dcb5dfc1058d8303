# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one run of a leak response knows beside the journal, from one step to the next."""

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
    """Credentials that are replaced in one rotation."""

    credentials: Sequence[str]
    abort: bool = False
    """Whether the open rotation is aborted instead, as its new values may have leaked."""
    answers: str = ""
    """Name of the variable that holds what the operator answered."""
    alone: bool = False
    """Whether it is a part of a wave that was rolled back: one that fails stops no other part."""


@dataclass(frozen=True)
class Response:
    """One run, as its actions pass it on."""

    step: str
    hosts: Sequence[str]
    """Every host of the environment."""
    targeted_hosts: Sequence[str]
    """Those of the play."""
    compromised: Sequence[str] = ()
    named_host: str = ""
    """The host that the operator wants as the rotation host."""
    candidates: Sequence[str] = ()
    """The hosts that may be the rotation host, the best first."""
    opened: Sequence[str] = ()
    """Hosts that get nothing new: they still accept a leaked key, or somebody may have left a way in."""
    evict: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By host the fingerprints of authorized keys that are removed along with a leaked one."""
    evicts_keys: bool = False
    """Whether access keys are deactivated that a leaked key made."""
    denies_sessions: bool = False
    """Whether temporary credentials are denied that may have been got with what leaked."""
    account_lines: Sequence[str] = ()
    """What was compared in AWS and at GitHub in the end, for the post-mortem."""
    report_path: str | None = None
    logs_out: bool = True
    session_plan: Mapping[str, Any] = field(default_factory=dict)
    purge: Mapping[str, Any] = field(default_factory=dict)
    impact: Mapping[str, Any] = field(default_factory=dict)
    encrypted_env: bool = False
    """Whether the catalog declares a ``.env.enc``, whose commits hold old values."""
    mermaid: str = ""
    declared: Sequence[str] = ()
    """What leaked, in words for the report."""
    immediate: bool = False
    refused: Mapping[str, str] = field(default_factory=dict)
    """What the plan cannot replace, and why."""
    needs: Sequence[str] = ()
    """Externally issued credentials, whose new value is needed."""
    pages: Mapping[str, str] = field(default_factory=dict)
    behind: Sequence[str] = ()
    """Hosts that an earlier run skipped."""
    waves: Sequence[Mapping[str, Any]] = ()
    """What is still to be rotated."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What servers (``sessions``, ``compared``) and CloudTrail (``readers``) answered before the first act."""
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By credential what became of it."""
    failures: Sequence[str] = ()
    """What failed beside that, and keeps the leak open."""
    unannounced: Sequence[str] = ()
    """Contacts that could not be notified of what."""

    @classmethod
    def of(cls, carried: Mapping[str, Any]) -> Response:
        """As it was registered."""
        names = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in carried.items() if name in names})

    def carried(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def reached(self) -> list[str]:
        return [credential["name"] for credential in self.impact.get("credentials", ())]

    @property
    def every_wave(self) -> list[str]:
        """All credentials that are replaced, in order."""
        return [name for wave in self.impact.get("waves", ()) for name in wave]

    @property
    def replaced(self) -> list[str]:
        return [name for name, entry in self.results.items() if entry["replaced"]]

    @property
    def is_stopped(self) -> bool:
        """Whether something was not replaced."""
        return any(not entry["replaced"] for entry in self.results.values())

    @property
    def host(self) -> str:
        """The rotation host."""
        possible = [candidate for candidate in self.candidates if candidate not in self.opened]
        return self.named_host or next(iter((*possible, *self.candidates)), "")

    @property
    def is_withheld(self) -> bool:
        """Whether no host is left that may get new values, or that may pass them to servers."""
        return self.host in self.opened or not set(self.targeted_hosts) - set(self.opened)

    @property
    def wave(self) -> Wave:
        return Wave(**self.waves[0])

    @property
    def session_host(self) -> str:
        """Ends the sessions that hosts share. Only hosts of the play have the application's own command."""
        is_outside = bool(self.session_plan.get("command")) and self.host not in self.targeted_hosts
        return next(iter(self.targeted_hosts), self.host) if is_outside else self.host

    def leaked_access(self, incident: Incident) -> LeakedAccess:
        return LeakedAccess(self.impact, incident.declared, self.compromised)

    def others(self) -> list[str]:
        """The hosts of the play but that one."""
        return [name for name in self.targeted_hosts if name != self.session_host]

    def removes_first(self, wave: Wave) -> bool:
        """Of credentials that reveal each other none may be valid where a new one comes to."""
        return self.immediate or self._in_cycle(wave)

    def _is_divisible(self, wave: Wave) -> bool:
        """An open rotation may be of credentials that did not leak."""
        own = [list(names) for names in self.impact.get("waves", ())]
        return list(wave.credentials) in own and len(wave.credentials) > 1 and not self._in_cycle(wave)

    def _in_cycle(self, wave: Wave) -> bool:
        cycles = {name for cycle in self.impact.get("cycles", ()) for name in cycle}
        return not cycles.isdisjoint(wave.credentials)

    def may_begin(self, wave: Wave) -> bool:
        """A leaked SSH key is also revoked on hosts that get no new value."""
        if self.is_stopped and not wave.alone:
            return False  # nothing new is made where what reveals it is still valid
        return not self.is_withheld or not set(keys_of(self.impact)).isdisjoint(wave.credentials)

    def rotated(self, rotation: Mapping[str, Any]) -> Response:
        """After the first wave, which ended or stopped as ``rotation`` says. The journal knows when."""
        wave, remaining_waves = self.wave, self.waves[1:]
        unannounced = [*self.unannounced, *rotation.get("unannounced", ())]
        after = replace(self, waves=remaining_waves, unannounced=unannounced)
        ended = bool(rotation.get("closed"))
        if not ended:  # no part of a wave may begin beside an open rotation
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
        if ended and wave.alone and names and names != [*wave.credentials]:  # a rotation that was open ended instead
            after = replace(after, waves=self.waves)
        return replace(after, results={**self.results, **refused, **dict.fromkeys(names, result)})

    def failed(self, *messages: str) -> Response:
        return replace(self, failures=[*self.failures, *messages])
