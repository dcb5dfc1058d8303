# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records servers' readings in a baseline. Pure.

A server is recorded once. Later, its baseline only changes by accepted differences and newly readable kinds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, counted
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    ALL,
    AcceptedDifference,
    RecordedServer,
    ServerBaseline,
    ServerDifference,
    ServerReading,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import inventory_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import host_baselines

ACCOUNT, GITHUB = "account_baseline", "github_baseline"
"""Parts of a verification that are compared without a host."""
LOGINS = ("access key", "console password", "grant", "deploy key", "webhook", "self-hosted runner", "collaborator")
"""Kinds that give access, besides users and roles."""

ON_HOSTS = ("account", "group member", "authorized key", "sudoers file", "cron file", "listener")
"""Kinds of a host whose entries an operator reads one by one."""
WITH_FACTS = ("account", "listener")
"""Kinds whose facts tell an attacker's entry from an own entry. Most other facts are digests."""
MOST_NAMES = 50
"""Limit of named entries of another kind, if all hosts have the same."""
CHECK = "Check that each of these is yours:"
MOST_HOSTS = 5
"""Limit of hosts that are named for an entry."""


@dataclass(frozen=True)
class Operator:
    who: str
    at: str
    ids: Collection[str] = ()
    reason: str = ""


@dataclass
class Recording:
    """The new baseline, messages, and differences that are not accepted."""

    baseline: ServerBaseline
    messages: list[str] = field(default_factory=list)
    left: list[ServerDifference] = field(default_factory=list)


def recorded(
    baseline: ServerBaseline,
    readings: Mapping[str, ServerReading],
    own: Mapping[str, Mapping[str, str]],
    operator: Operator,
) -> Recording:
    """``own`` are the catalog's logins by server. Raises SecretsError for an id without a difference."""
    result = Recording(baseline)
    known: set[str] = set()
    new_hosts: dict[str, ServerReading] = {}
    newly_read: dict[str, ServerReading] = {}
    for place, reading in readings.items():
        source = result.baseline.sources.get(place)
        if source is None:
            recorded_server = RecordedServer(operator.at, operator.who, reading.kinds, reading.entries, own[place])
            if inventory_request.host_of(place):
                new_hosts[inventory_request.host_of(place)] = reading
            else:
                result.messages += _described(place, reading)
        else:
            differences = server_baseline.compare(place, source, reading)
            known.update(difference.id for difference in differences)
            recorded_server = _accepted(result, place, reading, differences, operator)
            kinds = reading.kinds - source.kinds
            if kinds:
                entries = {key: facts for key, facts in reading.entries.items() if key[0] in kinds}
                newly_read[place] = ServerReading(kinds, entries)
            recorded_server = replace(recorded_server, own=own[place]) if recorded_server != source else source
        result.baseline = replace(result.baseline, sources={**result.baseline.sources, place: recorded_server})
    if new_hosts:
        count = sum(len(reading.entries) for reading in new_hosts.values())
        title = f"{counted(len(new_hosts), 'host')}: {count} {host_baselines.NOUN} are recorded. {CHECK}"
        result.messages += [title, *_host_lines(new_hosts)]
    result.messages += _newly_read_lines(newly_read)
    unknown = sorted({*operator.ids} - known - {ALL})
    if unknown:
        raise SecretsError(
            f"baseline_accept: {', '.join(unknown)} is not the id of a present difference; run "
            "ansible-playbook watchparty.secrets.baseline without baseline_accept, which lists the ids"
        )
    return result


def _described(place: str, reading: ServerReading) -> list[str]:
    """Recorded logins, for an operator to read: an attacker's login would be among them."""
    logins = [text for kind, name in sorted(reading.entries) for text in [_login(kind, name)] if text]
    check = " Check that each login is yours:" if logins else ""
    return [f"{place} is recorded ({counted(len(reading.entries), 'item')}).{check}", *(f"  {text}" for text in logins)]


def _newly_read_lines(readings: Mapping[str, ServerReading]) -> list[str]:
    """Entries of kinds that were unreadable earlier, by place: an attacker may have hidden them until now."""
    lines = []
    hosts: dict[str, ServerReading] = {}
    for place, reading in readings.items():
        if inventory_request.host_of(place):
            hosts[inventory_request.host_of(place)] = reading
        else:
            lines.append(_newly_read_title(place, reading.kinds))
            lines += [f"  {kind} {name}" for kind, name in sorted(reading.entries)]
    if hosts:
        kinds = {kind for reading in hosts.values() for kind in reading.kinds}
        lines += [_newly_read_title(counted(len(hosts), "host"), kinds), *_host_lines(hosts)]
    return lines


