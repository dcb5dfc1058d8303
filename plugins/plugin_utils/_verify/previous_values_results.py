# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts' reports on previous values, merged to one state and message for each credential. Pure.

A value that could have been tried, but was not, never counts as refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._host.revoked_logins import (
    ACCEPTED,
    NEITHER,
    REFUSED,
    UNTRIED,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import (
    BY_HOSTS,
    BY_SERVERS,
    BY_SESSIONS,
    EXEMPT,
    verdict,
)

Verdict = dict[str, Any]
Results = Mapping[str, Mapping[str, Any]]


def merged(
    former: Mapping[str, Verdict], by_host: Results, servers: Mapping[str, Any], sessions: Results
) -> dict[str, Verdict]:
    """Results of revoked_logins by host and on the ``servers``' host, and of django_sessions by credential."""
    result = {}
    for name, entry in former.items():
        if entry.get("by") == BY_SERVERS:
            result[name] = _of_servers(name, entry, servers)
        elif entry.get("by") == BY_HOSTS:
            result[name] = _of_hosts(name, entry, by_host)
        elif entry.get("by") == BY_SESSIONS:
            result[name] = _of_sessions(entry, sessions.get(name) or {})
        else:
            result[name] = entry
        if entry.get("unread") and result[name]["state"] in (REFUSED, EXEMPT):
            unread = f"{result[name]['message']}; older values could not be read: {entry['unread']}"
            result[name] = verdict(UNTRIED, unread)
    return result


def _of_servers(name: str, entry: Verdict, result: Mapping[str, Any]) -> Verdict:
    """A single host tries it."""
    if name in (result.get("tried") or {}):
        return dict(result["tried"][name])
    return {**entry, "message": f"{entry['message']}: {why_silent(result) or 'no host could be queried'}"}


def _of_hosts(name: str, entry: Verdict, by_host: Results) -> Verdict:
    """Every host tries it."""
    by_state: dict[str, list[str]] = {}
    reasons = []
    for host, result in by_host.items():
        answer = (result.get("tried") or {}).get(name)
        state = answer["state"] if answer else UNTRIED
        by_state.setdefault(state, []).append(host)
        if state == UNTRIED:
            reasons.append(f"{host}: {answer['message'] if answer else why_silent(result) or 'was not asked'}")
    hosts = {state: ", ".join(sorted(names)) for state, names in by_state.items()}
    if ACCEPTED in hosts:
        return verdict(ACCEPTED, f"a previous value still logs in at {hosts[ACCEPTED]}")
    if reasons or REFUSED not in hosts:
        nowhere = hosts.get(NEITHER)
        reason = f"no host accepts the current value either ({nowhere})" if nowhere else "no host was asked"
        return verdict(UNTRIED, f"{entry['message']}: {'; '.join(reasons) or reason}")
    text = f"; {hosts[NEITHER]} accepts neither" if NEITHER in hosts else ""
    return verdict(REFUSED, f"rejected now at {hosts[REFUSED]}, where the current value logs in{text}")


def _of_sessions(entry: Verdict, result: Mapping[str, Any]) -> Verdict:
    """The stores' verdict, unless a session was tried or should have been."""
    if not result or result.get("skipped"):
        return verdict(
            entry["state"],
            f"{entry['message']}; no session was tried: {why_silent(result) or 'no django_probe_url is set'}",
        )
    if result.get("accepted"):
        return verdict(ACCEPTED, "; ".join(result["accepted"]))
    problem = why_silent(result) if "tried" not in result else "; ".join(result.get("not_tried") or ())
    if problem or not result.get("tried"):
        return verdict(UNTRIED, f"{entry['message']}, and no session could be tried: {problem or 'no answer'}")
    return verdict(REFUSED, "; ".join(result["tried"]))


def why_silent(result: Mapping[str, Any]) -> str | None:
    """Reason why a host did not answer. None if its result has none."""
    message = one_line(result.get("msg") or "") or None
    return f"the host cannot be reached: {message}" if result.get("unreachable") else message
