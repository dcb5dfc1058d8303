# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The monthly digest: credentials that are due, and the events of the last month. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_alerts import DIGEST
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import events, history

MONTH = timedelta(days=31)


def digest(
    report: Mapping[str, Any], records: Sequence[Mapping[str, Any]], *, who: str, now: datetime, unread: str = ""
) -> events.Event:
    """``report`` is the result of rotation_info. The id is the month's, so that receivers recognise a repeat."""
    past = history.since(records, now - MONTH)
    rotations, leaks = history.rotations(past), history.leaks(past)
    return events.made(
        DIGEST,
        f"digest-{now:%Y-%m}",
        "sent",
        application=report["application"],
        environment=report["environment"],
        who=who,
        at=timestamps.stamp(now),
        credentials=list(report["due"]),
        reason="; ".join([_due(report), *([unread] if unread else _happened(rotations, leaks))]),
        lines=[*report["table"], *map(_rotation, rotations), *map(_leak, leaks)],
    )


def _due(report: Mapping[str, Any]) -> str:
    credentials, due = report["credentials"], report["due"]
    soon = [
        credential["name"]
        for credential in credentials
        if not credential["due"] and (credential["due_in_days"] or MONTH.days) < MONTH.days
    ]
    pending = len(report["revocations"])
    parts = [f"{len(due)} of {len(credentials)} credentials due" + (f" ({', '.join(due)})" if due else "")]
    parts += [f"due within a month: {', '.join(soon)}"] if soon else []
    return "; ".join([*parts, *([f"{pending} to be confirmed as revoked"] if pending else [])])


def _happened(rotations: Sequence[Mapping[str, Any]], leaks: Sequence[Mapping[str, Any]]) -> list[str]:
    failed = sum(bool(rotation["is_bad"]) for rotation in rotations)
    drills = sum(leak["outcome"] == history.LEAKS["drill"] for leak in leaks)
    counts = f"rotations {len(rotations)}, rolled back {failed}, leaks {len(leaks) - drills}, drills {drills}"
    return [f"last month: {counts}"]


def _rotation(record: Mapping[str, Any]) -> str:
    return f"{record['at'][:10]} rotation of {', '.join(record['credentials'])}: {record['outcome']}"


def _leak(record: Mapping[str, Any]) -> str:
    result = ", ".join(part for part in (record["outcome"], record["took"]) if part)
    return f"{record['at'][:10]} leak of {', '.join(record['credentials']) or 'no credential'}: {result}"