def _newly_read_title(subject: str, kinds: Collection[str]) -> str:
    return f"{subject}: {', '.join(sorted(kinds))}: read and recorded for the first time. {CHECK}"


def _host_lines(readings: Mapping[str, ServerReading]) -> list[str]:
    """Recorded entries of hosts, merged, since hosts have much in common."""
    texts_of: dict[str, dict[str, list[str]]] = {}
    for host, reading in readings.items():
        for (kind, name), facts in sorted(reading.entries.items()):
            text = f"{kind} {name}" + (f" ({facts})" if facts and kind in WITH_FACTS else "")
            texts_of.setdefault(kind, {}).setdefault(host, []).append(text)
    return [line for kind, texts in sorted(texts_of.items()) for line in _kind_lines(kind, texts, len(readings))]


def _kind_lines(kind: str, texts_of: Mapping[str, list[str]], count: int) -> list[str]:
    """``texts_of`` has the entries of this kind by host, of ``count`` hosts."""
    first = next(iter(texts_of.values()))
    is_named = kind in ON_HOSTS or (len(first) <= MOST_NAMES and all(texts == first for texts in texts_of.values()))
    hosts_of: dict[str, list[str]] = {}
    for host, texts in texts_of.items():
        for text in texts if is_named else [f"{kind}, {len(texts)} in number"]:
            hosts_of.setdefault(text, []).append(host)
    return [f"  {text}: on {_shown(hosts, count)}" for text, hosts in sorted(hosts_of.items())]


def _shown(hosts: list[str], count: int) -> str:
    if len(hosts) == count:
        return f"all {count} hosts" if count > 1 else hosts[0]
    rest = len(hosts) - MOST_HOSTS
    return ", ".join(hosts[:MOST_HOSTS]) + (f" and {rest} more" if rest > 0 else "")


def _login(kind: str, name: str) -> str:
    """Text of an entry that gives access; else empty."""
    return name if kind in ("user", "role", "account") else f"{kind} {name}" if kind in LOGINS else ""


def _accepted(
    result: Recording, place: str, reading: ServerReading, differences: list[ServerDifference], operator: Operator
) -> RecordedServer:
    source = result.baseline.sources[place]
    accepted = [item for item in differences if item.id in operator.ids or ALL in operator.ids]
    result.left += [item for item in differences if item not in accepted]
    notes = [
        AcceptedDifference(item.id, f"{place}: {item.message}", operator.who, operator.at, operator.reason)
        for item in accepted
    ]
    result.baseline = replace(result.baseline, accepted=(*result.baseline.accepted, *notes))
    result.messages += [f"{place}: accepted: {item.message}" for item in accepted]
    return server_baseline.recorded(source, reading, accepted)


def readings_of(
    expected: Mapping[str, Any], answers: Mapping[str, Any], silence: str
) -> tuple[dict[str, ServerReading], list[str]]:
    """Readings by server, and problems of servers without a reading, if an administrator is declared."""
    readings: dict[str, ServerReading] = {}
    problems: list[str] = []
    for place, entry in expected.items():
        answer = answers.get(place) or {"inventory": server_baseline.no_inventory(), "problems": [silence]}
        inventory = answer["inventory"]
        if inventory["kinds"] and not inventory["problems"]:
            readings[place] = server_baseline.reading_of(inventory)
        elif not entry["unjudged"]:
            why = "; ".join(inventory["problems"] or answer["problems"]) or "no login of it may be used from this host"
            problems.append(f"{place}: {why}")
    return readings, problems


def with_accounts(
    readings: Mapping[str, ServerReading], parts: Mapping[str, Any], absent: Mapping[str, str]
) -> tuple[dict[str, ServerReading], list[str], list[str]]:
    """Adds readings of the account and the repository. Returns unrecorded kinds and the account's problems too.

    Without a token, an operator records all but GitHub.
    """
    inventories = [parts[name]["inventory"] for name in (ACCOUNT, GITHUB) if name in parts]
    inventory_readings = {inventory["place"]: server_baseline.reading_of(inventory) for inventory in inventories}
    unread = [
        f"{inventory['place']}: {kind}: not recorded: {reason}"
        for inventory in inventories
        for kind, reason in sorted(inventory["unread"].items())
    ]
    unread += [f"GitHub: not recorded: {absent[GITHUB]}"] if GITHUB in absent else []
    return {**readings, **inventory_readings}, unread, [absent[ACCOUNT]] if ACCOUNT in absent else []
