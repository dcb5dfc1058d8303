# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verification's results as plain data and as a table for the terminal. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import (
    FAIL,
    NOT_APPLICABLE,
    NOT_CHECKED,
    PASS,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import CheckResult, Facts, Outcome
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.report_schema import VERSION

HOSTS = "hosts' .env"
"""Node of the graph for every host's file."""
NARROWEST, WIDEST = 60, 120
SHOWN = 12
"""Limit of a check's evidence lines in the table; the files have all."""
LONG = 60
"""Characters above which a text is not printed twice."""
COLOURS = {PASS: "green", FAIL: "red", NOT_CHECKED: "yellow", NOT_APPLICABLE: "dark gray"}
QUIET = (PASS, NOT_APPLICABLE)
ACTS = {"git": "repository maintainers", "iam": "AWS administrator"}
ACTS |= {"ci": ACTS["git"], "recovery": ACTS["iam"]}
"""Persons who act on an area's findings. The operator acts on those of other areas."""


def data(facts: Facts, results: Sequence[CheckResult], hosts: Sequence[str]) -> dict[str, Any]:
    """Content of the report's files."""
    counts = Counter(check_result.status for check_result in results)
    return {
        "schema_version": VERSION,
        "application": facts.catalog.application,
        "environment": facts.catalog.environment,
        "at": timestamps.stamp(facts.now),
        "counts": {
            "pass": counts[PASS],
            "fail": counts[FAIL],
            "not_checked": counts[NOT_CHECKED],
            "not_applicable": counts[NOT_APPLICABLE],
        },
        "unreachable": {
            host: facts.parts["hosts"][host]["problem"]
            for host in sorted(hosts)
            if facts.parts["hosts"][host].get("problem")
        },
        "checks": [_row(check_result, facts.catalog.environment) for check_result in results],
        "ages": list(facts.parts.get("journal", {}).get("ages", ())),
        "hosts": {host: _host(facts, host, results) for host in sorted(hosts)},
        "graph": graph(facts.catalog, _states(facts)),
    }


def _row(result: CheckResult, environment: str) -> dict[str, Any]:
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
        "outcomes": [_outcome(outcome, check.command_for(outcome, environment)) for outcome in result.worst_first],
    }


def _outcome(outcome: Outcome, command: str) -> dict[str, Any]:
    where = {"file": outcome.file, "line": outcome.line} if outcome.file else {}
    mended = {"command": command} if command and outcome.status == FAIL else {}
    return {"status": outcome.status, "place": outcome.place, "message": outcome.message, **where, **mended}


def _host(facts: Facts, host: str, results: Sequence[CheckResult]) -> dict[str, Any]:
    """A host's status in each check, its drift and its deploy marker."""
    report: dict[str, str] = {}
    for result in results:
        own = [outcome.status for outcome in result.worst_first if outcome.place == host]
        if own:
            report[result.check.id] = own[0]
    answer = facts.parts.get("hosts", {}).get(host, {})
    return {"checks": report, "drift": answer.get("drift"), "mark": answer.get("mark", {})}


def _states(facts: Facts) -> dict[str, str]:
    """State of each credential in the graph."""
    states = {}
    for age in facts.parts.get("journal", {}).get("ages", ()):
        days = "age unknown" if age["days"] is None else f"{age['days']} days"
        states[age["credential"]] = "due" if age["due"] else days
    return states


def graph(catalog: Catalog, states: Mapping[str, str]) -> dict[str, Any]:
    """Credentials that hosts' files and other credentials reveal, as _impact_drawing draws them."""
    names = list(catalog.credentials)
    edges = [
        {"from": HOSTS, "to": name, "why": "contains it"}
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
        # If credentials only reveal each other, the graph starts at the first.
        "declared": starts or names[:1],
        "credentials": [
            {"name": name, "kind": catalog.credentials[name].kind, "severity": states.get(name, "age unknown")}
            for name in names
        ],
        "edges": edges,
    }


def summary(result: Mapping[str, Any]) -> str:
    counts = result["counts"]
    return (
        f"{counts['fail']} fail, {counts['not_checked']} not checked, {counts['pass']} pass, "
        f"{counts['not_applicable']} not applicable"
    )


def table(result: Mapping[str, Any], columns: int = 100, *, whole: bool = False) -> list[tuple[str, str]]:
    """Lines, each with a colour. Only a command, which is pasted whole, may be wider than the terminal.

    Unless ``whole``, checks that need no action have one line for each area.
    """
    width = max(NARROWEST, min(columns, WIDEST))
    lines = [(line, colour) for text, colour in _top(result, width) for line in _wrapped(text, width, "", " " * 4)]
    lines += _by_area([check for check in result["checks"] if whole or check["status"] not in QUIET], width)
    return lines if whole else [*lines, *_folded(result, width)]


