# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verification as one page that needs no network: checklist, ages, hosts, the graph of credentials. Pure."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Any, Iterator, List, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._leaks import _impact_drawing
from ansible_collections.watchparty.secrets.plugins.module_utils._verify._verification import FAIL, NOT_CHECKED, PASS
from ansible_collections.watchparty.secrets.plugins.module_utils._verify._verify_style import SCRIPT, STYLE

CLASSES = {PASS: "pass", FAIL: "fail", NOT_CHECKED: "open"}
SIGNS = {PASS: "✓", FAIL: "✗", NOT_CHECKED: "?"}
NEAR = 0.8
"""Part of its limit from which on an age is drawn as near it."""


def page(found: Mapping[str, Any]) -> str:
    """The whole document."""
    return "\n".join(_lines(found)) + "\n"


def policy() -> str:
    """Nothing is loaded, and no script runs but the page's own."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    title = f"Verification of {found['application']}, {found['environment']}"
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(policy())}">'
    yield f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
    yield f'<h1>{escape(title)}</h1><p class="soft">{escape(found["at"])}</p>'
    yield from _verdict(found["counts"])
    yield "<h2>Checklist</h2>"
    yield from _tools(found)
    yield from _checks(found["checks"])
    yield "<h2>Age of every credential against its limit</h2>"
    yield from _ages(found["ages"])
    yield "<h2>Hosts</h2>"
    yield from _hosts(found)
    yield '<h2>What reveals what</h2><p class="soft">Who has what stands left has what the arrows lead to.</p>'
    if found["graph"]["credentials"]:
        drawn = (
            _impact_drawing.svg(found["graph"])
            .replace('aria-label="Blast radius"', 'aria-label="Credentials"', 1)
            .replace(">declared<", ">on each host<")
        )
        yield f'<div class="scroll">{drawn}</div>'
    else:
        yield '<p class="soft">The catalog names no credentials.</p>'
    yield f"</main><script>{SCRIPT}</script></body></html>"


def _verdict(counts: Mapping[str, int]) -> Iterator[str]:
    total = sum(counts.values())
    if counts["fail"]:
        words, how = (
            f"{counts['fail']} of {_number(total, 'check')} {'fails' if counts['fail'] == 1 else 'fail'}",
            "fail",
        )
    elif counts["not_checked"]:
        words, how = f"Nothing fails; {_number(counts['not_checked'], 'check')} could not be made", "open"
    else:
        words, how = f"All {_number(total, 'check')} pass", ""
    yield f'<div class="verdict {how}"><b>{words}</b><div class="share" role="img" aria-label="'
    yield f'{counts["fail"]} fail, {counts["not_checked"]} not checked, {counts["pass"]} pass">'
    for name, number in (("fail", counts["fail"]), ("open", counts["not_checked"]), ("pass", counts["pass"])):
        if number:
            yield f'<i class="{name}" style="flex:{number}"></i>'
    yield "</div></div>"


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _tools(found: Mapping[str, Any]) -> Iterator[str]:
    counts = found["counts"]
    areas = list(dict.fromkeys(one["area"] for one in found["checks"]))
    chips = (
        ("", f"All {sum(counts.values())}"),
        ("fail", f"Fail {counts['fail']}"),
        ("open", f"Not checked {counts['not_checked']}"),
        ("pass", f"Pass {counts['pass']}"),
    )
    yield '<div class="tools" hidden>'
    for status, words in chips:
        pressed = "true" if not status else "false"
        yield f'<button type="button" data-status="{status}" aria-pressed="{pressed}">{words}</button>'
    yield '<select id="area" aria-label="Area"><option value="">Every area</option>'
    yield from (f"<option>{escape(one)}</option>" for one in areas)
    yield '</select><input id="search" type="search" placeholder="Search" aria-label="Search">'
    yield '<span class="soft" id="shown"></span></div>'


def _checks(rows: List[Mapping[str, Any]]) -> Iterator[str]:
    yield '<div class="scroll"><table id="checks"><thead><tr>'
    for by, head in (
        ("id", "id"),
        ("title", "check"),
        ("area", "area"),
        ("severity", "severity"),
        ("status", "result"),
    ):
        sort = ' aria-sort="ascending"' if by == "id" else ""
        name = f' class="{by}"' if by in ("area", "severity") else ""
        yield f'<th{name}{sort}><button type="button" data-by="{by}">{head}</button></th>'
    yield "</tr></thead><tbody>"
    for one in rows:
        how = CLASSES[one["status"]]
        yield (
            f'<tr id="{one["id"].lower()}" data-id="{int(one["id"][3:])}" data-status="{how}" '
            f'data-area="{escape(one["area"])}" data-severity="{escape(one["severity"])}" '
            f'data-title="{escape(one["title"])}"><td class="id">{escape(one["id"])}</td><td>'
        )
        yield f"<details{' open' if one['status'] == FAIL else ''}><summary>{escape(one['title'])}</summary><ul>"
        yield from _outcomes(one["outcomes"])
        yield f'</ul><p class="soft">{escape(one["reason"])}</p>'
        yield f'<p><b>Fix:</b> {escape(one["fix"])} <a href="{escape(one["link"])}" rel="noreferrer">More</a></p>'
        yield f'</details></td><td class="area">{escape(one["area"])}</td>'
        yield f'<td class="severity {escape(one["severity"])}">{escape(one["severity"])}</td>'
        yield f'<td><span class="badge {how}">{SIGNS[one["status"]]} {escape(one["status"])}</span></td></tr>'
    yield "</tbody></table></div>"


def _outcomes(outcomes: List[Mapping[str, Any]]) -> Iterator[str]:
    for one in outcomes:
        place = f"<b>{escape(one['place'])}</b>: " if one["place"] else ""
        yield f'<li class="{CLASSES[one["status"]]}">{place}{escape(one["words"])}</li>'


def _ages(ages: List[Mapping[str, Any]]) -> Iterator[str]:
    if not ages:
        yield '<p class="soft">The journal was not read, or the catalog names no credentials.</p>'
        return
    longest = max([(one["limit"] or 0) for one in ages] + [(one["days"] or 0) for one in ages]) or 1
    yield '<div class="scroll"><table><thead><tr><th>credential</th><th>kind</th>'
    yield '<th class="number">age</th><th class="number">limit</th>'
    yield '<th style="width:45%"></th></tr></thead><tbody>'
    for one in ages:
        days, limit = one["days"], one["limit"]
        near = days is not None and limit and days >= NEAR * limit
        how = ("none" if days is None else "due") if one["due"] else "near" if near else ""
        age = "unknown" if days is None else f"{days} d"
        until = "none" if limit is None else f"{limit} d"
        length = "" if days is None else f"width:{100 * days / longest:.1f}%"
        mark = f'<u style="left:calc({100 * limit / longest:.1f}% - 2px)"></u>' if limit else ""
        yield f'<tr><td>{escape(one["credential"])}</td><td class="soft">{escape(one["kind"])}</td>'
        yield f'<td class="number">{age}</td><td class="number">{until}</td><td><div class="age {how}" role="img" '
        shown = f'<i style="{length}"></i>' if days is not None or one["due"] else ""
        yield f'aria-label="{escape(one["words"])}" title="{escape(one["words"])}">{shown}{mark}</div></td></tr>'
    yield "</tbody></table></div>"


def _hosts(found: Mapping[str, Any]) -> Iterator[str]:
    hosts = found["hosts"]
    if not hosts:
        yield '<p class="soft">No host was asked.</p>'
        return
    titles = {one["id"]: one["title"] for one in found["checks"]}
    columns = [check for check in titles if any(check in one["checks"] for one in hosts.values())]
    yield '<div class="scroll"><table class="grid"><thead><tr><th>host</th>'
    yield from (
        f'<th><a href="#{one.lower()}" title="{escape(titles[one])}">{escape(one[3:])}</a></th>' for one in columns
    )
    yield '<th class="names">drift</th></tr></thead><tbody>'
    for name, one in hosts.items():
        yield f"<tr><td>{escape(name)}</td>"
        for check in columns:
            status = one["checks"].get(check)
            if status is None:
                yield "<td></td>"
            else:
                words = escape(f"{titles[check]}: {status}")
                how = f'{CLASSES[status]}" title="{words}" aria-label="{words}'
                yield f'<td><span class="dot {how}" role="img">{SIGNS[status]}</span></td>'
        yield f'<td class="names">{_drift(one.get("drift"))}</td></tr>'
    yield "</tbody></table></div>"


def _drift(drift: Any) -> str:
    if not drift:
        return '<span class="soft">not compared</span>'
    words = [
        f"{how} {', '.join(drift[kind])}"
        for kind, how in (
            ("missing", "lacks"),
            ("differs", "other values of"),
            ("gone", "still has"),
            ("unknown", "unknown"),
        )
        if drift.get(kind)
    ]
    if words:
        return f'<span class="wrong">{escape("; ".join(words))}</span>'
    return f'<span class="soft">none, {drift["same"]} settings</span>'
