# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What should exist at the servers of databases and caches, as an operator recorded it. Pure; Python 3.8.

A rotation compares and writes nothing here. What it changes at a server is not in a reading: a login that takes turns
has one name for both, and the passwords that the stores hold are left out. So no run can accept an attacker's change.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Collection, Dict, FrozenSet, List, Mapping, NamedTuple, Sequence, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import VALKEY
from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import SUFFIXES, owner_of

ADDED, CHANGED, REMOVED = "added", "changed", "removed"
ALL = "all"
"""Accepts every difference."""
DIGITS = 16
"""Of a keyed digest, and of a difference's id: whoever can make names must not make one with another's id."""
LONGEST = 200
"""Characters of a name; a longer one ends in its digest."""
LONGEST_COMMAND = 1000
MOST_ACCEPTED = 200
"""Acceptances that are kept."""
PASSING = ("listener", "at job")
"""Kinds of a host that end by themselves: that one is gone is not a difference."""
MOST_NAMED = 50
"""Differences of a server that a check or a leak response names; the rest is counted."""
MORE = "%d more differences; ansible-playbook watchparty.secrets.baseline lists them"
MOST_ENTRIES = 8000
"""Of a server."""
TOO_MANY = "so they are neither recorded nor compared. Drop those that are no longer used, or check them by hand"
LARGEST = 1 << 20
"""Bytes of a server's entries in an answer: who makes names there must not make a host's answer too long."""
_ACCOUNT = re.compile(r"`((?:[^`]|``)*)`(?:@|$)")
"""How the name of the entry of an account of MySQL begins."""
LOGIN = " LOGIN"
"""Ends the name of the entry of a role that can log in."""
_CUT = 32
Key = Tuple[str, str]
"""Kind and name of an entry."""
Entry = Dict[str, str]
"""What a host answers: the kind, the name, facts, the command that removes it (undo), and when it was last written, if
the server knows (since)."""


class ServerReading(NamedTuple):
    """What one server showed."""

    kinds: FrozenSet[str]
    """The kinds that could be read; nothing is known of others."""
    entries: Mapping[Key, str]
    """Facts by kind and name."""
    undo: Mapping[Key, str] = {}
    """The command that removes an entry."""
    explained: FrozenSet[Key] = frozenset()
    """What is right whatever the baseline says."""
    since: Mapping[Key, str] = {}
    """When an entry was last written, if the server knows."""


@dataclass(frozen=True)
class RecordedServer:
    """What one server showed when it was recorded."""

    made_at: str
    who: str
    kinds: FrozenSet[str]
    entries: Mapping[Key, str]
    own: Mapping[str, str] = field(default_factory=dict)
    """The catalog's own logins at that time, each with the name that a reading gives it."""

    @property
    def day(self) -> str:
        return self.made_at[:10]


class AcceptedDifference(NamedTuple):
    """A difference that an operator made part of the baseline."""

    id: str
    message: str
    who: str
    at: str
    reason: str


@dataclass(frozen=True)
class ServerBaseline:
    application: str
    environment: str
    key: str = field(repr=False)
    """Of the digests. Whoever may read it may list the servers' users anyway."""
    sources: Mapping[str, RecordedServer] = field(default_factory=dict)
    """By the server's address."""
    accepted: Tuple[AcceptedDifference, ...] = ()


class ServerDifference(NamedTuple):
    """What a server shows otherwise than the baseline."""

    place: str
    state: str
    kind: str
    name: str
    facts: str
    before: str = ""
    undo: str = ""
    since: str = ""

    @property
    def id(self) -> str:
        text = json.dumps([self.place, self.state, self.kind, self.name, self.facts])
        return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]

    @property
    def message(self) -> str:
        if self.state == REMOVED:
            return f"{self.kind} {self.name} of the baseline does not exist any more"
        if self.state == CHANGED:
            facts, before = self.facts or "none", self.before or "none"
            return f"{self.kind} {self.name} is not as in the baseline: {facts}, was {before}"
        return f"{self.kind} {self.name} is not in the baseline" + (f" ({self.facts})" if self.facts else "")

    @property
    def finding(self) -> str:
        """With the time, if the server knows it, and with the command that removes it."""
        since = f", {'since' if self.kind in PASSING else 'written'} {self.since}" if self.since else ""
        return self.message + since + (f": {self.undo}" if self.undo else "")


