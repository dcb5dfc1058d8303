# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Duration of each credential's last rotation, from the promotion to the verified rejection. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError

PROMOTES, REMOVES = "promote", "revoke"


def measured(entries: Iterable[Mapping[str, Any]], records: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Seconds of each credential's newest rotation: exact by the journal, else at most the whole, by the audit log."""
    result: dict[str, dict[str, Any]] = {}
    for record in records:
        if record.get("outcome") == "completed":
            seconds = _between(record.get("started"), record.get("at"))
            for name in record.get("credentials", ()) if seconds is not None else ():
                result[name] = {"seconds": seconds, "rotation": record.get("rotation", ""), "exact": False}
    for rotation, own in _by_rotation(entries).items():
        # A takeover repeats the entry. A promotion that other writes made necessary again counts anew.
        steps = [
            (before.get("step") if before else "", entry) for before, entry in zip([None, *own], own, strict=False)
        ]
        promoted = [entry for was, entry in steps if entry.get("step") == PROMOTES != was]
        # The next entry follows only after the rejection was verified.
        removed = [entry for was, entry in steps if was == REMOVES != entry.get("step")]
        if not promoted or not removed:
            continue
        seconds = _between(promoted[-1].get("at"), removed[-1].get("at"))
        plan: Mapping[str, Any] = next((entry["plan"] for entry in own if entry.get("plan")), {})
        for name in plan.get("credentials", {}) if seconds is not None else ():
            result[name] = {"seconds": seconds, "rotation": rotation, "exact": True}
    return result


def _by_rotation(entries: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        grouped.setdefault(str(entry.get("rotation", "")), []).append(entry)
    return grouped


def _between(start: Any, end: Any) -> int | None:
    try:
        return int((credential_ages.moment(str(end)) - credential_ages.moment(str(start))).total_seconds())
    except JournalError:
        return None
