# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal: numbered entries in, the state that they add up to out.

An entry is one line: a JSON object with at least ``number``, ``rotation``, ``step`` and ``who``. It is appended before
its act, so the next one says that the act is done. docs/explanation/invariants.md lists its other keys.
It never holds a value.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import incident as _incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident

CLOSING_STEPS = ("closed", "aborted")
PROMOTING_STEPS = ("promote",)
WRITING_STEPS = ("promote", "abort")
"""They move what is current."""
MADE_STEPS = ("set", "test", "revoke_first", "deploy", "promote")
"""They need the new values, so the step that makes them has ended."""
BACKWARD_STEPS = ("abort", "withdraw", "discard")
REVOKE, DROP_FALLBACK = "revoke", "drop_fallback"
"""The acts of pending tasks that a run carries out."""
CONFIRM = "confirm"
"""The act of a pending task that a provider alone can carry out, and that an operator's confirmation ends."""
TRIM_FROM = 8
"""Entries after which the state is gathered in one."""
REMEMBERED = 8
"""Ended rotations whose secrets the journal keeps in mind: a request of a killed process arrives within minutes."""


@dataclass(frozen=True)
class Overlay:
    """Where the texts of parameters wait that are not written yet."""

    secret: str
    """The rotation's own secret."""
    version: str
    phase: int


@dataclass(frozen=True)
class OpenRotation:
    """A rotation that has begun and not ended."""

    id: str
    step: str
    who: str
    since: str
    number: int = 0
    """The entry that the present step began with."""
    run: str = ""
    """Names the process that goes on with it; another one's entry means that this one was overtaken."""
    holder: Mapping[str, Any] = field(default_factory=dict)
    """The machine and the process of that run."""
    phase: int = 0
    attempt: int = 1
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Version id by secret that a deploy must read."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Version number by parameter."""
    overlay: Optional[Overlay] = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    """What was planned: credentials, the versions planned from, phases."""
    reason: str = ""
    """Why it is aborted, if it is."""
    promoted: bool = False
    """Whether a promotion has begun, so that an abort has something to move back."""
    promoted_at: str = ""
    """When the newest promotion began."""
    made: bool = False
    """Whether its new values are known to be there: a step after the one that makes them has begun."""
    refused_at: str = ""
    """When the entry after the removal was written: what it removed was seen to be refused by then."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What acts observed and later ones need, by credential."""
    hosts_with_old_key: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Hosts that could not be reached and still let the old value in, by credential; after a leak only."""
    behind: tuple[str, ...] = ()
    """Hosts that were not verified when the old value was revoked."""
    sent: tuple[str, ...] = ()
    """The names that GitHub was sent at the promotion."""

    @property
    def prescribes(self) -> bool:
        return bool(self.secrets or self.parameters)

    @property
    def names(self) -> FrozenSet[str]:
        """The secrets and parameters that it changes."""
        return frozenset((*self.plan.get("secrets", {}), *self.plan.get("parameters", {})))

    @property
    def half_promoted(self) -> bool:
        return self.step in PROMOTING_STEPS

    @property
    def aborting(self) -> bool:
        return self.step in BACKWARD_STEPS

    def __str__(self) -> str:
        return f"rotation {self.id} of {self.who} (since {self.since}, at step {self.step})"


@dataclass(frozen=True)
class Rotated:
    """When a credential was last rotated, and by whom."""

    at: str
    who: str
    rotation: str
    incident: str = ""
    """The leak that it answers, if it does."""
    lease: Mapping[str, str] = field(default_factory=dict)
    """What ends the value at its provider, and when it ends by itself."""
    used: Mapping[str, Any] = field(default_factory=dict)
    """Of a honeytoken, what is known of the use of its previous values."""

    def entry(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value or name in ("at", "who", "rotation")}


@dataclass(frozen=True)
class PendingTask:
    """Something that a closed rotation left for later."""

    id: str
    credential: str
    act: str
    """"revoke", "drop_fallback" or "confirm"."""
    due: str
    rotation: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Version ids that hold the value concerned."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What the rotation's acts observed of the credential."""
    hosts: tuple[str, ...] = ()
    """Those alone that it is about: they were away when a leaked key was taken out elsewhere. Empty for all."""
    promoted: str = ""
    """When what takes the value's place was promoted."""


