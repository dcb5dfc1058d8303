# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds and deletes what may be purged in Valkey, in small steps that no other client notices."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey, valkey_key_patterns
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import Address
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey_key_patterns import Sieve, shown
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection, own_sessions

LABEL = "watchparty.secrets:purge"
BATCH = 500
"""Keys of one pipeline of UNLINK."""
LOOKED_AT = 1000
"""Keys of one SCAN, which takes far less than a millisecond."""
QUEUE_KINDS = (b"list", b"zset", b"stream")
NAMED = 3
"""Limit of keys in an error."""
TESTED = valkey.PLAIN + valkey.TLS
DECLARE = "add %(node)s to server.nodes of its administrator in the catalog, or of the credential in the setting"
"""Remedy for an undeclared node that a server names."""
UNKNOWN_SERVER = ("sentinel", "redis+socket", "unix", "redis+cluster")
"""Schemes of brokers in Valkey whose server the URL does not tell."""


@dataclass(frozen=True)
class PurgeEntry:
    name: str
    kind: str
    setting: str
    keys: Tuple[str, ...]


@dataclass(frozen=True)
class PurgeRequest:
    entries: Sequence[PurgeEntry]
    sessions: Sequence[PurgeEntry] = ()
    """Entries of sessions that must stay."""
    brokers: Sequence[str] = ()
    """Settings with the URLs of queues, results or channels."""
    urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    nodes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Declared nodes by setting."""


class Primary(connection.Connection):
    def many(self, commands: Sequence[Sequence[Any]]) -> List[Any]:
        answers = self._raw(commands)
        for answer in answers:
            if isinstance(answer, self._refusal):
                raise self._translated(answer)
        return answers

    def pages(self, pattern: str, *, of_set: Optional[bytes] = None) -> Iterator[List[bytes]]:
        """Keys of a pattern, or members of a set, in the server's order. Some may come twice."""
        cursor: Any = b"0"
        command = ["SSCAN", of_set] if of_set is not None else ["SCAN"]
        raw = pattern.encode("utf-8", "surrogateescape")
        while True:
            cursor, page = self.many([[*command, cursor, "MATCH", raw, "COUNT", LOOKED_AT]])[0]
            if page:
                yield page
            if cursor == b"0":
                return


@dataclass(frozen=True)
class PurgeDatabase:
    """A database and every primary that holds a part of it."""

    database: int
    primaries: Sequence[Primary]
    runs: Optional[FrozenSet[str]]
    """Ids of the servers' runs. None if they do not tell."""

    def close(self) -> None:
        for primary in self.primaries:
            primary.close()


@dataclass(frozen=True)
class PurgePlan:
    """An entry with all that must be known before its first key is deleted."""

    entry: PurgeEntry
    place: PurgeDatabase
    sieve: Sieve
    shared: Sequence[str]
    """Brokers in the same database."""


def reached(address: Address, option: str, declared: Sequence[str], remedy: str = DECLARE) -> PurgeDatabase:
    """Every primary behind an address. Only ``declared`` nodes get the login, whatever a server names."""
    first = Primary(address, option, label=LABEL)
    try:
        named = _named(first, address)
    except connection.UNREADABLE:
        first.close()
        raise HostError(connection.unreadable(str(address))) from None
    if named is None:
        primaries = [first]
    else:
        first.close()
        primaries = [Primary(node, option, label=LABEL) for node in _permitted(named, address, declared, remedy)]
    return PurgeDatabase(address.database, primaries, _runs(primaries))


def _named(first: Primary, address: Address) -> Optional[List[Address]]:
    """Primaries that a server names in its place. None for a single primary."""
    facts: Dict[str, Any] = {}
    with suppress(connection.NotAllowed):
        answer = first.ask("HELLO")
        facts = dict(zip(answer[::2], answer[1::2]))
    if facts.get("mode") == "cluster":
        return _cluster_primaries(first.ask("CLUSTER", "SLOTS"), address)
    if facts.get("role") in ("replica", "slave"):
        return [_primary_of(first, address)]
    return None


def _permitted(
    nodes: Sequence[Address], address: Address, declared: Sequence[str], remedy: str = DECLARE
) -> List[Address]:
    """The nodes as declared. Raises for others: a server repeats what clients name (CLUSTER MEET, REPLICAOF).

    AWS lets no client name a node, and gives a deployment's nodes their own domain.
    """
    managed = bool(valkey.MANAGED.search(address.host))
    by_peer = _by_peer(address, declared)
    addresses = []
    for node in nodes:
        near = own_sessions.domain(node.host) == own_sessions.domain(address.host)
        permitted = node if managed and near else by_peer.get(str(node))
        if permitted is None:
            raise HostError(
                "%s names the node %s, but the catalog does not declare it. No password was sent there. If the node is "
                "yours, %s. If not, start a leak response" % (address, node, remedy % {"node": node})
            )
        addresses.append(permitted)
    return addresses


