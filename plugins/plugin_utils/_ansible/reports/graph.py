# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Places the boxes and arrows of a credential graph's drawing. Lengths are in pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WIDTH, HEIGHT = 190, 46
"""Size of a box."""
ROW, COLUMN, MARGIN = 66, 280, 16
BEND = 60
"""Bend to the right of an arrow that leads back."""
LONGEST = 26
"""Characters that fit into a box."""

Place = tuple[int, int]
"""Left and top of a box."""


def drawing(graph: Mapping[str, Any], label: str, start: str) -> dict[str, Any]:
    """Boxes and arrows, from the declared credentials on the left to the reached ones.

    ``graph`` has ``declared``, ``credentials`` and ``edges``. ``start`` is the caption of the first box, which is not a
    credential.
    """
    columns = _columns(graph)
    places = {
        name: (MARGIN + at * COLUMN, MARGIN + row * ROW)
        for at, column in enumerate(columns)
        for row, name in enumerate(column)
    }
    rights = [left for left, _top in places.values()]
    rights += [places[edge["from"]][0] + BEND for edge in graph["edges"] if _is_back(places, edge)]
    credentials = {credential["name"]: credential for credential in graph["credentials"]}
    return {
        "label": label,
        "width": max(rights, default=MARGIN) + WIDTH + MARGIN,
        "height": MARGIN * 2 + (max(map(len, columns)) - 1) * ROW + HEIGHT,
        "edges": [_edge(edge, places) for edge in graph["edges"]],
        "nodes": [
            _node(name, place, credentials.get(name), start, leaked=name in graph["declared"])
            for name, place in places.items()
        ],
    }


def _node(name: str, place: Place, credential: Mapping[str, Any] | None, start: str, *, leaked: bool) -> dict[str, Any]:
    style = credential["severity"] if credential else "source"
    return {
        "name": _short(name),
        "caption": _short(f"{credential['kind']}, {credential['severity']}" if credential else start),
        "style": f"{style} leaked" if leaked else style,
        "left": place[0],
        "top": place[1],
        "width": WIDTH,
        "height": HEIGHT,
    }


def _edge(edge: Mapping[str, str], places: Mapping[str, Place]) -> dict[str, str]:
    return {
        "path": _curve(places[edge["from"]], places[edge["to"]], back=_is_back(places, edge)),
        "title": f"{edge['from']} → {edge['to']}: {edge['why']}",
    }


def _columns(graph: Mapping[str, Any]) -> list[list[str]]:
    """Names by their distance from the declared credentials."""
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


def _is_back(places: Mapping[str, Place], edge: Mapping[str, str]) -> bool:
    return places[edge["to"]][0] <= places[edge["from"]][0]


def _curve(start: Place, end: Place, *, back: bool) -> str:
    """A path from a box's right side to another's left side, or to its right side if it leads back."""
    from_x, from_y = start[0] + WIDTH, start[1] + HEIGHT // 2
    to_x, to_y = end[0] + (WIDTH if back else 0), end[1] + HEIGHT // 2
    bend = from_x + BEND if back else (from_x + to_x) // 2
    return f"M{from_x} {from_y}C{bend} {from_y} {bend} {to_y} {to_x} {to_y}"


def _short(text: Any) -> str:
    return str(text) if len(str(text)) <= LONGEST else f"{str(text)[: LONGEST - 1]}…"
