# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An incident: a declared leak that is not yet contained, as the journal records it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Iterable, Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import one_line

GRACEFUL, IMMEDIATE, BLOCK = CONTAINMENTS = ("graceful", "immediate", "block")
"""Ways of containment, from soft to hard. "block" is another name of "immediate"."""
EVICT = "evict"
"""Event: the operator requested the removal of the attacker's logins."""
DISABLING = "disabling"
"""Event: a run is about to disable a leaked value. Only "blocked" says that it did."""
REPLACED = ("refused", "given", "kept", "renewed", "confirmed")
"""Events that mean that a credential has a new value."""
PROOFS = ("live", "outlived", *REPLACED)
"""Events that state what happened to a credential's value."""

TRIED = "tried and refused"
"""First words of the evidence of a revocation that a run verified, instead of an operator's confirmation."""


WORDS = 200
"""Most characters of an event's evidence."""


def shortened(evidence: str) -> str:
    """The evidence in one line of at most WORDS characters."""
    message = one_line(evidence)
    return message if len(message) <= WORDS else f"{message[: WORDS - 3]}..."


def named(rotation: str, credential: str) -> str:
    """Name of a rotation's new value in :attr:`Incident.spoiled`."""
    return f"{rotation}/{credential}"


@dataclass(frozen=True)
class Incident:
    """A leak, from declaration to containment, over several runs."""

    id: str
    at: str
    """Time of the declaration."""
    who: str
    declared: Tuple[str, ...] = ()
    since: str = ""
    """Earliest time at which others may have known the value. Empty if unknown."""
    containment: str = GRACEFUL
    events: Mapping[str, str] = field(default_factory=dict)
    """Time of the first observation of each event, by name."""
    evidence: Mapping[str, str] = field(default_factory=dict)
    """Evidence by event: the journal entry, and the observation."""
    dead: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    """Version ids that held replaced values, by secret."""
    parameters: Tuple[str, ...] = ()
    """Parameters whose history holds replaced values."""
    spoiled: Tuple[str, ...] = ()
    """New values that may have leaked too, as rotation/credential. They replace nothing."""

    def entry(self) -> dict[str, Any]:
        """The form in a journal entry."""
        lists = {name: list(getattr(self, name)) for name in ("declared", "parameters", "spoiled")}
        return {**asdict(self), **lists, "dead": {name: list(versions) for name, versions in self.dead.items()}}

    @property
    def immediate(self) -> bool:
        """Whether leaked values are disabled before new ones are made."""
        return self.containment in (IMMEDIATE, BLOCK)

    def about(self, *events: str) -> list[str]:
        """Subjects of these events, such as the hosts of "skipped"."""
        parts = (event.partition("/") for event in self.events)
        return [about for name, _slash, about in parts if name in events]

    @property
    def evicts(self) -> bool:
        """Whether runs remove logins that neither the catalog nor the baseline explains."""
        return EVICT in self.events

    @property
    def footholds(self) -> list[str]:
        """Events of possible footholds that were neither removed, ruled out nor checked since."""
        over = self.about("ruled_out", "evicted", "looked")
        return [f"foothold/{about}" for about in self.about("foothold") if about not in over]

    @property
    def foothold_hosts(self) -> dict[str, list[str]]:
        """Hosts with possible footholds, by credential. The event of a server (foothold/CREDENTIAL/NUMBER) names no
        host."""
        hosts: dict[str, list[str]] = {}
        for _what, name, *place in (event.split("/") for event in self.footholds):
            if len(place) > 1 and place[0] not in hosts.setdefault(name, []):
                hosts[name].append(place[0])
        return {name: sorted(names) for name, names in hosts.items() if names}

    @property
    def behind(self) -> list[str]:
        """Skipped hosts that were not verified since."""
        back = self.about("verified")
        return sorted(host for host in self.about("skipped") if host not in back)

    def joined(self, declared: Iterable[str], containment: str, since: str = "") -> Incident:
        """Joins a second declaration: its names are added, and the harder containment and earlier ``since`` win."""
        harder = max(self.containment, containment, key=CONTAINMENTS.index)
        first = min(filter(None, (self.since, since)), default="")
        return replace(self, declared=_joined(self.declared, declared), containment=harder, since=first)

    def without(self, spoiled: Iterable[str]) -> Incident:
        """Marks new values as leaked. The results for their credentials must be verified again."""
        additions = [name for name in spoiled if name not in self.spoiled]
        names = {addition.partition("/")[2] for addition in additions}

        def still_holds(event: str) -> bool:
            kind, _slash, about = event.partition("/")
            return kind not in PROOFS or about not in names

        events = {event: at for event, at in self.events.items() if still_holds(event)}
        return replace(self, events=events, spoiled=_joined(self.spoiled, additions))


