# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A blast radius as text, as Mermaid and Graphviz sources, and drawn as SVG. Pure."""

from __future__ import annotations

import json
from html import escape
from typing import Any, Mapping, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._leaks._impact import Impact

BOX, ROW, COLUMN, MARGIN = (190, 46), 66, 280, 16
BEND = 60
"""How far to the right an arrow bends that leads back."""


def data(impact: Impact) -> dict[str, Any]:
    """The blast radius as plain data."""
    return {
        "declared": list(impact.declared),
        "severity": impact.severity,
        "waves": [list(wave) for wave in impact.waves],
        "cycles": [list(cycle) for cycle in impact.cycles],
        "first_off": list(impact.first_off),
        "credentials": [
            {
                "name": one.name,
                "kind": one.kind,
                "severity": one.severity,
                "wave": one.wave,
                "via": [{"from": edge.source, "why": edge.why} for edge in one.via],
            }
            for one in impact.reached
        ],
        "edges": [{"from": edge.source, "to": edge.target, "why": edge.why} for edge in impact.edges],
    }


def text(impact: Impact) -> list[str]:
    """The blast radius for the terminal, in the order of replacement."""
    lines = []
    for number, wave in enumerate(impact.waves, start=1):
        lines.append(f"{number}. together: {', '.join(wave)}" if len(wave) > 1 else f"{number}. {wave[0]}")
        for one in impact.reached:
            if one.name in wave:
                via = "; ".join(f"through {edge.source}, {edge.why}" for edge in one.via[:3])
                lines.append(f"     {one.name} ({one.kind}, {one.severity}): {via or 'declared'}")
    lines += [
        f"reveal each other, replaced together: {', '.join(cycle)}; all of them are made first, then the old ones are "
        "taken away, and nothing new is deployed before that"
        for cycle in impact.cycles
    ]
    return lines or ["nothing of the catalog is reached"]


def mermaid(impact: Impact) -> str:
    """A flowchart that Markdown viewers draw."""
    numbers = {name: f"n{at}" for at, name in enumerate(_names(impact))}
    lines = ["flowchart LR"]
    lines += [f'  {number}["{_entities(name)}"]' for name, number in numbers.items()]
    lines += [f"  {numbers[edge.source]} --> {numbers[edge.target]}" for edge in impact.edges]
    leaked = ",".join(dict.fromkeys(numbers[name] for name in impact.declared))
    return "\n".join([*lines, "  classDef leaked stroke-width:3px", f"  class {leaked} leaked"]) + "\n"


def _entities(name: str) -> str:
    """A name inside a quoted label of Mermaid's, which knows no backslash."""
    return "".join(one if one.isalnum() or one in " _-./:@+=" else f"#{ord(one)};" for one in name)


def graphviz(impact: Impact) -> str:
    """The same for dot."""
    lines = ["digraph blast_radius {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f"  {_quoted(name)}{' [penwidth=3]' if name in impact.declared else ''};" for name in _names(impact)]
    lines += [
        f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={_quoted(edge.why)}];" for edge in impact.edges
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)


def _names(impact: Impact) -> list[str]:
    return list(dict.fromkeys([*impact.declared, *(one.name for one in impact.reached)]))


def svg(graph: Mapping[str, Any]) -> str:
    """The drawing of :func:`data`: what was declared on the left, what it reaches further right."""
    columns = _columns(graph)
    place = {
        name: (MARGIN + at * COLUMN, MARGIN + row * ROW)
        for at, column in enumerate(columns)
        for row, name in enumerate(column)
    }
    rights = [left for left, _top in place.values()]
    rights += [place[edge["from"]][0] + BEND for edge in graph["edges"] if _is_back(place, edge)]
    width = max(rights, default=MARGIN) + BOX[0] + MARGIN
    height = MARGIN * 2 + (max(map(len, columns)) - 1) * ROW + BOX[1]
    kinds = {one["name"]: one for one in graph["credentials"]}
    parts = [
        f'<svg class="graph" role="img" aria-label="Blast radius" viewBox="0 0 {width} {height}"',
        f' width="{width}" height="{height}" xmlns="http://www.w3.org/2000/svg">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">',
        '<path d="M0 0L8 4L0 8z" class="arrow"/></marker></defs>',
    ]
    for edge in graph["edges"]:
        parts.append(_curve(place[edge["from"]], place[edge["to"]], f"{edge['from']} → {edge['to']}: {edge['why']}"))
    for name, (left, top) in place.items():
        kind = kinds.get(name, {})
        style = f"node {kind.get('severity', 'source')}{' leaked' if name in graph['declared'] else ''}"
        words = f"{kind['kind']}, {kind['severity']}" if kind else "declared"
        parts.append(
            f'<g class="{escape(style)}"><rect x="{left}" y="{top}" width="{BOX[0]}" height="{BOX[1]}" rx="8"/>'
            f'<text x="{left + 12}" y="{top + 20}" class="name">{escape(_short(name))}</text>'
            f'<text x="{left + 12}" y="{top + 36}" class="kind">{escape(_short(words))}</text></g>'
        )
    return "\n".join([*parts, "</svg>"])


def _columns(graph: Mapping[str, Any]) -> list[list[str]]:
    """Names by their distance from what was declared."""
    distance = dict.fromkeys(graph["declared"], 0)
    changed = True
    while changed:
        changed = False
        for edge in graph["edges"]:
            if edge["from"] in distance and edge["to"] not in distance:
                distance[edge["to"]] = distance[edge["from"]] + 1
                changed = True
    last = max(distance.values(), default=0)
    return [[name for name, at in distance.items() if at == number] for number in range(last + 1)]


def _is_back(place: Mapping[str, Sequence[int]], edge: Mapping[str, Any]) -> bool:
    return place[edge["to"]][0] <= place[edge["from"]][0]


def _curve(start: Sequence[int], end: Sequence[int], words: str) -> str:
    from_x, from_y = start[0] + BOX[0], start[1] + BOX[1] // 2
    to_x, to_y = end[0], end[1] + BOX[1] // 2
    if to_x <= from_x:  # back to the same column or further left: around the right side
        from_x, to_x = start[0] + BOX[0], end[0] + BOX[0]
        bend = from_x + BEND
        path = f"M{from_x} {from_y}C{bend} {from_y} {bend} {to_y} {to_x} {to_y}"
    else:
        middle = (from_x + to_x) // 2
        path = f"M{from_x} {from_y}C{middle} {from_y} {middle} {to_y} {to_x} {to_y}"
    return f'<path class="edge" d="{path}" marker-end="url(#arrow)"><title>{escape(words)}</title></path>'


def _short(words: str) -> str:
    return words if len(words) <= 26 else words[:25] + "…"
