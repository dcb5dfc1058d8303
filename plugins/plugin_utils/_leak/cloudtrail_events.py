# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readers of secrets and uses of keys in CloudTrail's events: names, times and addresses. Pure.

Only named fields of an event are read, because other fields may hold the caller's text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import acts_in_aws
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.acts_in_aws import plain

SECRET_READS = ("GetSecretValue", "BatchGetSecretValue")
PARAMETER_READS = ("GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory")
READS = frozenset(SECRET_READS + PARAMETER_READS)
MOST = 60
"""Lines. A secret that every host reads once a minute must not hide other readers."""
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")


@dataclass(frozen=True)
class LookupQuery:
    """The filter of one LookupEvents call: CloudTrail accepts a single attribute."""

    attribute: str
    value: str

    def __str__(self) -> str:
        return f"{self.attribute} {self.value}"


@dataclass(frozen=True)
class Use:
    """One call."""

    id: str
    at: datetime
    who: str
    address: str
    act: str
    what: tuple[str, ...] = ()
    """Secrets, parameters or paths in the request."""
    key: str = ""
    """The id of the access key, which is not a secret."""
    refused: str = ""
    """The code of AWS's error."""
    made: acts_in_aws.Made | None = None
    """The item that the call made, if the call gives another way in."""
    version: str = ""
    """The id of the written version."""


@dataclass(frozen=True)
class WatchedItems:
    """Secrets, parameters and keys to look for."""

    secrets: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()

    def questions(self) -> tuple[LookupQuery, ...]:
        """The filters, cheap ones first: by key, by secret, then by the called operation if its request contains the
        name."""
        acts = (SECRET_READS if self.secrets else ()) + (PARAMETER_READS if self.parameters else ())
        return (
            *(LookupQuery("AccessKeyId", key) for key in sorted(self.keys)),
            *(LookupQuery("ResourceName", secret) for secret in sorted(self.secrets | self.parameters)),
            *(LookupQuery("EventName", act) for act in acts),
        )

    def named(self, use: Use) -> tuple[str, ...]:
        """Watched items in this call's request."""
        if use.act not in READS:
            return ()
        names = [name for name in use.what if name in self.secrets or name in self.parameters]
        if use.act == "GetParametersByPath":
            paths = [path.rstrip("/") + "/" for path in use.what]
            names += [
                parameter for parameter in sorted(self.parameters) if any(parameter.startswith(path) for path in paths)
            ]
        return tuple(dict.fromkeys(names))


@dataclass
class _Row:
    count: int = 0
    first: str = ""
    last: str = ""
    keys: list[str] = field(default_factory=list)


def parsed(event: Mapping[str, Any]) -> Use | None:
    """A parsed event of LookupEvents; None if it cannot be parsed."""
    try:
        detail = json.loads(event.get("CloudTrailEvent") or "{}")
    except (ValueError, RecursionError):
        detail = None
    at = event.get("EventTime")
    if not isinstance(detail, dict) or not isinstance(at, datetime):
        return None
    identity = _mapping(detail.get("userIdentity"))
    parameters = _mapping(detail.get("requestParameters"))
    act, refused = plain(event.get("EventName") or detail.get("eventName")), plain(detail.get("errorCode"))
    answer, service = detail.get("responseElements"), plain(detail.get("eventSource"))
    return Use(
        id=str(event.get("EventId") or detail.get("eventID") or ""),
        at=at,
        who=plain(identity.get("arn") or identity.get("invokedBy") or event.get("Username")) or "an unnamed principal",
        address=plain(detail.get("sourceIPAddress")) or "an unknown address",
        act=act,
        what=tuple(dict.fromkeys(_names(parameters))),
        key=plain(event.get("AccessKeyId") or identity.get("accessKeyId")),
        refused=refused,
        made=None if refused else acts_in_aws.made(act, parameters, answer, service),
        version=plain(parameters.get("clientRequestToken")),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Names in a request. A caller may name a secret by its ARN, whole or without its end, and a parameter with a
    version."""
    for key in ("secretId", "secretIdList", "name", "names", "path"):
        names = parameters.get(key)
        for name in names if isinstance(names, list) else [names]:
            if isinstance(name, str) and name:
                yield from _called(plain(name))


def _called(name: str) -> Iterator[str]:
    if name.startswith("arn:"):
        _start, secret, rest = name.partition(":secret:")
        if secret:
            yield from (_SUFFIX.sub("", rest), rest)
            return
        _start, parameter, rest = name.partition(":parameter")
        name = rest if parameter else name
    yield name.partition(":")[0] if name.startswith("/") else name


def lines(uses: Iterable[Use], wanted: WatchedItems) -> list[str]:
    """Readers with address and time, the latest first. Calls that differ only in time share a line."""
    rows: dict[tuple[str, ...], _Row] = {}
    for use in {use.id or str(use): use for use in uses}.values():
        for about in _about(use, wanted):
            row = rows.setdefault((about, use.act, use.who, use.address, use.refused), _Row())
            at = timestamps.stamp(use.at)
            row.count += 1
            row.first, row.last = min(row.first or at, at), max(row.last, at)
            if use.key and use.key not in row.keys:
                row.keys.append(use.key)
    ordered = sorted(rows.items(), key=lambda item: (item[1].last, item[0]), reverse=True)
    messages = [_line(about, row) for about, row in ordered[:MOST]]
    return messages + ([f"and {len(ordered) - MOST} more; CloudTrail shows all of them"] if len(ordered) > MOST else [])


def _about(use: Use, wanted: WatchedItems) -> Sequence[str]:
    names = wanted.named(use)
    if names:
        return names
    return [f"key {use.key}"] if use.key in wanted.keys else []


def _line(about: tuple[str, ...], row: _Row) -> str:
    name, act, who, address, refused = about
    when = row.first if row.first == row.last else f"{row.first} to {row.last}"
    times = "" if row.count == 1 else f" {row.count} times"
    line = f"; refused: {refused}" if refused else ""
    keys = f", key {' and '.join(row.keys[:3])}" if row.keys and not name.startswith("key ") else ""
    return f"{name}: {act}{times} by {who} from {address}{keys}, {when}{line}"
