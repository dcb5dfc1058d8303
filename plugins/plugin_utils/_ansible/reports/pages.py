# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTML reports. Each is one file that loads nothing; its templates escape every text."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import (
    FAIL,
    NOT_APPLICABLE,
    NOT_CHECKED,
    PASS,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import postmortem_markdown
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports.graph import drawing

TEMPLATES = Path(__file__).with_name("templates")
STYLES = {PASS: "pass", FAIL: "fail", NOT_CHECKED: "open", NOT_APPLICABLE: "none"}
SIGNS = {PASS: "✓", FAIL: "✗", NOT_CHECKED: "?", NOT_APPLICABLE: "-"}
NEAR = 0.8
"""Part of its limit from which an age is drawn as near it."""
DRIFTS = (
    ("missing", "missing"),
    ("differs", "different values"),
    ("gone", "not in the catalog any more"),
    ("unknown", "unknown"),
)
"""Differences between a host's file and the stores, and their labels."""
EMPTY = dict.fromkeys(
    (
        *("open", "exposed_since", "unhealthy", "hosts_words", "readers", "evidence", "by_time"),
        *("tried", "ways_in", "scrubbed", "not_scrubbed"),
    ),
    (),
)
"""Facts of a post-mortem that may be missing."""


def verification(report: Mapping[str, Any]) -> str:
    """The page of a verification. ``report`` is the result of ``_verify/table.py``."""
    check_ids = {check for host in report["hosts"].values() for check in host["checks"]}
    graph = report["graph"]
    return render(
        "verification.html.j2",
        title=f"Verification of {report['application']}, {report['environment']}",
        policy=policy(render("verification.js")),
        report=report,
        counts=report["counts"],
        verdict=_verdict(report["counts"]),
        styles=STYLES,
        signs=SIGNS,
        ages=with_bars(report["ages"]),
        host_checks=[check for check in report["checks"] if check["id"] in check_ids],
        drifts={name: _drift(host.get("drift")) for name, host in report["hosts"].items()},
        graph=drawing(graph, "Credentials", "on each host") if graph["credentials"] else {},
    )


def postmortem(facts: Mapping[str, Any]) -> str:
    return render(
        "postmortem.html.j2",
        title=f"Leak {facts['id']}",
        policy=policy(),
        facts={**EMPTY, "declared_words": facts["declared"], **facts},
        on_word=postmortem_markdown.word_of(facts),
        clock=_clock(postmortem_markdown.clock_of(facts)),
        outages=postmortem_markdown.outages_of(facts),
        to_fill=postmortem_markdown.TO_FILL,
        graph=drawing(facts["graph"], "Blast radius", "declared"),
    )


def policy(script: str = "") -> str:
    """A Content-Security-Policy that forbids all loading, and all scripts except this one."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    own_script = f"; script-src 'sha256-{digest}'" if script else ""
    return f"default-src 'none'; style-src 'unsafe-inline'{own_script}"


def render(template: str, **variables: Any) -> str:
    """Renders a template of this package. Each variable is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(variables)


def _verdict(counts: Mapping[str, int]) -> dict[str, str]:
    total = _number(sum(counts.values()), "check")
    if counts["fail"]:
        verb = "fails" if counts["fail"] == 1 else "fail"
        return {"style": "fail", "text": f"{counts['fail']} of {total} {verb}"}
    if counts["not_checked"]:
        return {"style": "open", "text": f"Nothing fails; {_number(counts['not_checked'], 'check')} could not be made"}
    if counts["not_applicable"]:
        text = _number(counts["pass"], "check")
        return {"style": "", "text": f"All {text} pass; {counts['not_applicable']} do not apply"}
    return {"style": "", "text": f"All {total} pass"}


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def with_bars(ages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Adds the length of each bar and the place of its limit, in percent of the longest."""
    longest = max((age[key] or 0 for age in ages for key in ("days", "limit")), default=0) or 1
    return [{**age, **_age(age["days"], age["limit"], longest, due=age["due"])} for age in ages]


def _age(days: int | None, limit: int | None, longest: int, *, due: bool) -> dict[str, Any]:
    unknown_bar = "" if due else None
    return {
        "style": _age_style(days, limit, due=due),
        "days": "unknown" if days is None else f"{days} d",
        "limit": "none" if limit is None else f"{limit} d",
        "bar": unknown_bar if days is None else f"width:{100 * days / longest:.1f}%",
        "mark": f"{100 * limit / longest:.1f}" if limit else "",
    }


def _age_style(days: int | None, limit: int | None, *, due: bool) -> str:
    if due:
        return "none" if days is None else "due"
    return "near" if days is not None and limit and days >= NEAR * limit else ""


def _drift(drift: Mapping[str, Any] | None) -> dict[str, str]:
    if not drift:
        return {"style": "soft", "text": "not compared"}
    differences = [f"{name}: {', '.join(drift[kind])}" for kind, name in DRIFTS if drift.get(kind)]
    if differences:
        return {"style": "wrong", "text": "; ".join(differences)}
    return {"style": "soft", "text": f"none, {_number(drift['same'], 'setting')}"}


def _clock(hands: Sequence[tuple[str, Any]]) -> list[dict[str, str]]:
    """Rows with the length of each bar, in percent of the longest."""
    longest = max((at for _name, at in hands if at is not None), default=0) or 1
    return [
        {
            "name": name,
            "time": "not yet" if at is None else f"{at:.1f} s",
            "width": "" if at is None else f"{max(0.5, 100 * at / longest):.1f}",
        }
        for name, at in hands
    ]
