# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Messages: how long old values stayed valid after a promotion. Pure.

Times come from the journal's entries, whichever run wrote them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import REVOKE, Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import Item, items_of


def lines(journal: Journal, rotation: OpenRotation, refused: Sequence[str]) -> list[str]:
    """Lines about ``refused`` credentials; equal texts share a line. Empty if old values were revoked before the
    deploy."""
    if not rotation.refused_at or rotation.plan.get("immediate"):
        return []
    result: dict[tuple[str, str], list[str]] = {}
    for item in items_of(rotation.plan):
        if item.credential in refused:
            key = _later(journal, rotation, item) if item.act == REVOKE else (_took(rotation.promoted_at, rotation), "")
            result.setdefault(key, []).append(item.credential)
    return [f"{took} ({', '.join(names)}{remark})" for (took, remark), names in result.items()]


def _later(journal: Journal, rotation: OpenRotation, item: Item) -> tuple[str, str]:
    """Texts about a pending revocation, whose value an earlier rotation replaced."""
    pending_task = journal.pending_tasks.get(item.pending_task or "")
    if pending_task is None:
        return _took("", rotation), ""
    if pending_task.promoted:
        return _took(
            pending_task.promoted, rotation
        ), f"; promoted at {pending_task.promoted} by rotation {pending_task.rotation}"
    last = journal.rotated.get(pending_task.credential)
    ended = f", which ended at {last.at}" if last is not None and last.rotation == pending_task.rotation else ""
    return _took("", rotation), f"; promoted by rotation {pending_task.rotation}{ended}"


def _took(since: str, rotation: OpenRotation) -> str:
    try:
        seconds = (credential_ages.moment(rotation.refused_at) - credential_ages.moment(since)).total_seconds()
    except JournalError:
        seconds = -1
    if seconds < 0:  # two controllers' clocks may differ
        return f"rejected at {rotation.refused_at}; the journal does not say how long after the promotion"
    return f"from promotion to revocation: {seconds:.0f} s"
