# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The post-mortem as one page that needs no network: the graph drawn, the clock, the timeline. Pure."""

from __future__ import annotations

from html import escape
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._leaks import _impact_drawing
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks._postmortem import (
    TO_FILL,
    clock_of,
    outages_of,
    word_of,
)

STYLE = """
:root{--ground:#fbfaf8;--panel:#fff;--ink:#1d2129;--soft:#5c6570;--line:#dfe2e6;--bad:#b3261e;--warn:#9a6700;
--good:#1a7f4b;--accent:#2b59c3}
@media(prefers-color-scheme:dark){:root{--ground:#14171c;--panel:#1c2128;--ink:#e6e9ee;--soft:#9aa4b1;--line:#323a45;
--bad:#ff8a80;--warn:#e3b341;--good:#5fd39a;--accent:#8ab0ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1080px;margin:0 auto;padding:40px 24px 80px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 4px}h2{font-size:1.15rem;margin:44px 0 12px}
p{margin:0 0 12px}.soft{color:var(--soft)}
.contained{display:flex;gap:16px;align-items:baseline;margin:28px 0;padding:18px 22px;background:var(--panel);
border:1px solid var(--line);border-left:6px solid var(--good);border-radius:8px}
.contained.not{border-left-color:var(--bad)}
.contained b{font-size:2rem;line-height:1.1;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:8px}
table{border-collapse:collapse;width:100%;font-size:.93rem}
th,td{text-align:left;padding:8px 12px;vertical-align:top;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}th{color:var(--soft);font-weight:600}
td.at{white-space:nowrap}td.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.what{width:220px}.bars{width:65%}
.bar{display:block;height:10px;margin-top:8px;border-radius:5px;background:var(--accent);min-width:3px}
.high{color:var(--bad)}.medium{color:var(--warn)}.low{color:var(--soft)}.state-open{color:var(--bad);font-weight:600}
ul{margin:0;padding-left:22px}li{margin:3px 0;overflow-wrap:anywhere}
svg.graph{display:block;max-width:none}svg .node rect{fill:var(--panel);stroke:var(--line);stroke-width:1.5}
svg .node.high rect{stroke:var(--bad)}svg .node.medium rect{stroke:var(--warn)}svg .node.leaked rect{stroke-width:4}
svg .node.source rect{stroke:var(--accent)}svg text{fill:var(--ink);font:600 13px system-ui,sans-serif}
svg text.kind{fill:var(--soft);font-weight:400;font-size:11.5px}svg .edge{fill:none;stroke:var(--soft);stroke-width:1.4}
svg .arrow{fill:var(--soft)}.fill{border:1px dashed var(--line);border-radius:8px;padding:14px 18px;color:var(--soft)}
@media print{body{background:#fff}main{max-width:none}}
"""


def page(facts: Mapping[str, Any]) -> str:
    """The whole document."""
    return "\n".join(_lines(facts)) + "\n"


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:
    title = f"Leak {facts['id']}"
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
    yield f"<h1>{escape(title)}</h1>"
    yield (
        f'<p class="soft">{escape(facts["application"])}, {escape(facts["environment"])} · declared '
        f"{escape(facts['declared_at'])} by {escape(facts['who'])} · exposed since "
        f"{escape(facts.get('exposed_since') or 'an unknown time')}</p>"
    )
    contained = facts.get("contained_seconds")
    if contained is None:
        yield '<div class="contained not"><b>NOT contained</b><span>see what is still open</span></div>'
    else:
        unhealthy = "; not healthy, see what is still open" if facts.get("unhealthy") else ""
        yield (
            f'<div class="contained"><b>{contained:.1f} s</b><span>from the declaration to the last refusal'
            f"{escape(word_of(facts))}, {escape(facts['containment'])}{unhealthy}</span></div>"
        )
    yield from _list("What leaked", facts.get("declared_words", facts["declared"]))
    yield "<h2>Clock</h2>"
    yield from _clock(facts)
    yield from (f"<p>{escape(line)}</p>" for line in outages_of(facts))
    yield "<h2>What was reachable, and through what</h2>"
    yield f'<div class="scroll">{_impact_drawing.svg(facts["graph"])}</div><p></p>'
    yield from _credentials(facts["credentials"])
    yield from _list("Still open", facts.get("open", ()), "nothing")
    yield "<h2>What was done</h2>"
    yield from _table(
        ("seconds", "at", "what", "evidence"),
        [(f"{one['seconds']:.1f}", one["at"], one["what"], one.get("evidence", "")) for one in facts["timeline"]],
        kinds={0: "number", 1: "at"},
    )
    yield from _list("Hosts and services", facts.get("hosts_words", ()))
    yield from _list("Who read it in the window", facts.get("readers", ()))
    yield from _list("Evidence kept before anything was cut", facts.get("evidence", ()))
    yield from _list("Tried where it used to work", facts.get("tried", ()))
    yield from _list("Scrubbed", facts.get("scrubbed", ()))
    yield from _list("Cannot be scrubbed", facts.get("not_scrubbed", ()))
    for heading, question in TO_FILL:
        yield f'<h2>{escape(heading)}</h2><div class="fill">{escape(question)}</div>'
    yield "</main></body></html>"


def _clock(facts: Mapping[str, Any]) -> Iterator[str]:
    times = clock_of(facts)
    longest = max((at for _words, at in times if at is not None), default=0) or 1
    yield '<div class="scroll"><table>'
    for words, at in times:
        drawn = f'<span class="bar" style="width:{max(0.5, 100 * at / longest):.1f}%"></span>' if at is not None else ""
        told = f"{at:.1f} s" if at is not None else "not yet"
        yield f'<tr><td class="what">{escape(words)}</td><td class="number">{told}</td>'
        yield f'<td class="bars">{drawn}</td></tr>'
    yield "</table></div>"


def _credentials(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield '<div class="scroll"><table><tr>'
    yield "".join(f"<th>{head}</th>" for head in ("credential", "kind", "severity", "through", "state", "evidence"))
    yield "</tr>"
    for one in rows:
        state = "state-open" if one.get("open") else ""
        yield (
            f"<tr><td>{escape(one['name'])}</td><td>{escape(one['kind'])}</td>"
            f'<td class="{escape(one["severity"])}">{escape(one["severity"])}</td><td>{escape(one["through"])}</td>'
            f'<td class="{state}">{escape(one["state"])}</td><td>{escape(one.get("evidence", ""))}</td></tr>'
        )
    yield "</table></div>"


def _list(heading: str, lines: Sequence[str], nothing: str = "nothing was found") -> Iterator[str]:
    yield f"<h2>{escape(heading)}</h2><ul>"
    yield from (f"<li>{escape(line)}</li>" for line in lines or [nothing])
    yield "</ul>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, kinds: Mapping[int, str]) -> Iterator[str]:
    """``kinds`` are columns of another class, by their place."""
    yield '<div class="scroll"><table><tr>'
    yield "".join(f"<th>{escape(head)}</th>" for head in heads)
    yield "</tr>"
    for row in rows:
        cells = "".join(f'<td class="{kinds.get(at, "words")}">{escape(str(cell))}</td>' for at, cell in enumerate(row))
        yield f"<tr>{cells}</tr>"
    yield "</table></div>"