@dataclass(frozen=True)
class Journal:
    """What the entries add up to."""

    head: int = 0
    """Number of the newest entry; 0 for an empty journal."""
    digest: str = ""
    """Digest of the newest entry's text, which the next one carries."""
    rotation: Optional[OpenRotation] = None
    rotated: Mapping[str, Rotated] = field(default_factory=dict)
    pending_tasks: Mapping[str, PendingTask] = field(default_factory=dict)
    prepared: frozenset[str] = frozenset()
    """Credentials whose server has both logins."""
    audit: Mapping[str, Any] = field(default_factory=dict)
    """Number and digest of the newest audit record."""
    incident: Optional[Incident] = None
    """A leak that was declared and is not contained yet."""
    ended: tuple[str, ...] = ()
    """What the rotations that ended last called the secrets of their own, which are gone unless one was made late."""
    written: str = ""
    """When a rotation last finished writing to the stores: reads may be behind for some seconds after that."""
    lines: Tuple[str, ...] = field(default=(), repr=False)
    """The entries that are kept, the oldest first."""
    version: str = field(default="", compare=False, repr=False)
    """Which version of the stored journal this is; an entry is appended to no other."""


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def fold(lines: Iterable[str], *, version: str = "") -> Journal:
    """The state that these entries add up to.

    Raises :class:`JournalError`, naming the entry, for what is not an entry, and for one that is missing or altered.
    """
    journal = Journal()
    for position, line in enumerate(lines, start=1):
        entry = parsed(line, f"line {position} of the journal's entries")
        _require_chained(journal, entry)
        journal = _with(journal, entry, line)
    return replace(journal, version=version)


def extended(journal: Journal, line: str) -> Journal:
    """The state after one more entry."""
    return _with(journal, parsed(line, "the new entry"), line)


def following(journal: Journal, entry: Mapping[str, Any]) -> Journal:
    """The state after ``entry``, which gets its number and the digest of the one before.

    Without an open rotation, an entry after many carries the whole state, and what is older than the one that did so
    last is no longer kept: the last rotations stay readable for people, and the journal does not grow for ever.
    """
    entry = {**entry, "number": journal.head + 1, **({"prev": journal.digest} if journal.digest else {})}
    after = extended(journal, written(entry))
    if after.rotation is not None:
        return after
    base = max((at for at, entry in enumerate(entries(journal)) if entry.get("base")), default=0)
    if len(journal.lines) - base < TRIM_FROM:
        return after
    shorter = replace(journal, lines=journal.lines[base:])
    return extended(shorter, written({**entry, **base_entry(after)}))


def entries(journal: Journal) -> List[Mapping[str, Any]]:
    """The entries that are kept, the oldest first."""
    return [parsed(line, "an entry that is kept") for line in journal.lines]


