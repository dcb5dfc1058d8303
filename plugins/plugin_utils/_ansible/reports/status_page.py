# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status page: credentials' ages and due dates, rotations and leaks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import CONFIRM
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import pages

SHOWN = 20
"""Number of rotations, newest first."""


def status(
    report: Mapping[str, Any],
    *,
    leaks: Sequence[Mapping[str, Any]],
    rotations: Sequence[Mapping[str, Any]],
    unread: str,
    now: datetime,
) -> str:
    """``report`` is the result of rotation_info. ``unread`` is the reason for a missing history."""
    return pages.render(
        "status.html.j2",
        title=f"Credentials of {report['application']}, {report['environment']}",
        policy=pages.policy(),
        at=f"{now:%Y-%m-%d %H:%M} UTC",
        report=report,
        verdict=verdict(report),
        ages=[_row(age) for age in pages.with_bars([_age(credential) for credential in report["credentials"]])],
        pending=_pending(report),
        leaks=leaks,
        rotations=rotations[:SHOWN],
        unread=unread,
    )


def undated(page: str) -> str:
    """The page without its time, for comparing it with another page."""
    return re.sub(r'<p class="soft">As of [^<]*</p>', "", page, count=1)


def verdict(report: Mapping[str, Any]) -> dict[str, str]:
    due, credentials = report["due"], report["credentials"]
    if due:
        verb = "is" if len(due) == 1 else "are"
        return {"style": "fail", "text": f"{len(due)} of {_number(credentials)} {verb} due", "more": ", ".join(due)}
    dated = [credential for credential in credentials if credential["due_in_days"] is not None]
    following = f"the next is {dated[0]['name']}, in {dated[0]['due_in_days']} days" if dated else "none has a limit"
    if report["act_now"]:
        return {"style": "open", "text": "No credential is due, and work is pending", "more": following}
    return {"style": "", "text": f"None of {_number(credentials)} is due", "more": following}


def _number(credentials: Sequence[Any]) -> str:
    return f"{len(credentials)} credential{'' if len(credentials) == 1 else 's'}"


def _age(credential: Mapping[str, Any]) -> dict[str, Any]:
    days, limit = credential["age_days"], credential["max_age_days"]
    bound = "at most " if credential["stored_since"] else ""
    message = "age unknown" if days is None else f"{bound}{days} days old"
    message += f", limit {limit} days" if limit else ", no limit"
    return {**credential, "days": days, "limit": limit, "message": message, "left": credential["due_in_days"]}


def _row(age: Mapping[str, Any]) -> dict[str, Any]:
    days, rotated = age["left"], str(age["rotated_at"] or "")
    since = timestamps.moment(rotated or age["stored_since"]) if days is not None else None
    date = f"{since + timedelta(days=age['max_age_days']):%Y-%m-%d}" if since else ""
    when = "now" if age["due"] else "never" if days is None else f"in {days} d"
    return {**age, "due_on": date, "when": when, "rotated_on": rotated[:10] or "not recorded"}


def _pending(report: Mapping[str, Any]) -> list[str]:
    rotation = report["rotation"]
    lines = []
    if rotation:
        names = ", ".join(rotation["credentials"])
        lines.append(f"rotation {rotation['id']} of {names} is open since {rotation['since']}, at {rotation['step']}")
    if report["leak"]:
        lines.append(f"leak {report['leak']['id']} is not contained since {report['leak']['since']}")
    for task in (task for task in report["pending_tasks"] if task["act"] != CONFIRM):
        when = "now" if task["due"] else f"from {task['due_at']}"
        against = f": {task['against']}" if task["against"] else ""
        lines.append(f"{task['credential']}: its previous value is revoked {when}{against}")
    return [*lines, *(revocation["message"] for revocation in report["revocations"])]
