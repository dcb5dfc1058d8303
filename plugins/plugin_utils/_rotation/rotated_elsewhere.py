# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records that an operator rotated credentials elsewhere, and when: their ages count from then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    MISSING,
    PREVIOUS,
    Contents,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import of_name
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import version_id
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

OUTCOME, ELSEWHERE = "rotated_elsewhere", "elsewhere"


def record_statement(setting: RotationSetup, args: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Records the statement. Raises RotationError with all its problems."""
    journal, now = setting.rotator.look(), context.now()
    _require_closed(journal)
    if not args["credentials"]:
        raise RotationError(
            "No credential was named. Give -e rotation_elsewhere=NAME -e rotation_elsewhere_at=DATE -e "
            "rotation_elsewhere_reason=TEXT"
        )
    credentials = setting.chosen(args["credentials"])
    at = _moment(args["at"])
    problems = [problem for item in credentials for problem in _problems(setting, journal, item, at, now)]
    problems += (
        []
        if args["reason"].strip()
        else ["the reason is missing; say where and why by -e rotation_elsewhere_reason=TEXT"]
    )
    if problems:
        raise RotationError("; ".join(problems))
    who, stamp = setting.rotator.me.who, timestamps.stamp(at)
    record = _record(credentials, who, stamp, args["reason"], now)
    if not check:
        rotated = {item.name: {"at": stamp, "who": who, "rotation": ELSEWHERE} for item in credentials}
        setting.rotator.append(journal, record["rotation"], "closed", rotated=rotated, audit=args["audit"])
    return {
        "changed": True,
        "messages": [f"{item.name}: rotated elsewhere at {stamp}" for item in credentials],
        "record": record,
        "audit": context.audit_of(setting, journal),
    }


def _require_closed(journal: Journal) -> None:
    """Raises JournalError if a rotation or leak is open: in a leak, this statement contains nothing."""
    open_one = journal.rotation or (f"leak {journal.incident.id}" if journal.incident else None)
    if open_one:
        raise JournalError(
            f"{open_one} is open; finish it, then run the same command again. To see it: ansible-playbook "
            "watchparty.secrets.rotation_report"
        )


def _moment(text: str) -> datetime:
    try:
        return timestamps.moment(f"{text}T00:00:00Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else text)
    except ValueError:
        raise RotationError(
            f"{audit_record.plain(text)}: is not a date or a time (UTC); give for example "
            "-e rotation_elsewhere_at=2026-11-01T10:00:00Z"
        ) from None


def _problems(
    setting: RotationSetup, journal: Journal, credential: Credential, at: datetime, now: datetime
) -> Iterator[str]:
    name, stamp, last = credential.name, timestamps.stamp(at), journal.rotated.get(credential.name)
    if at > now:
        yield f"{name}: {stamp} is in the future"
    if last and last.lease:
        yield (
            f"{name}: its value has a lease, which only a rotation renews: run "
            "ansible-playbook watchparty.secrets.rotate"
        )
    elif last and last.used:
        yield f"{name}: only a rotation records its earlier uses: run ansible-playbook watchparty.secrets.rotate"
    elif last and stamp < last.at:
        yield f"{name}: the journal has a later rotation, of {last.at} by {last.who}"
    yield from _of_stores(setting, credential, stamp)


def _of_stores(setting: RotationSetup, credential: Credential, stamp: str) -> Iterator[str]:
    """Reasons why the stores may not hold a value from then."""
    places = [spot.place for spot in credential_graph.spots(setting.catalog, credential) if not spot.is_user]
    contents = setting.rotator.current(places)
    names = {place.name for place in places}
    readings = {name: contents.readings[name] for name in sorted(names & contents.readings.keys())}
    unread = [str(failure) for failure in contents.failures.values() if failure.reason != MISSING]
    if unread or (names and not readings):
        yield f"{credential.name}: {'; '.join(unread) or 'no store holds its value'}"
    set_first = "write the new value by ansible-playbook watchparty.secrets.set, then run the same command again"
    for name, reading in readings.items():
        if reading.written < stamp:
            written = reading.written or "an unknown time"
            yield (
                f"{credential.name}: {name} was last written at {written}, before {stamp}. If it holds the new "
                f"value, give an earlier time; otherwise {set_first}"
            )
    earlier = _earlier(setting, readings, stamp)
    old, new = (
        credential_graph.find(setting.catalog, credential, earlier_names).login for earlier_names in (earlier, contents)
    )
    if old.password is not None and old.password == new.password:
        holders = ", ".join(sorted(earlier.readings))
        yield f"{credential.name}: {holders} held the same value before {stamp}, so it is the old value; {set_first}"


def _earlier(setting: RotationSetup, readings: Mapping[str, Reading], stamp: str) -> Contents:
    """Previous versions that are older than ``stamp`` and can be read."""
    rotator = setting.rotator
    labelled = [name for name in readings if of_name(name).has_labels]
    numbers = {
        name: str(int(reading.version) - 1)
        for name, reading in readings.items()
        if name not in labelled and reading.version != "1"
    }
    contents = rotator.secrets.read(labelled, stages=dict.fromkeys(labelled, PREVIOUS))
    contents |= rotator.parameters.read([], pins=numbers)
    return Contents({name: earlier for name, earlier in contents.readings.items() if earlier.written < stamp})


def _record(credentials: list[Credential], who: str, stamp: str, reason: str, now: datetime) -> dict[str, Any]:
    """The audit record. The same statement always gives the same id."""
    names = [item.name for item in credentials]
    return {
        "rotation": f"{ELSEWHERE}-{version_id(ELSEWHERE, stamp, *names)}",
        "outcome": OUTCOME,
        "who": who,
        "at": timestamps.stamp(now),
        "credentials": names,
        "kinds": {item.name: audit_record.word(item.kind) for item in credentials},
        "reason": audit_record.plain(reason),
        "notes": [f"rotated elsewhere at {stamp}"],
    }