def _by_peer(address: Address, declared: Sequence[str]) -> Dict[str, Address]:
    """Declared nodes by name and by IP address, because servers name each other either way."""
    addresses: Dict[str, Address] = {}
    for node in (address, *(address.at(name) for name in declared)):
        addresses[str(node)] = node
        with suppress(OSError, UnicodeError):
            for answer in socket.getaddrinfo(node.host, node.port, type=socket.SOCK_STREAM):
                addresses.setdefault(valkey.join(valkey.plain_host(str(answer[4][0])), str(node.port)), node)
    return addresses


def _cluster_primaries(slots: Sequence[Any], address: Address) -> List[Address]:
    addresses: Dict[str, Address] = {}
    for slot in slots:
        host, port = slot[2][0], slot[2][1]
        extra = slot[2][3] if len(slot[2]) > 3 else []
        names = dict(zip(extra[::2], extra[1::2]))
        # Certificates name hosts rather than addresses.
        chosen = (names.get("hostname") if address.tls is not None else None) or host or address.host
        addresses.setdefault("%s:%s" % (host, port), address.at(valkey.join(chosen, str(port))))
    return list(addresses.values())


def _primary_of(replica: Primary, address: Address) -> Address:
    try:
        info = valkey.parse_info(replica.ask("INFO", "replication"))
        return address.at(valkey.join(info["master_host"], info["master_port"]))
    except (connection.NotAllowed, KeyError):
        raise HostError(
            "%s: is a replica, and this user may not query its primary (INFO); name the primary in the setting"
            % address
        ) from None


def _runs(primaries: Sequence[Primary]) -> Optional[FrozenSet[str]]:
    try:
        return frozenset(valkey.parse_info(primary.ask("INFO", "server"))["run_id"] for primary in primaries)
    except (connection.NotAllowed, KeyError):
        return None


def _same(place: PurgeDatabase, runs: Optional[FrozenSet[str]], database: int) -> bool:
    """Whether both may be the same database. Unknown servers count as the same."""
    return place.database == database and (place.runs is None or runs is None or bool(place.runs & runs))


def purge(wanted: PurgeRequest, *, check: bool) -> Dict[str, Any]:
    """Reads everything first. A single blocker keeps every key."""
    began = time.monotonic()
    places: Dict[str, PurgeDatabase] = {}
    try:
        for purge_entry in (*wanted.entries, *wanted.sessions):
            if purge_entry.setting not in places:
                places[purge_entry.setting] = reached(
                    valkey.parse_url(wanted.urls[purge_entry.setting], purge_entry.setting),
                    purge_entry.setting,
                    wanted.nodes.get(purge_entry.setting, ()),
                )
        purge_plans, problems = _grounds(wanted, places)
        results = [] if problems else [_counted(purge_plan, problems) for purge_plan in purge_plans]
        if problems:
            raise HostError("Nothing was purged:\n  - " + "\n  - ".join(dict.fromkeys(problems)))
        reports = [_report(purge_plan, seen, check) for purge_plan, seen in zip(purge_plans, results)]
    finally:
        for place in places.values():
            place.close()
    count = sum(report["count"] for report in reports)
    return {"changed": bool(count), "count": count, "milliseconds": _since(began), "purged": reports}


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _grounds(wanted: PurgeRequest, places: Mapping[str, PurgeDatabase]) -> Tuple[List[PurgePlan], List[str]]:
    problems: List[str] = []
    brokers = [
        (name, *_broker(url, name, wanted.nodes.get(name, ())))
        for name in wanted.brokers
        for url in valkey_key_patterns.urls_in(wanted.urls[name])
    ]
    bindings = {setting: _bindings(place) for setting, place in places.items()}
    purge_plans = []
    for entry in wanted.entries:
        place, names = places[entry.setting], bindings[entry.setting]
        shared = [name for name, runs, number in brokers if number is None or _same(place, runs, number)]
        if names:
            shared.append("a message broker (its bindings are in this database)")
        patterns = valkey_key_patterns.broker_patterns(names)
        spared_keys = [
            key
            for purge_entry in wanted.sessions
            if _same(place, places[purge_entry.setting].runs, places[purge_entry.setting].database)
            for key in purge_entry.keys
        ]
        sieve = Sieve(entry.keys, patterns, tuple(spared_keys))
        purge_plans.append(PurgePlan(entry, place, sieve, tuple(dict.fromkeys(shared))))
        if shared:
            problems += _can_reach(entry, patterns, place.database, purge_plans[-1].shared)
    return purge_plans, problems


