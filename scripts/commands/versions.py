# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands history and who: the versions of a setting, who wrote them, and who read it."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Place,
    Setting,
    names_in,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import registry
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import history as audit_history
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import body_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import cloudtrail_readers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail import CloudTrail
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail_events import (
    LookupQuery,
    Use,
    WatchedItems,
)
from ansible_collections.watchparty.secrets.scripts.commands import environments, output

T = TypeVar("T")
SECONDS = 15
"""Seconds for CloudTrail."""
PAGES = 10
NEAR = 2
"""Seconds between a parameter's version and the call that wrote it."""
WRITES = ("CreateSecret", "PutSecretValue", "UpdateSecret", "PutParameter")


@dataclass(frozen=True)
class Row:
    place: str
    name: str
    """Name of the secret or parameter."""
    version: str
    created: str
    labels: Sequence[str] = ()
    value: str = ""
    """first, changed, same or unreadable, compared with the previous version."""
    who: str = ""
    address: str = ""
    rotation: str = ""


def setting_of(catalog: Catalog, name: str) -> Setting:
    patterns = (item for item in catalog.settings.values() if item.matches(name))
    setting = catalog.settings.get(name) or next(patterns, None)
    if setting is None:
        raise SecretsError(
            f"{name}: is not a setting of the catalog; see its names by: secrets list {catalog.environment}"
        )
    return setting


def places_of(setting: Setting, name: str) -> list[Place]:
    if not setting.places:
        raise SecretsError(f"{name}: is in no store; see its value in the catalog at settings.{name}.value")
    # A pattern's place ends in the pattern.
    return [replace(place, name=place.name.replace(setting.name, name)) for place in setting.places]


def history(args: argparse.Namespace) -> int:
    catalog, connection = environments.Reader(args).catalog()
    setting, key = setting_of(catalog, args.name), secrets.token_bytes(32)
    places, notes = places_of(setting, args.name), list[str]()
    listings = [_attempted(notes, str(place), partial(_rows, place, setting, connection, key)) for place in places]
    records = _attempted(notes, "the audit log", partial(_records, catalog, connection))
    uses = _attempted(notes, "CloudTrail", partial(_writes, connection, places, notes))
    rows = _with_records([row for some in listings for row in some], records)
    rows = [_with_use(row, uses) for row in rows]
    output.show(
        args,
        answer={"setting": args.name, "versions": [asdict(row) for row in rows], "notes": notes},
        lines=[*_table(rows), *notes],
    )
    return 0 if rows else 1


def _attempted(notes: list[str], subject: str, act: Callable[[], list[T]]) -> list[T]:
    """The result of ``act``. An unreadable place, log or trail does not stop the rest."""
    try:
        return act()
    except SecretsError as error:
        notes.append(f"{subject} was not read: {error}")
        return []


def _rows(place: Place, setting: Setting, connection: AwsConnection, key: bytes) -> list[Row]:
    """Versions at a place, the newest first."""
    store: Any = registry.OPEN[place.store](connection.store_client)
    if not place.traits.has_labels:
        readings = store.history(place.name)
        rows = [Row(str(place), place.name, item.version, item.written, who=item.writer) for item in readings]
        contents = [Contents({item.name: item}) for item in readings]
    else:
        versions = store.list_versions(place.name)
        rows = [Row(str(place), place.name, item.id, item.created, list(item.labels)) for item in versions]
        reads = [partial(store.read, [place.name], pins={place.name: item.id}) for item in versions]
        contents = store.side_by_side(reads)
    digests = [_digest(place_contents, place, setting, key) for place_contents in contents]
    compared = [_compared(digests, at) for at in range(len(digests))]
    return [replace(row, value=value) for row, value in zip(rows, compared, strict=True)][::-1]


def _digest(contents: Contents, place: Place, setting: Setting, key: bytes) -> str:
    value = Holdings(contents).value(place, setting)
    return fingerprints.of_value(key, value) if value is not None else ""


def _compared(digests: Sequence[str], at: int) -> str:
    if not digests[at]:
        return "unreadable"
    before = next((digest for digest in reversed(digests[:at]) if digest), "")
    if not before:
        return "first"
    return "same" if digests[at] == before else "changed"


def _records(catalog: Catalog, connection: AwsConnection) -> list[Mapping[str, Any]]:
    body = body_of(catalog, connection.store_client)
    return audit_history.records(body.chain()) if body else []


def _with_records(rows: list[Row], records: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Adds a rotation's record to the versions that it wrote."""
    written = {
        (name, str(change.get("to"))): record
        for record in records
        for name, change in {**(record.get("secrets") or {}), **(record.get("parameters") or {})}.items()
        if isinstance(change, Mapping)
    }
    known = [(row, written.get((row.name, row.version))) for row in rows]
    return [replace(row, who=item["who"], rotation=item["rotation"]) if item else row for row, item in known]


def _writes(connection: AwsConnection, places: Sequence[Place], notes: list[str]) -> list[Use]:
    names = sorted({place.name for place in places if place.traits.is_aws})
    if not names:
        return []
    trail = CloudTrail(connection.bounded_client("cloudtrail", SECONDS))
    answer = trail.ask([LookupQuery("ResourceName", name) for name in names], since=None, seconds=SECONDS, pages=PAGES)
    if answer.problem:
        notes.append(f"CloudTrail was not searched: {answer.problem}")
    else:
        notes += [f"CloudTrail's answer is incomplete: {line}" for line in answer.short]
    return [use for use in answer.uses if use.act in WRITES and not use.refused]


def _with_use(row: Row, uses: Sequence[Use]) -> Row:
    use = next((item for item in uses if item.version == row.version or _is_near(row, item)), None)
    return replace(row, who=row.who or use.who, address=use.address) if use else row


def _is_near(row: Row, use: Use) -> bool:
    if use.act != "PutParameter" or row.name not in use.what:
        return False
    return abs((use.at - timestamps.moment(row.created)).total_seconds()) <= NEAR


def _table(rows: Sequence[Row]) -> list[str]:
    lines: list[str] = []
    for place in dict.fromkeys(row.place for row in rows):
        cells = [
            (
                row.created,
                output.short(row.version),
                " ".join(row.labels),
                row.value,
                row.who,
                row.address,
                row.rotation,
            )
            for row in rows
            if row.place == place
        ]
        heads = ("date", "version", "labels", "value", "who", "from", "rotation")
        lines += [f"{place}:", *(f"  {line}" for line in output.table(heads, cells))]
    return lines


def who(args: argparse.Namespace) -> int:
    catalog, connection = environments.Reader(args).catalog()
    places = places_of(setting_of(catalog, args.name), args.name)
    wanted = WatchedItems(frozenset(names_in(SECRETS_MANAGER, places)), frozenset(names_in(SSM, places)))
    asking = cloudtrail_readers.asking(connection, wanted, seconds=args.seconds, since=args.since or "")
    reads = asking()
    answer = {"setting": args.name, "asked": reads["asked"], "messages": reads["messages"]}
    output.show(args, answer=answer, lines=answer["messages"])
    return 0 if answer["asked"] else 3
