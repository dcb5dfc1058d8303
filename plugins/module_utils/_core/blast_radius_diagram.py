# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A blast radius as data, as text, and as Mermaid and Graphviz sources."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.blast_radius import Impact


def data(impact: Impact) -> dict[str, Any]:
    return {
        "declared": list(impact.declared),
        "severity": impact.severity,
        "waves": [list(wave) for wave in impact.waves],
        "cycles": [list(cycle) for cycle in impact.cycles],
        "first_off": list(impact.first_off),
        "credentials": [
            {
                "name": reached.name,
                "kind": reached.kind,
                "severity": reached.severity,
                "wave": reached.wave,
                "via": [{"from": edge.source, "why": edge.why} for edge in reached.via],
            }
            for reached in impact.reached
        ],
        "edges": [{"from": edge.source, "to": edge.target, "why": edge.why} for edge in impact.edges],
    }


def text(impact: Impact) -> list[str]:
    lines = []
    for number, wave in enumerate(impact.waves, start=1):
        lines.append(f"{number}. together: {', '.join(wave)}" if len(wave) > 1 else f"{number}. {wave[0]}")
        for reached in impact.reached:
            if reached.name in wave:
                via = "; ".join(f"through {edge.source} ({edge.why})" for edge in reached.via[:3])
                lines.append(f"     {reached.name} ({reached.kind}, {reached.severity}): {via or 'declared'}")
    lines += [
        f"replaced together, because each reveals the others: {', '.join(cycle)}. First all new values are created, "
        "then the old values are revoked, then the new values are deployed"
        for cycle in impact.cycles
    ]
    return lines or ["no credential of the catalog is reached"]


def mermaid(impact: Impact) -> str:
    numbers = {name: f"n{at}" for at, name in enumerate(_names(impact))}
    lines = ["flowchart LR"]
    lines += [f'  {number}["{_entities(name)}"]' for name, number in numbers.items()]
    lines += [f"  {numbers[edge.source]} --> {numbers[edge.target]}" for edge in impact.edges]
    leaked = ",".join(dict.fromkeys(numbers[name] for name in impact.declared))
    return "\n".join([*lines, "  classDef leaked stroke-width:3px", f"  class {leaked} leaked"]) + "\n"


def _entities(name: str) -> str:
    """Escapes a name for a quoted label of Mermaid, which knows no backslash."""
    return "".join(part if part.isalnum() or part in " _-./:@+=" else f"#{ord(part)};" for part in name)


def graphviz(impact: Impact) -> str:
    lines = ["digraph blast_radius {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f"  {_quoted(name)}{' [penwidth=3]' if name in impact.declared else ''};" for name in _names(impact)]
    lines += [
        f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={_quoted(edge.why)}];" for edge in impact.edges
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(message: str) -> str:
    return json.dumps(message, ensure_ascii=False)


def _names(impact: Impact) -> list[str]:
    return list(dict.fromkeys([*impact.declared, *(reached.name for reached in impact.reached)]))