# --- readings -------------------------------------------------------------------------------------------------------


def printable(text: str) -> str:
    """One line for each text and no other: a server's name may hold anything."""
    clean = "".join(
        letter if letter.isprintable() and letter != "\\" else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
    if len(clean) <= LONGEST:
        return clean
    return f"{clean[: LONGEST - _CUT]}…{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:_CUT]}"


def keyed(key: str, text: str) -> str:
    """A digest that tells whether a value changed, and nothing else of it."""
    return hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:DIGITS]


def own_names(logins: Sequence[str], decoys: Sequence[str] = ()) -> Dict[str, str]:
    """The names that a reading gives these logins: one for two that take turns. Those of ``decoys`` are no names of
    the server: a rotation makes such a login, which then is no entry until it has a right."""
    names = {**{login: login for login in logins}, **{login: "honeytoken " + login for login in decoys}}
    for login in logins:
        owner = owner_of(login)
        if owner != login:
            names.update((owner + suffix, turns(owner)) for suffix in SUFFIXES)
    return names


def turns(owner: str) -> str:
    """The one name of two logins that take turns. No server takes it for a name unless it is quoted."""
    return f"{owner}{SUFFIXES[0]} or {SUFFIXES[1]}"


def known_logins(source: RecordedServer, engine: str) -> Set[str]:
    """The names of those that can log in, of the baseline and of the catalog at that time."""
    users = {name for kind, name in source.entries if kind == "user"}
    names = {name.rpartition(" at ")[0] for name in users} if engine == VALKEY else users
    names -= {*source.own.values()}
    accounts = (_ACCOUNT.match(name) for kind, name in source.entries if kind == "account")
    names |= {match[1].replace("``", "`") for match in accounts if match}
    roles = {name[: -len(LOGIN)] for kind, name in source.entries if kind == "role" and name.endswith(LOGIN)}
    names |= {role[1:-1].replace('""', '"') if role.startswith('"') else role for role in roles}
    return names | set(map(printable, source.own))


def is_unexplained(login: str, known: Collection[str]) -> bool:
    """Whether nothing explains a login, nor the other one of two that take turns: another application's rotation makes
    that one."""
    owner = owner_of(login)
    names = (login, owner, *(owner + suffix for suffix in SUFFIXES))
    return {printable(name) for name in names}.isdisjoint(known)


def no_inventory() -> Dict[str, Any]:
    """What a host begins with: the kinds that were read, entries, and why something was not read."""
    return {"kinds": [], "entries": [], "problems": []}


def add(inventory: Dict[str, Any], part: Mapping[str, Any], *, further: bool = False) -> None:
    """Adds what one database or node showed, whose kinds are those that all have, or ``further`` kinds."""
    if len(inventory["entries"]) + len(part["entries"]) > MOST_ENTRIES:
        inventory["problems"].append("it has more than %d entries, %s" % (MOST_ENTRIES, TOO_MANY))
        return
    if size(inventory) + size(part) > LARGEST:
        inventory["problems"].append("the list of its entries is larger than %d KiB, %s" % (LARGEST >> 10, TOO_MANY))
        return
    before, kinds = set(inventory["kinds"]), set(part["kinds"])
    inventory["kinds"] = sorted(before | kinds if further or not before else before & kinds)
    inventory["entries"] += part["entries"]


def size(inventory: Mapping[str, Any]) -> int:
    """Bytes of the entries in a host's answer."""
    return len(json.dumps(inventory["entries"]))


def entry_of(kind: str, name: str, facts: str, undo: str) -> Entry:
    return {"kind": kind, "name": printable(name), "facts": printable(facts), "undo": pasted(undo)}


def pasted(command: str) -> str:
    """As it is or not at all: whoever makes names must not end a command inside its quotes, or alter it."""
    return command if command.isprintable() and len(command) <= LONGEST_COMMAND else ""


