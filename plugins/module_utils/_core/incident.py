# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak that was declared and is not contained yet, as journal entries tell it. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Iterable, Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import one_line

GRACEFUL, IMMEDIATE, BLOCK = CONTAINMENTS = ("graceful", "immediate", "block")
"""How a leak is contained, the harder the later; "block" is another name of "immediate"."""
EVICT = "evict"
"""The event of an operator's wish that the attacker's logins are removed."""
REPLACED = ("refused", "given", "kept", "renewed", "confirmed")
"""Events of a credential after which it is another one."""
PROOFS = ("live", "outlived", *REPLACED)
"""Events of a credential that say what became of its value."""

TRIED = "tried and refused"
"""How the evidence of a revocation begins that was verified, and not only confirmed."""


WORDS = 200
"""Characters of what shows an event, as the journal keeps them."""


def shortened(evidence: str) -> str:
    """What shows an event, as long as an entry takes it."""
    message = one_line(evidence)
    return message if len(message) <= WORDS else f"{message[: WORDS - 3]}..."


def named(rotation: str, credential: str) -> str:
    """The new value of a credential in a rotation, as :attr:`Incident.spoiled` calls it."""
    return f"{rotation}/{credential}"


@dataclass(frozen=True)
class Incident:
    """One leak, from its declaration to its containment, however often the command is started."""

    id: str
    at: str
    """When it was declared."""
    who: str
    declared: Tuple[str, ...] = ()
    since: str = ""
    """Since when it may have been known to others; empty for unknown."""
    containment: str = GRACEFUL
    events: Mapping[str, str] = field(default_factory=dict)
    """When something was first seen to hold, by name."""
    evidence: Mapping[str, str] = field(default_factory=dict)
    """What shows that, by the same name: the journal's entry, and what was seen then."""
    dead: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    """Version ids that held replaced values, by secret."""
    parameters: Tuple[str, ...] = ()
    """Parameters whose history holds such values."""
    spoiled: Tuple[str, ...] = ()
    """New values that may have leaked too, as rotation/credential: they replace nothing."""

    def entry(self) -> dict[str, Any]:
        """The incident as an entry keeps it."""
        lists = {name: list(getattr(self, name)) for name in ("declared", "parameters", "spoiled")}
        return {**asdict(self), **lists, "dead": {name: list(versions) for name, versions in self.dead.items()}}

    @property
    def immediate(self) -> bool:
        """Whether leaked values are disabled before new ones are made."""
        return self.containment in (IMMEDIATE, BLOCK)

    def about(self, *events: str) -> list[str]:
        """What these events were seen of, such as the hosts of "skipped"."""
        parts = (event.partition("/") for event in self.events)
        return [about for name, _slash, about in parts if name in events]

    @property
    def evicts(self) -> bool:
        """Whether logins are removed that neither the catalog nor the baseline explains."""
        return EVICT in self.events

    @property
    def footholds(self) -> list[str]:
        """The events of possible footholds that are neither removed nor looked at since."""
        over = self.about("ruled_out", "evicted", "looked")
        return [f"foothold/{about}" for about in self.about("foothold") if about not in over]

    @property
    def foothold_hosts(self) -> dict[str, list[str]]:
        """By credential the hosts on which those are; a server's name no host (foothold/CREDENTIAL/NUMBER)."""
        hosts: dict[str, list[str]] = {}
        for _what, name, *place in (event.split("/") for event in self.footholds):
            if len(place) > 1 and place[0] not in hosts.setdefault(name, []):
                hosts[name].append(place[0])
        return {name: sorted(names) for name, names in hosts.items() if names}

    @property
    def behind(self) -> list[str]:
        """Hosts that were skipped and have not been verified since with what is in force."""
        back = self.about("verified")
        return sorted(host for host in self.about("skipped") if host not in back)

    def joined(self, declared: Iterable[str], containment: str, since: str = "") -> Incident:
        """With a second declaration: it adds what leaked, and takes the harder containment, never back.

        The earlier beginning of both counts; one that says none takes none away.
        """
        harder = max(self.containment, containment, key=CONTAINMENTS.index)
        first = min(filter(None, (self.since, since)), default="")
        return replace(self, declared=_joined(self.declared, declared), containment=harder, since=first)

    def without(self, spoiled: Iterable[str]) -> Incident:
        """After these new values leaked too: what became of their credentials has to be verified again."""
        additions = [name for name in spoiled if name not in self.spoiled]
        names = {addition.partition("/")[2] for addition in additions}

        def still_holds(event: str) -> bool:
            kind, _slash, about = event.partition("/")
            return kind not in PROOFS or about not in names

        events = {event: at for event, at in self.events.items() if still_holds(event)}
        return replace(self, events=events, spoiled=_joined(self.spoiled, additions))


def following(before: Optional[Incident], entry: Mapping[str, Any], *, number: int = 0) -> Optional[Incident]:
    """The incident after one more entry, which has that number. A second declaration joins the one that is open."""
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
    """Of a host that is skipped once more, what was seen of it earlier holds no longer."""
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
    """What shows each of these events, of an entry that has a number."""
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
    """After a rotation has ended: what it planned from holds values that are dead now."""
    dead = {**incident.dead}
    for name, versions in dict(replaced.get("secrets", {})).items():
        dead[name] = _joined(dead.get(name, ()), [versions] if isinstance(versions, str) else versions)
    return replace(incident, dead=dead, parameters=_joined(incident.parameters, replaced.get("parameters", ())))


def _joined(first: Iterable[str], then: Iterable[str]) -> Tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *then)))