def _broker(url: str, name: str, declared: Sequence[str]) -> Tuple[Optional[FrozenSet[str]], Optional[int]]:
    """Ids of a broker's server, and its database. None if unknown; -1 if it is not Valkey."""
    scheme = url.partition("://")[0].lower()
    if scheme not in TESTED:
        return None, None if scheme in UNKNOWN_SERVER else -1
    try:
        address = valkey.parse_url(url, name)
    except HostError:
        return None, None
    with suppress(HostError):
        place = reached(address, name, declared)
        place.close()
        return place.runs, address.database
    return None, address.database


def _bindings(place: PurgeDatabase) -> Dict[bytes, List[bytes]]:
    """Every binding of a Celery broker in this database, by key."""
    bindings: Dict[bytes, List[bytes]] = {}
    for primary in place.primaries:
        for page in primary.pages(valkey_key_patterns.BINDINGS):
            for key in page:
                if key not in bindings and primary.many([["TYPE", key]])[0] == b"set":
                    bindings[key] = [member for members in primary.pages("*", of_set=key) for member in members]
    return bindings


def _can_reach(entry: PurgeEntry, patterns: Sequence[str], database: int, shared: Sequence[str]) -> Iterator[str]:
    for at, pattern in enumerate(entry.keys):
        hit = valkey_key_patterns.reaches(pattern, patterns)
        if hit is not None:
            yield (
                "purge.%s.keys[%d]: %r can match %s, and database %d also belongs to %s; give one of them a "
                "database of its own, or write the prefix of the cache's own keys"
                % (entry.name, at, pattern, shown(hit.encode("utf-8", "replace")), database, ", ".join(shared))
            )


def _kept(purge_plan: PurgePlan, primary: Primary, number: int) -> Iterator[Tuple[List[bytes], List[bytes], int]]:
    """Pages of one pattern: keys to delete, keys of a broker, and the number of spared sessions."""
    for page in primary.pages(purge_plan.sieve.keys[number]):
        fresh = purge_plan.sieve.fresh(number, page)
        theirs = {key for key in fresh if purge_plan.sieve.broker_key(key) is not None}
        spared_keys = {key for key in fresh if purge_plan.sieve.is_spared(key)}
        may_go = [key for key in fresh if key not in spared_keys and key not in theirs]
        if purge_plan.shared and may_go:
            # By kind, whatever their names: queues and channels have these kinds, and cache entries do not.
            kinds = primary.many([["TYPE", key] for key in may_go])
            theirs |= {key for key, kind in zip(may_go, kinds) if kind in QUEUE_KINDS}
            may_go = [key for key in may_go if key not in theirs]
        yield may_go, sorted(theirs), len(spared_keys)


def _counted(purge_plan: PurgePlan, problems: List[str]) -> Dict[str, Any]:
    """Counts keys to delete. Keys of a broker become a problem."""
    count, spared_count = 0, 0
    for number, pattern in enumerate(purge_plan.sieve.keys):
        hits: List[bytes] = []
        for primary in purge_plan.place.primaries:
            for may_go, theirs, newly_spared in _kept(purge_plan, primary, number):
                count, spared_count = count + len(may_go), spared_count + newly_spared
                hits += theirs[: NAMED - len(hits)]
        if hits:
            problems.append(
                "purge.%s.keys[%d]: %r matches keys of a broker in database %d: %s; write the prefix of the "
                "cache's own keys"
                % (
                    purge_plan.entry.name,
                    number,
                    pattern,
                    purge_plan.place.database,
                    ", ".join(shown(key) for key in hits),
                )
            )
    return {"count": count, "spared": spared_count}


def _report(purge_plan: PurgePlan, counted: Mapping[str, Any], check: bool) -> Dict[str, Any]:
    began = time.monotonic()
    count = counted["count"] if check else sum(_deleted(purge_plan, primary) for primary in purge_plan.place.primaries)
    return {
        "name": purge_plan.entry.name,
        "kind": purge_plan.entry.kind,
        "setting": purge_plan.entry.setting,
        "database": purge_plan.place.database,
        "nodes": [primary.node for primary in purge_plan.place.primaries],
        "count": count,
        "spared": counted["spared"],
        "milliseconds": 0 if check else _since(began),
    }


def _deleted(purge_plan: PurgePlan, primary: Primary) -> int:
    """Deletes keys. Returns their number. Asks the same sieve again, so that a broker's newer keys stay."""
    deleted = 0
    for number in range(len(purge_plan.sieve.keys)):
        for may_go, _theirs, _spared in _kept(purge_plan, primary, number):
            for keys in valkey_key_patterns.batches(may_go, BATCH):
                # One key a command: in a cluster, the keys of one command must belong together.
                deleted += sum(int(count) for count in primary.many([["UNLINK", key] for key in keys]))
    return deleted
