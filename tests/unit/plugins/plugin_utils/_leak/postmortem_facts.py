# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the post-mortem share: one leak's facts, with any text in every field."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius_diagram
from ansible_collections.watchparty.secrets.plugins.module_utils._core.blast_radius import Edge, Impact, Reached

HOST_ENV = Edge("host:web1", "database", "has it in .env")
ADMIN = Edge("admin", "database", "may change it")
BACK = Edge("database", "admin", "reveals it, as the catalog declares")
IMPACT = Impact(
    declared=("host:web1", "admin"),
    reached=(
        Reached("admin", "postgresql_role", "high", (), 0),
        Reached("database", "postgresql_role", "medium", (HOST_ENV, ADMIN), 0),
        Reached("cache", "valkey_user", "low", (Edge("database", "cache", "reveals it, as the catalog declares"),), 1),
    ),
    edges=(HOST_ENV, ADMIN, BACK, Edge("database", "cache", "reveals it, as the catalog declares")),
    cycles=(("admin", "database"),),
)


def chain(*names: str) -> Impact:
    """Each name reveals the next."""
    edges = tuple(Edge(name, other, f"{name} shows {other}") for name, other in pairwise(names))
    via = {edge.target: (edge,) for edge in edges}
    reached = tuple(Reached(name, "k", "high", via.get(name, ()), at) for at, name in enumerate(names))
    return Impact(names[:1], reached, edges)


def facts(text: str = "", impact: Impact = IMPACT, **extra: Any) -> dict[str, Any]:
    """The facts of a leak that is contained; ``text`` ends every field that holds words."""

    def with_text(some: str) -> str:
        return some + text

    return {
        "id": with_text("leak-20261125T150000-beef"),
        "application": with_text("watchparty"),
        "environment": with_text("production"),
        "declared_at": "2026-11-25T15:00:00Z",
        "who": with_text("ops@laptop"),
        "containment": "graceful",
        "exposed_since": with_text("2026-11-20T10:00:00Z"),
        "declared": [with_text("admin")],
        "declared_words": [with_text("admin: its AWSCURRENT value, unchanged")],
        "clock": {"planned": 1.25, "first_live": 20.0, "healthy": 41.5, "refused": 40.0},
        "contained_seconds": 40.0,
        "graph": blast_radius_diagram.data(impact),
        "credentials": [
            {
                "name": with_text(reached.name),
                "kind": reached.kind,
                "severity": reached.severity,
                "through": with_text("; ".join(edge.source for edge in reached.via) or "declared"),
                "state": with_text(
                    "OPEN: not replaced" if reached.name == "cache" else "replaced, the old value is rejected"
                ),
                "open": reached.name == "cache",
                "evidence": with_text("rotation r1"),
            }
            for reached in impact.reached
        ],
        "timeline": [
            {"seconds": 0.0, "at": "2026-11-25T15:00:00Z", "what": with_text("declared by ops@laptop")},
            {"seconds": 40.0, "at": "2026-11-25T15:00:40Z", "what": "refused", "evidence": with_text("rotation r1")},
        ],
        "hosts_words": [with_text("web1")],
        "readers": [with_text("CloudTrail was not asked")],
        "evidence": [with_text("database: 10.0.0.7")],
        "outages": [{"rotation": with_text("r-1"), "from": 3.0, "seconds": 38.0}],
        "tried": [with_text("a session that was ended: refused")],
        "scrubbed": [with_text("AWSPREVIOUS off version 7 of core")],
        "not_scrubbed": [with_text("scrubbing does not undo earlier reads")],
        "open": [with_text("cache: not replaced")],
        **extra,
    }
