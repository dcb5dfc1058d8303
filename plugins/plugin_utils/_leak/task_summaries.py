# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Describes tasks' results for the post-mortem, above all what they could not get."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import one_line

LEFT_OUT = "was not searched, because it is compromised; keep an image of its disks before you rebuild it"
HEALTHY = 200
STILL_OLD = "the encrypted .env still holds old values"
ENCRYPT_ANEW = "ansible-playbook watchparty.secrets.env_encrypt -e encrypt_new_key=true"
OVER = "was not searched: the time limit for evidence was over"


def messages(gathered: Mapping[str, Any]) -> dict[str, list[str]]:
    """Lines by heading of the post-mortem.

    ``seen`` and ``copies`` are results by host, ``left_out`` hosts that were not asked, ``sessions`` and ``compared``
    servers' results, one for each credential, ``readers`` CloudTrail's results, oldest first, and ``scrubbed`` the
    stores' result.
    """
    seen, copies = _mapping(gathered.get("seen")), _mapping(gathered.get("copies"))
    left_out = list(gathered.get("left_out") or ())
    evidence = [line for session in gathered.get("sessions") or () for line in _sessions(session)]
    evidence += [line for result in gathered.get("compared") or () for line in _comparison_lines(result)]
    evidence += [f"{host}: {line}" for host, result in seen.items() for line in _seen(result)]
    evidence += [f"{host}: {LEFT_OUT}" for host in left_out]
    scrubbed = _mapping(gathered.get("scrubbed"))
    removed = [f"{host}: removed {line}" for host, result in copies.items() for line in result.get("removed", ())]
    missing_lines = [f"{host}: {line}" for host, result in copies.items() for line in _left(result)]
    missing_lines += [
        f"{host}: copies of revoked values: not checked, since the host is compromised" for host in left_out
    ]
    unread = gathered.get("unread") or ()
    missing_lines += [f"{name}: copies were not searched for; no previous value of it is known" for name in unread]
    return {
        "evidence": evidence,
        "readers": _readers(gathered.get("readers") or ()),
        "scrubbed": [*removed, *scrubbed.get("scrubbed", ())],
        "not_scrubbed": [*missing_lines, *scrubbed.get("not_scrubbed", ())],
    }


def encrypted_env(result: Mapping[str, Any]) -> dict[str, list[str]]:
    """Lines on the encrypted ``.env``. ``result`` is empty if the catalog has none."""
    if not result:
        return {"scrubbed": [], "not_scrubbed": [], "open": []}
    if "path" not in result:
        problem = result.get("summary") or f"{STILL_OLD}: {_problem(result)}; run {ENCRYPT_ANEW}"
        return {"scrubbed": [], "not_scrubbed": [], "open": [problem]}
    commits = [commit["text"] for commit in result["commits"]]
    return {"scrubbed": [result["summary"]], "not_scrubbed": [*commits, *result["notes"]], "open": []}


def health(results: Any, skipped: Collection[str] = ()) -> tuple[dict[str, str], list[str]]:
    """Answers of healthy hosts, and problems of the others. ``skipped`` hosts need not answer."""
    healthy, problems = {}, []
    for host, result in _mapping(results).items():
        problem = _problem(result)
        answers = result.get("health") or []
        bad = [_answer(answer) for answer in answers if answer["status"] != HEALTHY]
        if bad:
            problems.append(f"{host}: {', '.join(bad)}")
        elif not problem:
            healthy[host] = ", ".join(map(_answer, answers)) or "no health address"
        elif host not in skipped:
            problems.append(f"{host}: {problem}")
    return healthy, problems


def _answer(entry: Mapping[str, Any]) -> str:
    return f"{entry['url']} {entry.get('problem') or 'answers ' + str(entry['status'])}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _problem(result: Mapping[str, Any]) -> str | None:
    """The reason for a task's missing result. None if it has one."""
    message = one_line(result.get("msg") or "no answer")
    if result.get("unreachable"):
        return f"cannot be reached: {message}"
    if not result or result.get("skipped"):
        return OVER
    return message if result.get("failed") else None


def _sessions(result: Mapping[str, Any]) -> Iterator[str]:
    name = result.get("name", "a server")
    problem = _problem(result)
    sessions = result.get("sessions")
    if problem or not sessions:
        yield f"{name}: {problem or 'no sessions'}"
    else:
        for session in sessions if isinstance(sessions, Sequence) else [sessions]:
            yield f"{name}: {json.dumps(session, sort_keys=True)}"
    for line in result.get("short") or ():
        yield f"{name}: NOT gathered: {line}"


def _comparison_lines(result: Mapping[str, Any]) -> Iterator[str]:
    problem, before = _problem(result), f"{result['name']}: before the containment"
    if problem:
        yield f"{before}: not compared with the baseline: {problem}"
    elif not result["footholds"]:
        yield f"{before}: as in the {result['baseline']}"
    for line in result.get("footholds", ()):
        yield f"{before}: possible foothold: {line}"


def _seen(result: Mapping[str, Any]) -> list[str]:
    problem = _problem(result)
    if problem:
        return [problem]
    footholds = [f"possible foothold: {entry['text']}" for entry in result.get("footholds", ())]
    return [*footholds, *result.get("lines", ()), *(f"NOT gathered: {line}" for line in result.get("short", ()))]


def _left(result: Mapping[str, Any]) -> list[str]:
    problem = _problem(result)
    if problem:
        return [f"not checked: copies of revoked values: {'nothing was read' if problem == OVER else problem}"]
    return list(result.get("remaining", ()))


def _readers(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Messages of the later answer, which includes the earlier one's events, unless it has none."""
    answers = [entry for entry in results if entry.get("messages")]
    if not answers:
        problem = next((name for name in map(_problem, reversed(results)) if name), "no time was left")
        return [f"CloudTrail was not searched: {'no time was left' if problem == OVER else problem}"]
    answered_hosts = [answer for answer in answers if answer.get("asked")]
    chosen = (answered_hosts or answers)[-1]
    if chosen is not results[-1]:
        return [*chosen["messages"], "after the containment, CloudTrail gave no answer; this answer is from before"]
    return list(chosen["messages"])