def _by_area(checks: Sequence[Mapping[str, Any]], width: int) -> Iterator[tuple[str, str]]:
    area = ""
    answer: dict[str, str] = {}
    for check in checks:
        if check["area"] != area:
            area = check["area"]
            yield from [("", ""), (area, "bright blue")]
        word = "FAIL" if check["status"] == FAIL else check["status"]
        head = f"  {check['id']:<8} {word:<12} "
        yield from ((line, COLOURS[check["status"]]) for line in _wrapped(check["title"], width, head))
        yield from ((line, "") for line in _evidence(check, width, answer))


def _folded(result: Mapping[str, Any], width: int) -> Iterator[tuple[str, str]]:
    quiet = [check for check in result["checks"] if check["status"] in QUIET]
    if quiet:
        yield from [("", ""), ("Other checks (-v shows each)", "bright blue")]
    for area, checks in groupby(quiet, key=lambda check: str(check["area"])):
        ids: dict[str, list[str]] = {}
        for check in checks:
            ids.setdefault(check["status"], []).append(check["id"])
        text = "; ".join(f"{status} {', '.join(ids[status])}" for status in QUIET if status in ids)
        yield from ((line, COLOURS[PASS]) for line in _wrapped(text, width, f"  {area:<12} "))


def _top(result: Mapping[str, Any], width: int) -> Iterator[tuple[str, str]]:
    """Lines for failures, for checks that were not made, and for who must act. The table has the reasons."""
    worst = next((status for status in (FAIL, NOT_CHECKED) if _with(result, status)), PASS)
    yield f"{result['application']} {result['environment']}: {summary(result)}", COLOURS[worst]
    if result["unreachable"]:
        yield _fitted("not reached: ", list(result["unreachable"]), width), COLOURS[FAIL]
    for status in (FAIL, NOT_CHECKED):
        checks = [f"{check['id']} {check['name']}" for check in _with(result, status)]
        if checks:
            yield _fitted(f"{status}: ", checks, width), COLOURS[status]
    actors: dict[str, list[str]] = {}
    for check in [*_with(result, FAIL), *_with(result, NOT_CHECKED)]:
        actors.setdefault(ACTS.get(check["area"], "operator"), []).append(check["id"])
    if actors:
        line = "must act: " + "; ".join(f"{actor} ({', '.join(ids)})" for actor, ids in actors.items())
        counted = "must act: " + "; ".join(f"{actor} ({len(ids)} checks)" for actor, ids in actors.items())
        yield line if len(line) <= width else counted, ""


def _with(result: Mapping[str, Any], status: str) -> list[Mapping[str, Any]]:
    return [check for check in result["checks"] if check["status"] == status]


def _fitted(head: str, names: Sequence[str], width: int) -> str:
    """Line with as many names as fit, at least the first."""
    for count in range(len(names), 0, -1):
        rest = f" and {len(names) - count} more" if count < len(names) else ""
        line = f"{head}{', '.join(names[:count])}{rest}"
        if len(line) <= width:
            break
    return line


def _evidence(entry: Mapping[str, Any], width: int, answer: dict[str, str]) -> Iterator[str]:
    """Evidence of a check; empty if it passes. A long reason appears once: an unreachable host affects many checks."""
    if entry["status"] == PASS:
        return
    quiet = QUIET if entry["status"] not in QUIET else ()
    failures = [outcome for outcome in entry["outcomes"] if outcome["status"] not in quiet]
    grouped: dict[tuple[str, str], list[str]] = {}
    commands: dict[tuple[str, str], list[str]] = {}
    for outcome in failures:
        key = (outcome["status"], outcome["message"])
        grouped.setdefault(key, []).append(outcome["place"])
        commands.setdefault(key, []).append(outcome.get("command", ""))
    lines_shown: set[str] = set()
    for (status, text), places in list(grouped.items())[:SHOWN]:
        message = text
        place = f"{', '.join(places)}: " if any(places) else ""
        mark = "" if status == entry["status"] else "not checked: "
        if message in answer:
            message = f"see {answer[message]}"
        elif len(message) > LONG:
            answer[message] = entry["id"]
        yield from _wrapped(f"{mark}{place}{message}", width, " " * 13 + "- ")
        for command in dict.fromkeys(commands[status, text]):
            if command and command not in lines_shown:
                lines_shown.add(command)
                yield " " * 15 + f"run: {command}"
    if len(grouped) > SHOWN:
        yield " " * 15 + f"and {len(grouped) - SHOWN} more in the report"
    if entry["status"] == FAIL:
        yield from _wrapped(entry["fix"], width, " " * 11 + "fix: ")


def _wrapped(message: str, width: int, head: str, indent: str = "") -> list[str]:
    lines = textwrap.wrap(
        " ".join(message.split()).replace("ansible-playbook ", "ansible-playbook\xa0"),  # console completes commands
        width,
        initial_indent=head,
        subsequent_indent=indent or " " * len(head),
        break_on_hyphens=False,
    )
    return [line.replace("\xa0", " ") for line in lines]