def reading_of(data: Mapping[str, Any]) -> ServerReading:
    """A host's answer, where several entries may have one name."""
    kinds = frozenset(data["kinds"])
    facts: Dict[Key, Set[str]] = {}
    undo: Dict[Key, str] = {}
    since: Dict[Key, str] = {}
    for entry in data["entries"]:
        key = (entry["kind"], entry["name"])
        if entry["kind"] in kinds:
            facts.setdefault(key, set()).add(entry["facts"])
            undo[key] = entry["undo"]
            since[key] = max(since.get(key, ""), entry.get("since", ""))
    explained = frozenset((kind, printable(name)) for kind, name in data.get("explained", ()))
    return ServerReading(
        kinds, {key: " / ".join(sorted(texts)) for key, texts in facts.items()}, undo, explained, since
    )


def compare(place: str, source: RecordedServer, reading: ServerReading) -> List[ServerDifference]:
    """What changed, of kinds that could be read both times."""
    kinds = source.kinds & reading.kinds
    then, now = ({key: text for key, text in side.entries.items() if key[0] in kinds} for side in (source, reading))
    differences = []
    for key in sorted({*then, *now} - reading.explained):
        since = reading.since.get(key, "")
        if key not in then:
            undo = reading.undo.get(key, "")
            differences.append(ServerDifference(place, ADDED, *key, now[key], undo=undo, since=since))
        elif key not in now and key[0] not in PASSING:
            differences.append(ServerDifference(place, REMOVED, *key, "", then[key]))
        elif then[key] != now.get(key, then[key]):
            differences.append(ServerDifference(place, CHANGED, *key, now[key], then[key], since=since))
    return differences


def unread(source: RecordedServer, reading: ServerReading) -> List[str]:
    """The kinds that were recorded and could not be read now."""
    return sorted(source.kinds - reading.kinds)


def recorded(source: RecordedServer, reading: ServerReading, accepted: Sequence[ServerDifference]) -> RecordedServer:
    """The source with what was accepted, and with the kinds that could not be read before."""
    entries = dict(source.entries)
    entries.update((key, text) for key, text in reading.entries.items() if key[0] not in source.kinds)
    for difference in accepted:
        key = (difference.kind, difference.name)
        if difference.state == REMOVED:
            del entries[key]
        else:
            entries[key] = difference.facts
    return replace(source, entries=entries, kinds=source.kinds | reading.kinds)


# --- what is stored -------------------------------------------------------------------------------------------------


def as_data(source: RecordedServer) -> Dict[str, Any]:
    return {
        "made_at": source.made_at,
        "who": source.who,
        "kinds": sorted(source.kinds),
        "entries": [[*key, text] for key, text in sorted(source.entries.items())],
        "own": dict(source.own),
    }


def source_of(data: Mapping[str, Any]) -> RecordedServer:
    """What ``as_data`` wrote. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
    entries = {(str(kind), str(name)): str(text) for kind, name, text in data["entries"]}
    kinds = frozenset(map(str, data["kinds"]))
    parts = [str(data["made_at"]), *(part for key, text in entries.items() for part in (*key, text))]
    if not all(text.isprintable() for text in parts):
        raise ValueError("a name would reach the terminal as it is")
    own = {str(login): str(name) for login, name in data["own"].items()}
    return RecordedServer(str(data["made_at"]), str(data["who"]), kinds, entries, own)


def written(baseline: ServerBaseline) -> bytes:
    sources = {place: as_data(source) for place, source in baseline.sources.items()}
    document = {
        "baseline": 1,
        "application": baseline.application,
        "environment": baseline.environment,
        "key": baseline.key,
        "sources": sources,
        "accepted": [list(acceptance) for acceptance in baseline.accepted[-MOST_ACCEPTED:]],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def parsed(content: bytes, application: str, environment: str, *, where: str) -> ServerBaseline:
    """Raises StoreError for what is not this environment's baseline."""
    try:
        data = json.loads(content)
        named = (data["baseline"], data["application"], data["environment"])
        if named != (1, application, environment):
            raise ValueError
        sources = {str(place): source_of(source) for place, source in data["sources"].items()}
        accepted = tuple(AcceptedDifference(*map(str, item)) for item in data["accepted"])
        return ServerBaseline(application, environment, str(data["key"]), sources, accepted)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise StoreError(
            f"{where} is not the baseline of {application} in {environment}; restore its newest version, or delete it "
            "and record a new one: ansible-playbook watchparty.secrets.baseline"
        ) from None
