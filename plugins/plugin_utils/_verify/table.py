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
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.engine import CheckResult, Facts, Outcome

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
    counts = Counter(one.status for one in results)
    return {
        "application": facts.catalog.application,
        "environment": facts.catalog.environment,
        "at": timestamps.stamp(facts.now),
        "counts": {"pass": counts[PASS], "fail": counts[FAIL], "not_checked": counts[NOT_CHECKED]},
        "checks": [_row(one) for one in results],
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
        "outcomes": [_outcome(one) for one in result.told],
    }


def _outcome(one: Outcome) -> dict[str, Any]:
    where = {"file": one.file, "line": one.line} if one.file else {}
    return {"status": one.status, "place": one.place, "words": one.words, **where}


def _host(facts: Facts, host: str, results: Sequence[CheckResult]) -> dict[str, Any]:
    """What each check said of one host, and its drift by name."""
    said: dict[str, str] = {}
    for result in results:
        own = [one.status for one in result.told if one.place == host]
        if own:
            said[result.check.id] = own[0]
    found = facts.parts.get("hosts", {}).get(host, {})
    return {"checks": said, "drift": found.get("drift"), "mark": found.get("mark", {})}


def _states(facts: Facts) -> dict[str, str]:
    """A word for each credential of the graph."""
    found = {}
    for one in facts.parts.get("journal", {}).get("ages", ()):
        days = "age unknown" if one["days"] is None else f"{one['days']} days"
        found[one["credential"]] = "due" if one["due"] else days
    return found


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


def summary(found: Mapping[str, Any]) -> str:
    counts = found["counts"]
    return f"{counts['pass']} pass, {counts['fail']} fail, {counts['not_checked']} not checked"


def table(found: Mapping[str, Any], columns: int = 100) -> list[tuple[str, str]]:
    """Lines with a colour each; no line is wider than the terminal."""
    width = max(NARROWEST, min(columns, WIDEST))
    lines = [(_heading(found), "")]
    area = ""
    said: dict[str, str] = {}
    for one in found["checks"]:
        if one["area"] != area:
            area = one["area"]
            lines.append(("", ""))
            lines.append((area, "bright blue"))
        colour = COLOURS[one["status"]]
        word = "FAIL" if one["status"] == FAIL else one["status"]
        head = f"  {one['id']:<8} {word:<12} "
        lines += [(line, colour) for line in _wrapped(one["title"], width, head)]
        lines += [(line, "") for line in _evidence(one, width, said)]
    return [*lines, ("", ""), (summary(found), COLOURS[FAIL] if found["counts"]["fail"] else COLOURS[PASS])]


def _heading(found: Mapping[str, Any]) -> str:
    return f"{found['application']}, {found['environment']}, {found['at']}"


def _evidence(one: Mapping[str, Any], width: int, said: dict[str, str]) -> Iterator[str]:
    """A check that passes has no line here. No long reason appears twice: one unreachable host affects many checks."""
    if one["status"] == PASS:
        return
    told = [outcome for outcome in one["outcomes"] if outcome["status"] != PASS]
    grouped: dict[tuple[str, str], list[str]] = {}
    for outcome in told:
        grouped.setdefault((outcome["status"], outcome["words"]), []).append(outcome["place"])
    for (status, words), places in list(grouped.items())[:SHOWN]:
        place = f"{', '.join(places)}: " if any(places) else ""
        mark = "" if status == one["status"] else "not checked: "
        if words in said:
            words = f"see {said[words]}"
        elif len(words) > LONG:
            said[words] = one["id"]
        yield from _wrapped(f"{mark}{place}{words}", width, " " * 13 + "- ")
    if len(grouped) > SHOWN:
        yield " " * 15 + f"and {len(grouped) - SHOWN} more in the report"
    if one["status"] == FAIL:
        yield from _wrapped(one["fix"], width, " " * 11 + "fix: ")


def _wrapped(words: str, width: int, head: str) -> list[str]:
    return textwrap.wrap(
        " ".join(words.split()),
        width,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
    )
