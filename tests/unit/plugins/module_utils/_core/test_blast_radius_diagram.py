# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A blast radius as data and as text, whatever its names hold."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius_diagram
from ansible_collections.watchparty.secrets.plugins.module_utils._core.blast_radius import Edge, Impact, Reached
from tests.unit.plugins.plugin_utils._leak.postmortem_facts import ADMIN, HOST_ENV, IMPACT, chain

# XML has no way to spell control characters; in names there are none.
NAMES = st.text(st.characters(exclude_categories=["C"], exclude_characters="\u2028\u2029"), min_size=1, max_size=12)
ODD = "<script>\"&'</script>"


@st.composite
def impacts(draw: st.DrawFn) -> Impact:
    """Any names, and any edges that lead from what was declared."""
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    pairs = draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=10, unique=True))
    known, edges = {names[0]}, []
    for _round in names:
        for source, target in pairs:
            if source in known and Edge(source, target, "why") not in edges:
                edges.append(Edge(source, target, "why"))
                known.add(target)
    reached = tuple(Reached(name, "kind", "high", ()) for name in names if name in known)
    return Impact((names[0],), reached, tuple(edges))


class TestData:
    def test_is_plain(self) -> None:
        result = blast_radius_diagram.data(IMPACT)
        assert json.loads(json.dumps(result)) == result
        assert result["waves"] == [["admin", "database"], ["cache"]]
        assert (result["severity"], result["declared"], result["cycles"]) == (
            "high",
            ["host:web1", "admin"],
            [["admin", "database"]],
        )
        assert result["credentials"][1] == {
            "name": "database",
            "kind": "postgresql_role",
            "severity": "medium",
            "wave": 0,
            "via": [
                {"from": "host:web1", "why": "has it in .env"},
                {"from": "admin", "why": "may change it"},
            ],
        }
        assert {"from": "database", "to": "admin", "why": "reveals it, as the catalog declares"} in result["edges"]


class TestText:
    def test_in_the_order_of_replacement(self) -> None:
        together = "First all new values are created, then the old values are revoked, then the new values are deployed"
        assert blast_radius_diagram.text(IMPACT) == [
            "1. together: admin, database",
            "     admin (postgresql_role, high): declared",
            f"     database (postgresql_role, medium): through host:web1 ({HOST_ENV.why}); through admin ({ADMIN.why})",
            "2. cache",
            "     cache (valkey_user, low): through database (reveals it, as the catalog declares)",
            f"replaced together, because each reveals the others: admin, database. {together}",
        ]

    def test_nothing(self) -> None:
        assert blast_radius_diagram.text(Impact(("github",), (), ())) == ["no credential of the catalog is reached"]


class TestMermaid:
    def test_a_flowchart(self) -> None:
        assert blast_radius_diagram.mermaid(IMPACT).splitlines() == [
            "flowchart LR",
            '  n0["host:web1"]',
            '  n1["admin"]',
            '  n2["database"]',
            '  n3["cache"]',
            "  n0 --> n2",
            "  n1 --> n2",
            "  n2 --> n1",
            "  n2 --> n3",
            "  classDef leaked stroke-width:3px",
            "  class n0,n1 leaked",
        ]

    @given(impacts())
    def test_any_name_is_quoted(self, impact: Impact) -> None:
        """A label ends at a double quote, has entities such as #35; and no other escape."""
        lines = blast_radius_diagram.mermaid(impact).splitlines()
        labels = [
            re.fullmatch(r'  n\d+\["([^"<>`\\]*)"\]', line) for line in lines if line.startswith("  n") and "[" in line
        ]
        assert all(labels)
        shown = {re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label[1]) for label in labels if label}
        assert shown == {reached.name for reached in impact.reached}
        assert sum(" --> " in line for line in lines) == len(impact.edges)

    def test_what_was_declared_twice_is_marked_once(self) -> None:
        assert blast_radius_diagram.mermaid(Impact(("a", "a"), (Reached("a", "k", "low", ()),), ())).endswith(
            "  class n0 leaked\n"
        )


class TestGraphviz:
    def test_a_digraph(self) -> None:
        lines = blast_radius_diagram.graphviz(IMPACT).splitlines()
        assert lines[0] == "digraph blast_radius {"
        assert '  "host:web1" [penwidth=3];' in lines
        assert '  "database";' in lines
        assert '  "admin" -> "database" [label="may change it"];' in lines
        assert lines[-1] == "}"

    @given(impacts())
    def test_any_name_is_quoted(self, impact: Impact) -> None:
        lines = blast_radius_diagram.graphviz(impact).splitlines()[3:-1]
        quoted = r'"(?:[^"\\]|\\.)*"'
        for line in lines:
            assert re.fullmatch(rf"  {quoted}(?: \[penwidth=3\]| -> {quoted} \[label={quoted}\])?;", line)
        assert len(lines) == len(impact.reached) + len(impact.edges)

    def test_other_scripts_as_they_are(self) -> None:
        assert '"clé"' in blast_radius_diagram.graphviz(chain("clé", "b"))
