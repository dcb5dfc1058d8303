# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verification's results as plain data and as a table for the terminal. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED, PASS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import CheckResult, Facts, Outcome

HOSTS = "hosts' .env"
"""The node of the graph that stands for every host's file."""
NARROWEST, WIDEST = 60, 120
SHOWN = 12
"""Lines of evidence that the table has of one check; the files have all."""
LONG = 60
"""Characters of what is not said twice."""
COLOURS = {PASS: "green", FAIL: "red", NOT_CHECKED: "yellow"}


def data(facts: Facts, results: Sequence[CheckResult], hosts: Sequence[str]) -> dict[str, Any]:
    """Everything that the files hold."""
    counts = Counter(check_result.status for check_result in results)
    return {
        "application": facts.catalog.application,
        "environment": facts.catalog.environment,
        "at": timestamps.stamp(facts.now),
        "counts": {"pass": counts[PASS], "fail": counts[FAIL], "not_checked": counts[NOT_CHECKED]},
        "checks": [_row(check_result) for check_result in results],
        "ages": list(facts.parts.get("journal", {}).get("ages", ())),
        "hosts": {host: _host(facts, host, results) for host in sorted(hosts)},
        "graph": graph(facts.catalog, _states(facts)),
    }


def _row(result: CheckResult) -> dict[str, Any]:
    check = result.check
    return {
        "id": check.id,
        "name": check.name,
        "area": check.area,
        "severity": check.severity,
        "title": check.title,
        "reason": check.reason,
        "fix": check.fix,
        "link": check.link,
        "status": result.status,
        "outcomes": [_outcome(outcome) for outcome in result.results],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    where = {"file": outcome.file, "line": outcome.line} if outcome.file else {}
    return {"status": outcome.status, "place": outcome.place, "message": outcome.message, **where}


def _host(facts: Facts, host: str, results: Sequence[CheckResult]) -> dict[str, Any]:
    """What each check said of one host, and its drift by name."""
    report: dict[str, str] = {}
    for result in results:
        own = [outcome.status for outcome in result.results if outcome.place == host]
        if own:
            report[result.check.id] = own[0]
    answer = facts.parts.get("hosts", {}).get(host, {})
    return {"checks": report, "drift": answer.get("drift"), "mark": answer.get("mark", {})}


def _states(facts: Facts) -> dict[str, str]:
    """A word for each credential of the graph."""
    states = {}
    for age in facts.parts.get("journal", {}).get("ages", ()):
        days = "age unknown" if age["days"] is None else f"{age['days']} days"
        states[age["credential"]] = "due" if age["due"] else days
    return states


def graph(catalog: Catalog, states: Mapping[str, str]) -> dict[str, Any]:
    """What reveals what: hosts' files and every credential, as _impact_drawing draws it."""
    names = list(catalog.credentials)
    edges = [
        {"from": HOSTS, "to": name, "why": "it is in every host's .env"}
        for name in names
        if blast_radius.in_env(catalog, catalog.credentials[name])
    ]
    edges += [
        {"from": edge.source, "to": edge.target, "why": edge.why}
        for name in names
        for edge in blast_radius.exposes(catalog, name)
    ]
    revealed = {edge["to"] for edge in edges}
    starts = [HOSTS] if any(edge["from"] == HOSTS for edge in edges) else []
    starts += [name for name in names if name not in revealed]
    return {
        # Where credentials reveal each other only, somebody must come first.
        "declared": starts or names[:1],
        "credentials": [
            {"name": name, "kind": catalog.credentials[name].kind, "severity": states.get(name, "age unknown")}
            for name in names
        ],
        "edges": edges,
    }


def summary(result: Mapping[str, Any]) -> str:
    counts = result["counts"]
    return f"{counts['pass']} pass, {counts['fail']} fail, {counts['not_checked']} not checked"


def table(result: Mapping[str, Any], columns: int = 100) -> list[tuple[str, str]]:
    """Lines with a colour each; no line is wider than the terminal."""
    width = max(NARROWEST, min(columns, WIDEST))
    lines = [(_heading(result), "")]
    area = ""
    answer: dict[str, str] = {}
    for check in result["checks"]:
        if check["area"] != area:
            area = check["area"]
            lines.append(("", ""))
            lines.append((area, "bright blue"))
        colour = COLOURS[check["status"]]
        word = "FAIL" if check["status"] == FAIL else check["status"]
        head = f"  {check['id']:<8} {word:<12} "
        lines += [(line, colour) for line in _wrapped(check["title"], width, head)]
        lines += [(line, "") for line in _evidence(check, width, answer)]
    return [*lines, ("", ""), (summary(result), COLOURS[FAIL] if result["counts"]["fail"] else COLOURS[PASS])]


def _heading(result: Mapping[str, Any]) -> str:
    return f"{result['application']}, {result['environment']}, {result['at']}"


def _evidence(entry: Mapping[str, Any], width: int, answer: dict[str, str]) -> Iterator[str]:
    """A check that passes has no line here. No long reason appears twice: one unreachable host affects many checks."""
    if entry["status"] == PASS:
        return
    failures = [outcome for outcome in entry["outcomes"] if outcome["status"] != PASS]
    grouped: dict[tuple[str, str], list[str]] = {}
    for outcome in failures:
        grouped.setdefault((outcome["status"], outcome["message"]), []).append(outcome["place"])
    for (status, message), places in list(grouped.items())[:SHOWN]:
        place = f"{', '.join(places)}: " if any(places) else ""
        mark = "" if status == entry["status"] else "not checked: "
        if message in answer:
            message = f"see {answer[message]}"
        elif len(message) > LONG:
            answer[message] = entry["id"]
        yield from _wrapped(f"{mark}{place}{message}", width, " " * 13 + "- ")
    if len(grouped) > SHOWN:
        yield " " * 15 + f"and {len(grouped) - SHOWN} more in the report"
    if entry["status"] == FAIL:
        yield from _wrapped(entry["fix"], width, " " * 11 + "fix: ")


def _wrapped(message: str, width: int, head: str) -> list[str]:
    return textwrap.wrap(
        " ".join(message.split()),
        width,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
    )
