# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal: folds numbered entries into a state.

An entry is one line: a JSON object with at least ``number``, ``rotation``, ``step`` and ``who``. Each entry is appended
before its act, so the next entry means that the act is done. docs/explanation/invariants.md lists the other keys. An
entry never holds a value.
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
"""Steps that change current values."""
MADE_STEPS = ("set", "test", "revoke_first", "deploy", "promote")
"""Steps that need the new values: the step that makes them has ended."""
BACKWARD_STEPS = ("abort", "withdraw", "discard")
REVOKE, DROP_FALLBACK = "revoke", "drop_fallback"
"""Acts of pending tasks that a run carries out."""
CONFIRM = "confirm"
"""The act of a pending task that only a provider can carry out. An operator's confirmation ends it."""
TRIM_FROM = 8
"""Entries after which one entry carries the whole state."""
REMEMBERED = 8
"""Ended rotations whose own secrets the journal remembers: a request of a killed process arrives within minutes."""


@dataclass(frozen=True)
class Overlay:
    """The version of the overlay that a rotation uses."""

    secret: str
    version: str
    phase: int


@dataclass(frozen=True)
class OpenRotation:
    id: str
    step: str
    who: str
    since: str
    number: int = 0
    """Number of the entry that began the current step."""
    run: str = ""
    """Id of the process that continues the rotation. An entry of another process means that this one was overtaken."""
    holder: Mapping[str, Any] = field(default_factory=dict)
    """Machine and process of the run."""
    phase: int = 0
    attempt: int = 1
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Version ids that deploys must read, by secret."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Version number by parameter."""
    overlay: Optional[Overlay] = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    """Credentials, phases, and the versions that the plan is based on."""
    reason: str = ""
    """Reason of an abort."""
    promoted: bool = False
    """Whether a promotion has begun, which an abort must undo."""
    promoted_at: str = ""
    """Start of the newest promotion."""
    made: bool = False
    """Whether the new values certainly exist: a step after the one that makes them has begun."""
    refused_at: str = ""
    """Time of the entry after the revocation. By then, the server rejected the old values."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """Observations that later acts need, by credential."""
    hosts_with_old_key: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Unreachable hosts that still accept the old value, by credential. Only after a leak."""
    behind: tuple[str, ...] = ()
    """Hosts that were not verified when the old value was revoked."""
    sent: tuple[str, ...] = ()
    """Names that the promotion synced to GitHub."""

    @property
    def prescribes(self) -> bool:
        return bool(self.secrets or self.parameters)

    @property
    def names(self) -> FrozenSet[str]:
        """Secrets and parameters that the rotation changes."""
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
    """The last rotation of a credential."""

    at: str
    who: str
    rotation: str
    incident: str = ""
    """Id of the incident. Empty without one."""
    lease: Mapping[str, str] = field(default_factory=dict)
    """Id and end of the value's lease at its provider."""
    used: Mapping[str, Any] = field(default_factory=dict)
    """Known uses of a honeytoken's previous values."""

    def entry(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value or name in ("at", "who", "rotation")}


@dataclass(frozen=True)
class PendingTask:
    """Work that a closed rotation left for a later run."""

    id: str
    credential: str
    act: str
    """"revoke", "drop_fallback" or "confirm"."""
    due: str
    rotation: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Version ids that hold the value."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """Observations of the rotation."""
    hosts: tuple[str, ...] = ()
    """Hosts that were unreachable when a leaked key was removed elsewhere. Empty for all hosts."""
    promoted: str = ""
    """Time of the promotion of the replacement."""


@dataclass(frozen=True)
class Journal:
    """The state after all entries."""

    head: int = 0
    """Number of the newest entry. 0 for an empty journal."""
    digest: str = ""
    """Digest of the newest entry's text. The next entry contains it."""
    rotation: Optional[OpenRotation] = None
    rotated: Mapping[str, Rotated] = field(default_factory=dict)
    pending_tasks: Mapping[str, PendingTask] = field(default_factory=dict)
    prepared: frozenset[str] = frozenset()
    """Credentials whose server has both logins."""
    audit: Mapping[str, Any] = field(default_factory=dict)
    """Number and digest of the newest audit record."""
    incident: Optional[Incident] = None
    ended: tuple[str, ...] = ()
    """Names of the last rotations' own secrets. They are deleted, unless a late request created one again."""
    written: str = ""
    """Time at which a rotation last finished writing to the stores. Reads may be stale for some seconds after that."""
    lines: Tuple[str, ...] = field(default=(), repr=False)
    """Kept entries, oldest first."""
    version: str = field(default="", compare=False, repr=False)
    """Version of the stored journal. An entry is appended to this version only."""


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def fold(lines: Iterable[str], *, version: str = "") -> Journal:
    """The state after these entries.

    Raises :class:`JournalError`, which names an entry that is malformed, missing or altered.
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
    """The state after ``entry``, which gets its number and the digest of the previous entry.

    Without an open rotation, an entry after many carries the whole state. Entries before the previous such entry are
    dropped: the last rotations stay readable for people, and the journal does not grow for ever.
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
    """Kept entries, oldest first."""
    return [parsed(line, "an entry that is kept") for line in journal.lines]


def written(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"))


def name_of(number: int) -> str:
    return f"journal entry {number}"


def _with(journal: Journal, entry: Mapping[str, Any], line: str) -> Journal:
    number = int(entry["number"])
    before = Journal() if entry.get("base") else journal
    try:
        changes = _changes(before, number, name_of(number), entry)
    except (AttributeError, TypeError, ValueError):  # the error might repeat a part of the entry
        raise _no_entry(name_of(number)) from None
    return replace(before, **changes, head=number, digest=digest_of(line), lines=(*journal.lines, line))


def _require_chained(before: Journal, entry: Mapping[str, Any]) -> None:
    if not before.lines:  # older entries were dropped
        return
    number = entry["number"]
    if number != before.head + 1:
        raise JournalError(f"{name_of(before.head + 1)} is missing before {name_of(number)}; {_RESTORE}")
    if entry.get("prev", before.digest) != before.digest:
        raise JournalError(f"{name_of(before.head)} was altered after {name_of(number)} was written; {_RESTORE}")


_RESTORE = "restore an earlier version of the journal (docs/runbooks/lost-journal.md)"


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
    """Names of the rotation's own secrets: one for all its new values, and one for each that a provider makes."""
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
    """Versions that deploys must use from this entry on, if it sets them."""
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
    """Times that an entry sets. A takeover repeats the step and sets none."""
    at, step, was = str(entry.get("at", "")), entry["step"], before.step if before else ""
    if step in PROMOTING_STEPS and was not in PROMOTING_STEPS:
        return {"promoted_at": at}
    return {"refused_at": at} if (was, step) == (REVOKE, "record") else {}


def _noted(before: Mapping[str, Any], extra: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first note wins, because a repeated act also sees effects of the new value."""
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
    return JournalError(f"{name} is not a journal entry; {_RESTORE}")


def parsed(line: str, name: str) -> Mapping[str, Any]:
    """Parses an entry. Raises :class:`JournalError` with ``name``."""
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
    """Keys of an entry that carries the whole state."""
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