def written(entry: Mapping[str, Any]) -> str:
    """The entry as the line that is kept."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"))


def name_of(number: int) -> str:
    return f"journal entry {number}"


def _with(journal: Journal, entry: Mapping[str, Any], line: str) -> Journal:
    number = int(entry["number"])
    before = Journal() if entry.get("base") else journal
    try:
        changes = _changes(before, number, name_of(number), entry)
    except (AttributeError, TypeError, ValueError):  # a field is not what it should be; the words might hold some of it
        raise _no_entry(name_of(number)) from None
    return replace(before, **changes, head=number, digest=digest_of(line), lines=(*journal.lines, line))


def _require_chained(before: Journal, entry: Mapping[str, Any]) -> None:
    if not before.lines:  # what came before is not kept any more
        return
    number = entry["number"]
    if number != before.head + 1:
        raise JournalError(f"{name_of(before.head + 1)} is missing before {name_of(number)}; {_COMPARE}")
    if entry.get("prev", before.digest) != before.digest:
        raise JournalError(f"{name_of(before.head)} was altered after {name_of(number)} was written; {_COMPARE}")


_COMPARE = "compare the journal with its earlier versions and with the audit log"


def _changes(journal: Journal, number: int, name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    before = journal.rotation
    same = before if before and before.id == entry["rotation"] else None
    wrote = same is not None and same.step in WRITING_STEPS and entry["step"] != same.step
    closes = entry["step"] in CLOSING_STEPS
    ended = _last(journal.ended, entry.get("ended", ()))
    rotated = {key: Rotated(**fields) for key, fields in _mapping(name, entry, "rotated").items()}
    return {
        "rotated": {**journal.rotated, **rotated},
        "prepared": (journal.prepared | frozenset(entry.get("prepared", ()))) - frozenset(entry.get("unprepared", ())),
        "audit": _mapping(name, entry, "audit") or journal.audit,
        "pending_tasks": _pending_tasks(journal, name, entry),
        "incident": _incident.following(journal.incident, entry, number=number),
        "written": str(entry.get("at", "")) if wrote else str(entry.get("written", journal.written)),
        "ended": _last(ended, own_secrets(same)) if closes and same else ended,
        "rotation": (None if same else before) if closes else _opened(number, name, entry, same),
    }


def own_secrets(rotation: OpenRotation) -> tuple[str, ...]:
    """What the secrets of its own are called: of all new values, and of each that a provider makes."""
    items = rotation.plan.get("credentials", {})
    return (rotation.id, *(f"{rotation.id}/{name}" for name, item in items.items() if item.get("issued")))


def _last(ended: Iterable[str], additions: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*ended, *additions)))[-REMEMBERED:]


def _pending_tasks(journal: Journal, name: str, entry: Mapping[str, Any]) -> Mapping[str, PendingTask]:
    pending_tasks = {**journal.pending_tasks}
    for key, item in _mapping(name, entry, "pending_tasks").items():
        pending_tasks[key] = PendingTask(id=key, **{**item, "hosts": tuple(item.get("hosts", ()))})
    for discharged_id in entry.get("discharged", ()):
        pending_tasks.pop(discharged_id, None)
    return pending_tasks


def _opened(number: int, name: str, entry: Mapping[str, Any], same: Optional[OpenRotation]) -> OpenRotation:
    since = str(entry.get("at", "an unknown time"))
    before = same or OpenRotation(id=entry["rotation"], step="", who="", since=since)
    hosts = {key: tuple(names) for key, names in _mapping(name, entry, "hosts_with_old_key").items()}
    return replace(
        before,
        step=entry["step"],
        who=entry["who"],
        number=number,
        run=str(entry.get("run", "")),
        holder=_mapping(name, entry, "holder") or before.holder,
        phase=int(entry.get("phase", before.phase)),
        attempt=int(entry.get("attempt", before.attempt)),
        reason=str(entry.get("reason", before.reason)),
        plan=_mapping(name, entry, "plan") or before.plan,
        notes=_noted(before.notes, _mapping(name, entry, "notes")),
        hosts_with_old_key={**before.hosts_with_old_key, **hosts},
        behind=_names(name, entry, "behind", before.behind),
        sent=_names(name, entry, "sent", before.sent),
        promoted=before.promoted or entry["step"] in PROMOTING_STEPS,
        made=before.made or entry["step"] in MADE_STEPS,
        **_times(entry, same),
        **_prescribed(name, entry),
    )


def _prescribed(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """What deploys have to use from this entry on, where it says so."""
    if "prescribes" not in entry:
        return {}
    prescribed = _mapping(name, entry, "prescribes")
    overlay = prescribed.get("overlay")
    return {
        "secrets": _versions(name, prescribed, "secrets"),
        "parameters": _versions(name, prescribed, "parameters"),
        "overlay": Overlay(**overlay) if overlay else None,
    }


def _names(name: str, entry: Mapping[str, Any], key: str, before: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(entry.get(key, before))
    if not all(isinstance(name, str) for name in names):
        raise _no_entry(name)
    return names


def _times(entry: Mapping[str, Any], before: Optional[OpenRotation]) -> dict[str, Any]:
    """What an entry tells of when; a takeover repeats the step and tells nothing."""
    at, step, was = str(entry.get("at", "")), entry["step"], before.step if before else ""
    if step in PROMOTING_STEPS and was not in PROMOTING_STEPS:
        return {"promoted_at": at}
    return {"refused_at": at} if (was, step) == (REVOKE, "record") else {}


def _noted(before: Mapping[str, Any], extra: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first note counts: an act that is done again also sees what came of the new value meanwhile."""
    result = {**extra, **before}
    for name in before.keys() & extra.keys():
        if isinstance(before[name], Mapping) and isinstance(extra[name], Mapping):
            result[name] = {**extra[name], **before[name]}
    return result


def _versions(name: str, prescribed: Mapping[str, Any], key: str) -> Mapping[str, str]:
    return {secret: str(version) for secret, version in _mapping(name, prescribed, key).items()}


def _mapping(name: str, entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if not isinstance(entry.get(key, {}), dict):
        raise _no_entry(name)
    return entry.get(key, {})


def _no_entry(name: str) -> JournalError:
    return JournalError(f"{name} is not a journal entry; compare the journal with its earlier versions")


def parsed(line: str, name: str) -> Mapping[str, Any]:
    """The entry in a line. Raises :class:`JournalError`, with this name, for what is not one."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("rotation", "step", "who")):
        raise _no_entry(name)
    number = entry.get("number")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 10**12:
        raise _no_entry(name)
    return entry


def base_entry(journal: Journal) -> dict[str, Any]:
    """What an entry must carry so that the ones before it need not be kept."""
    return {
        "base": True,
        "rotated": {name: rotated.entry() for name, rotated in journal.rotated.items()},
        "pending_tasks": {
            task.id: {key: value for key, value in vars(task).items() if key != "id" and value}
            for task in journal.pending_tasks.values()
        },
        "prepared": sorted(journal.prepared),
        "audit": dict(journal.audit),
        **({"ended": list(journal.ended)} if journal.ended else {}),
        **({"written": journal.written} if journal.written else {}),
        **({"incident": journal.incident.entry()} if journal.incident else {}),
    }