def following(before: Optional[Incident], entry: Mapping[str, Any], *, number: int = 0) -> Optional[Incident]:
    """The incident after an entry with this number. A second declaration joins the open incident."""
    answer = entry.get("incident")
    if isinstance(answer, Mapping):
        incident = _parsed(answer)
        if before is None:
            before = replace(incident, evidence={**_shown(entry, number, ["declared"]), **incident.evidence})
        else:
            before = before.joined(incident.declared, incident.containment, incident.since).without(incident.spoiled)
            before = replace(before, events={**incident.events, **before.events})
    if before is not None and isinstance(entry.get("events"), Mapping):
        before = _away_again(before, entry["events"])
        new = [name for name in entry["events"] if name not in before.events]
        evidence = {**before.evidence, **_shown(entry, number, new)}
        before = replace(before, events={**entry["events"], **before.events}, evidence=evidence)
    if before is not None and isinstance(entry.get("replaced"), Mapping):
        before = _with_dead(before, entry["replaced"])
    if before is not None and entry.get("contained") == before.id:
        return None
    return before


def _away_again(before: Incident, events_seen: Mapping[str, Any]) -> Incident:
    """Drops what was seen of a host before it was skipped again."""
    over = {
        f"{kind}/{host}"
        for host in before.about("verified")
        if f"skipped/{host}" in events_seen
        for kind in ("skipped", "verified")
    }
    if not over:
        return before
    events = {name: at for name, at in before.events.items() if name not in over}
    evidence = {name: message for name, message in before.evidence.items() if name not in over}
    return replace(before, events=events, evidence=evidence)


def _shown(entry: Mapping[str, Any], number: int, events: Iterable[str]) -> dict[str, str]:
    """Evidence of an entry's events. Empty for an entry without a number."""
    if not number:
        return {}
    step, seen = entry.get("step"), entry.get("evidence")
    where = f"journal entry {number}" + (f" ({entry['rotation']}, {step})" if step not in (None, "closed") else "")
    evidence = seen if isinstance(seen, Mapping) else {}
    return {name: f"{where}: {evidence[name]}" if isinstance(evidence.get(name), str) else where for name in events}


def _parsed(incident: Mapping[str, Any]) -> Incident:
    dead = {name: tuple(versions) for name, versions in dict(incident.get("dead", {})).items()}
    lists = {name: tuple(incident.get(name, ())) for name in ("declared", "parameters", "spoiled")}
    return Incident(**{**incident, **lists, "dead": dead})


def _with_dead(incident: Incident, replaced: Mapping[str, Any]) -> Incident:
    """Adds the versions whose values a rotation replaced."""
    dead = {**incident.dead}
    for name, versions in dict(replaced.get("secrets", {})).items():
        dead[name] = _joined(dead.get(name, ()), [versions] if isinstance(versions, str) else versions)
    return replace(incident, dead=dead, parameters=_joined(incident.parameters, replaced.get("parameters", ())))


def _joined(first: Iterable[str], then: Iterable[str]) -> Tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *then)))
