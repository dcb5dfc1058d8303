# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events for notifiers. An event has names, ids, times and an outcome, never a value. Pure.

``docs/events.schema.json`` is generated from :data:`SCHEMA`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_alerts import (
    DIGEST,
    EVENTS,
    LEAK_CONTAINED,
    LEAK_DRILLED,
    LEAK_OPEN,
    ROTATION_COMPLETED,
    ROTATION_FAILED,
    VERIFICATION_FAILED,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record

SOURCE = "watchparty.secrets"
VERSION = 1
LONGEST = 50_000
"""The most bytes of an event. EventBridge accepts 256 KB, chats accept less."""
OF_OUTCOMES: Mapping[str, str] = {
    "completed": ROTATION_COMPLETED,
    "revoked": ROTATION_COMPLETED,
    "forgotten": ROTATION_COMPLETED,
    "rotated_elsewhere": ROTATION_COMPLETED,
    "rolled_back": ROTATION_FAILED,
    "false_alarm": LEAK_CONTAINED,
    "contained": LEAK_CONTAINED,
    "drill": LEAK_DRILLED,
}
"""The event for each outcome of the audit log. Another word, which an operator recorded, counts as a failure."""
OF_EACH_RUN = ("stopped", "open")
"""Outcomes that one rotation or leak may have several times, each time for another reason."""
KEPT = (
    "application",
    "environment",
    "who",
    "at",
    "started",
    "reason",
    "credentials",
    "skipped",
    "unverified_hosts",
    "run",
)
"""Fields that an event takes from a record."""
_SENTENCES: Mapping[str, str] = {
    ROTATION_FAILED: "rotation {about} of {names} failed ({outcome})",
    LEAK_CONTAINED: "leak {about} is over ({outcome}): {names}",
    LEAK_OPEN: "leak {about} is NOT contained: {names}",
    LEAK_DRILLED: "a leak of {names} was rehearsed",
    VERIFICATION_FAILED: "{used}verification failed: {names}",
    DIGEST: "{reason}",
}
_TEXT = {"type": "string", "minLength": 1, "maxLength": audit_record.LONGEST}
_TEXTS = {"type": "array", "items": _TEXT}
_TIME = {"type": "string", "format": "date-time"}
SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Event of watchparty.secrets",
    "description": "The detail of an event in EventBridge, and what a command of notify gets on its standard input.",
    "type": "object",
    "properties": {
        "version": {"description": "Version of this schema.", "const": VERSION},
        "id": {"description": "Id of the event; the same if a killed run sent the event already.", **_TEXT},
        "event": {"description": "What happened; the detail-type in EventBridge.", "enum": list(EVENTS)},
        "outcome": {"description": "Outcome, such as started, completed or rolled_back.", **_TEXT},
        "summary": {"description": "One sentence for people.", **_TEXT},
        "application": {"description": "The application in the catalog.", **_TEXT},
        "environment": {"description": "The environment in the catalog.", **_TEXT},
        "at": {"description": "Time of the event.", **_TIME},
        "who": {"description": "The person or job that started the run.", **_TEXT},
        "about": {"description": "Id of the rotation, of the leak, or of the verification.", **_TEXT},
        "started": {"description": "Start of the rotation or leak.", **_TIME},
        "run": {"description": "Id of the run.", **_TEXT},
        "reason": {"description": "Reason of the event, if there is one.", **_TEXT},
        "credentials": {"description": "Names of the credentials; of a verification, used honeytokens.", **_TEXTS},
        "checks": {"description": "In an event of a verification: ids of the checks that failed.", **_TEXTS},
        "open": {"description": "In an event of a leak: the open items.", **_TEXTS},
        "unverified_hosts": {"description": "Hosts that were not verified when an old value was revoked.", **_TEXTS},
        "skipped": {
            "description": "Credentials that were refused, each with the reason.",
            "type": "object",
            "additionalProperties": _TEXT,
        },
        "lines": {"description": "In a digest: one line for each credential and each past event.", **_TEXTS},
    },
    "required": ["version", "id", "event", "outcome", "summary", "application", "environment", "at", "who", "about"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Event:
    name: str
    detail: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The event as one line of JSON."""
        return json.dumps(self.detail, sort_keys=True, ensure_ascii=True)


def of_record(record: Mapping[str, Any]) -> Event:
    """The event that announces a record of the audit log."""
    outcome = str(record["outcome"])
    fields = {name: record[name] for name in KEPT if record.get(name)}
    return made(OF_OUTCOMES.get(outcome, ROTATION_FAILED), str(record["rotation"]), outcome, **fields)


def made(name: str, about: str, outcome: str, **fields: Any) -> Event:
    """An event with single printable lines as texts, without parts that look like a digest or a password."""
    plain = {key: _plain(value) for key, value in fields.items() if value not in (None, "", [], (), {})}
    names = ", ".join(plain.get("open") or plain.get("checks") or plain.get("credentials") or ["no credential"])
    reason, honeytoken_names = plain.get("reason", ""), ", ".join(plain.get("credentials") or [])
    used = f"somebody used the honeytoken {honeytoken_names}; " if honeytoken_names else ""
    sentence = _SENTENCES.get(name, "{what} {about}: {names}").format(
        what=name.replace(".", " "), about=about, outcome=outcome, names=names, reason=reason, used=used
    )
    where = f"{fields['application']} {fields['environment']}"
    own = {
        "version": VERSION,
        "id": ":".join([about, outcome, *([str(fields["run"])] if outcome in OF_EACH_RUN else [])]),
        "event": name,
        "outcome": outcome,
        "about": about,
        "summary": _plain(f"{where}: {sentence}, by {fields['who']}"),
    }
    return Event(name, _fitting({**plain, **own}))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return audit_record.plain(value)
    if isinstance(value, Mapping):
        return {audit_record.plain(str(name)): _plain(entry) for name, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def _fitting(detail: dict[str, Any]) -> dict[str, Any]:
    """The detail without its longest lists, if it is too long."""
    while len(json.dumps(detail)) > LONGEST:
        lists = [name for name, value in detail.items() if isinstance(value, (list, dict))]
        del detail[max(lists, key=lambda name: len(str(detail[name])))]
    return detail
