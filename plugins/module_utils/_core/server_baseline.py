# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The baseline: what should exist at databases and caches, as an operator recorded it. Python 3.8.

A rotation only compares, and readings exclude what rotations change: two alternating logins have one name, and
passwords in the stores are left out. So no run can accept an attacker's change.
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
"""Stands for every difference."""
DIGITS = 16
"""Digits of keyed digests and of differences' ids. Enough that nobody can make a name with another's id."""
LONGEST = 200
"""Characters of a name. A longer name ends in its digest."""
LONGEST_COMMAND = 1000
MOST_ACCEPTED = 200
"""Accepted differences that are kept."""
PASSING = ("listener", "at job")
"""Kinds of entries that end by themselves, so that a removal is not a difference."""
MOST_NAMED = 50
"""Differences of a server that messages name. The rest is counted."""
MORE = "%d more differences; ansible-playbook watchparty.secrets.baseline lists them"
MOST_ENTRIES = 8000
"""Entries of a server."""
TOO_MANY = "so they are neither recorded nor compared. Drop those that are no longer used, or check them by hand"
LARGEST = 1 << 20
"""Bytes of a server's entries, so that somebody who makes names cannot make a host's answer too long."""
_ACCOUNT = re.compile(r"`((?:[^`]|``)*)`(?:@|$)")
"""First part of the name of a MySQL account's entry."""
LOGIN = " LOGIN"
"""Last part of the name of an entry: a role that can log in."""
_CUT = 32
Key = Tuple[str, str]
"""Kind and name."""
Entry = Dict[str, str]
"""An entry of a host's answer: kind, name, facts, the command that removes it (undo), and the last write, if known
(since)."""


class ServerReading(NamedTuple):
    """The entries of one server."""

    kinds: FrozenSet[str]
    """Kinds that could be read. Others are unknown."""
    entries: Mapping[Key, str]
    """Facts by kind and name."""
    undo: Mapping[Key, str] = {}
    """Command that removes the entry."""
    explained: FrozenSet[Key] = frozenset()
    """Entries that are right whatever the baseline contains."""
    since: Mapping[Key, str] = {}
    """Time of the last write, if known."""


@dataclass(frozen=True)
class RecordedServer:
    """The recorded entries of one server."""

    made_at: str
    who: str
    kinds: FrozenSet[str]
    entries: Mapping[Key, str]
    own: Mapping[str, str] = field(default_factory=dict)
    """The catalog's logins at that time, each with its name in a reading."""

    @property
    def day(self) -> str:
        return self.made_at[:10]


class AcceptedDifference(NamedTuple):
    """A difference that an operator accepted."""

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
    """Key of the digests. Whoever may read it may list the servers' users anyway."""
    sources: Mapping[str, RecordedServer] = field(default_factory=dict)
    """Server by address."""
    accepted: Tuple[AcceptedDifference, ...] = ()


class ServerDifference(NamedTuple):
    """A difference between a server and the baseline."""

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
        """The message with the time, if known, and the command that removes the entry."""
        since = f", {'since' if self.kind in PASSING else 'written'} {self.since}" if self.since else ""
        return self.message + since + (f": {self.undo}" if self.undo else "")


# --- readings -------------------------------------------------------------------------------------------------------


def printable(text: str) -> str:
    """Escapes a server's text into one line. Different texts stay different."""
    clean = "".join(
        letter if letter.isprintable() and letter != "\\" else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
    if len(clean) <= LONGEST:
        return clean
    return f"{clean[: LONGEST - _CUT]}…{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:_CUT]}"


def keyed(key: str, text: str) -> str:
    """A digest that only tells whether a value changed."""
    return hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:DIGITS]


def own_names(logins: Sequence[str], honeytoken_users: Sequence[str] = ()) -> Dict[str, str]:
    """Names of these logins in a reading. Two alternating logins have one name. A honeytoken gets a name that no server
    has, because a rotation makes it, and it is an entry only with a right."""
    names = {**{login: login for login in logins}, **{login: "honeytoken " + login for login in honeytoken_users}}
    for login in logins:
        owner = owner_of(login)
        if owner != login:
            names.update((owner + suffix, turns(owner)) for suffix in SUFFIXES)
    return names


def turns(owner: str) -> str:
    """The common name of two alternating logins. A server would accept it as a name only in quotes."""
    return f"{owner}{SUFFIXES[0]} or {SUFFIXES[1]}"


def known_logins(source: RecordedServer, engine: str) -> Set[str]:
    """Logins of the baseline and of the catalog at that time."""
    users = {name for kind, name in source.entries if kind == "user"}
    names = {name.rpartition(" at ")[0] for name in users} if engine == VALKEY else users
    names -= {*source.own.values()}
    accounts = (_ACCOUNT.match(name) for kind, name in source.entries if kind == "account")
    names |= {match[1].replace("``", "`") for match in accounts if match}
    roles = {name[: -len(LOGIN)] for kind, name in source.entries if kind == "role" and name.endswith(LOGIN)}
    names |= {role[1:-1].replace('""', '"') if role.startswith('"') else role for role in roles}
    return names | set(map(printable, source.own))


def is_unexplained(login: str, known: Collection[str]) -> bool:
    """Whether neither the login nor its alternate is known. Another application's rotation may have made the
    alternate."""
    owner = owner_of(login)
    names = (login, owner, *(owner + suffix for suffix in SUFFIXES))
    return {printable(name) for name in names}.isdisjoint(known)


def no_inventory() -> Dict[str, Any]:
    """An empty inventory."""
    return {"kinds": [], "entries": [], "problems": []}


def add(inventory: Dict[str, Any], part: Mapping[str, Any], *, further: bool = False) -> None:
    """Adds the entries of a database or node. Only kinds that all of them have count, unless the part has ``further``
    kinds."""
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
    """Bytes of the entries."""
    return len(json.dumps(inventory["entries"]))


def entry_of(kind: str, name: str, facts: str, undo: str) -> Entry:
    return {"kind": kind, "name": printable(name), "facts": printable(facts), "undo": pasted(undo)}


def pasted(command: str) -> str:
    """The command, or nothing if it is long or unprintable: a hostile name must not alter it or end its quotes."""
    return command if command.isprintable() and len(command) <= LONGEST_COMMAND else ""


def reading_of(data: Mapping[str, Any]) -> ServerReading:
    """The reading of a host's answer. Facts of entries with the same name are joined."""
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
    """Differences in kinds that could be read both times."""
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
    """Recorded kinds that could not be read now."""
    return sorted(source.kinds - reading.kinds)


def recorded(source: RecordedServer, reading: ServerReading, accepted: Sequence[ServerDifference]) -> RecordedServer:
    """The source with accepted differences, and with kinds that were unreadable before."""
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
    """Parses the result of ``as_data``. Raises ValueError, KeyError, TypeError or AttributeError."""
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
    """Parses a baseline. Raises StoreError for anything else, or for another environment's."""
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
