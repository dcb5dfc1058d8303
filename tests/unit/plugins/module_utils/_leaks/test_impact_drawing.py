# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A blast radius as data, as words and drawn, whatever its names hold."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._leaks import _impact_drawing as drawing
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks._impact import Edge, Impact, Reached
from tests.unit.plugins.module_utils._leaks.postmortem_facts import ADMIN, HOST_ENV, IMPACT, chain

SVG = "{http://www.w3.org/2000/svg}"
# XML has no way to spell control characters; in names there are none.
NAMES = st.text(st.characters(exclude_categories=["C"], exclude_characters="\u2028\u2029"), min_size=1, max_size=12)
ODD = "<script>\"&'</script>"


def drawn(impact: Impact) -> ET.Element:
    return ET.fromstring(drawing.svg(drawing.data(impact)))


def nodes(root: ET.Element) -> list[ET.Element]:
    return [group for group in root.iter(f"{SVG}g") if "node" in group.attrib["class"].split()]


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
        found = drawing.data(IMPACT)
        assert json.loads(json.dumps(found)) == found
        assert found["waves"] == [["admin", "database"], ["cache"]]
        assert (found["severity"], found["declared"], found["cycles"]) == (
            "high",
            ["host:web1", "admin"],
            [["admin", "database"]],
        )
        assert found["credentials"][1] == {
            "name": "database",
            "kind": "postgresql_role",
            "severity": "medium",
            "wave": 0,
            "via": [
                {"from": "host:web1", "why": "it is in the host's .env"},
                {"from": "admin", "why": "it may change it"},
            ],
        }
        assert {"from": "database", "to": "admin", "why": "the catalog says so"} in found["edges"]


class TestText:
    def test_in_the_order_of_replacement(self) -> None:
        together = (
            "all of them are made first, then the old ones are taken away, and nothing new is deployed before that"
        )
        assert drawing.text(IMPACT) == [
            "1. together: admin, database",
            "     admin (postgresql_role, high): declared",
            f"     database (postgresql_role, medium): through host:web1, {HOST_ENV.why}; through admin, {ADMIN.why}",
            "2. cache",
            "     cache (valkey_user, low): through database, the catalog says so",
            f"reveal each other, replaced together: admin, database; {together}",
        ]

    def test_nothing(self) -> None:
        assert drawing.text(Impact(("github",), (), ())) == ["nothing of the catalog is reached"]


class TestMermaid:
    def test_a_flowchart(self) -> None:
        assert drawing.mermaid(IMPACT).splitlines() == [
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
        lines = drawing.mermaid(impact).splitlines()
        labels = [
            re.fullmatch(r'  n\d+\["([^"<>`\\]*)"\]', line) for line in lines if line.startswith("  n") and "[" in line
        ]
        assert all(labels)
        shown = {re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label[1]) for label in labels if label}
        assert shown == {one.name for one in impact.reached}
        assert sum(" --> " in line for line in lines) == len(impact.edges)

    def test_what_was_declared_twice_is_marked_once(self) -> None:
        assert drawing.mermaid(Impact(("a", "a"), (Reached("a", "k", "low", ()),), ())).endswith("  class n0 leaked\n")


class TestGraphviz:
    def test_a_digraph(self) -> None:
        lines = drawing.graphviz(IMPACT).splitlines()
        assert lines[0] == "digraph blast_radius {"
        assert '  "host:web1" [penwidth=3];' in lines
        assert '  "database";' in lines
        assert '  "admin" -> "database" [label="it may change it"];' in lines
        assert lines[-1] == "}"

    @given(impacts())
    def test_any_name_is_quoted(self, impact: Impact) -> None:
        lines = drawing.graphviz(impact).splitlines()[3:-1]
        quoted = r'"(?:[^"\\]|\\.)*"'
        for line in lines:
            assert re.fullmatch(rf"  {quoted}(?: \[penwidth=3\]| -> {quoted} \[label={quoted}\])?;", line)
        assert len(lines) == len(impact.reached) + len(impact.edges)

    def test_other_scripts_as_they_are(self) -> None:
        assert '"clé"' in drawing.graphviz(chain("clé", "b"))


class TestSvg:
    @given(impacts())
    def test_is_xml_with_one_node_a_name_and_one_arrow_an_edge(self, impact: Impact) -> None:
        root = drawn(impact)
        assert [len(group.findall(f"{SVG}rect")) for group in nodes(root)] == [1] * len(impact.reached)
        assert len(list(root.iter(f"{SVG}rect"))) == len(impact.reached)
        assert sorted(group.findall(f"{SVG}text")[0].text or "" for group in nodes(root)) == sorted(
            one.name for one in impact.reached
        )
        arrows = [path for path in root.iter(f"{SVG}path") if path.attrib.get("class") == "edge"]
        assert len(arrows) == len(impact.edges)

    @given(impacts())
    def test_everything_lies_inside_and_nothing_upon_another(self, impact: Impact) -> None:
        root = drawn(impact)
        width, height = (float(root.attrib[name]) for name in ("width", "height"))
        assert root.attrib["viewBox"] == f"0 0 {width:.0f} {height:.0f}"
        corners: set[tuple[float, float]] = set()
        for box in root.iter(f"{SVG}rect"):
            left, top, wide, high = (float(box.attrib[name]) for name in ("x", "y", "width", "height"))
            assert left >= 0 <= top
            assert left + wide <= width
            assert top + high <= height
            assert all(abs(left - x) >= wide or abs(top - y) >= high for x, y in corners)
            corners.add((left, top))
        for path in root.iter(f"{SVG}path"):
            if path.attrib["class"] == "edge":
                assert max(float(x) for x in re.findall(r"(\d+) \d+", path.attrib["d"])) <= width

    def test_names_that_are_markup(self) -> None:
        root = drawn(chain(ODD, "b"))
        assert next(text.text for text in root.iter(f"{SVG}text")) == ODD
        assert [title.text for title in root.iter(f"{SVG}title")] == [f"{ODD} → b: {ODD} shows b"]
        source = drawing.svg(drawing.data(chain(ODD, "b")))
        assert "<script" not in source
        assert "\"&'" not in source

    def test_a_severity_that_is_markup(self) -> None:
        graph = drawing.data(chain("a"))
        graph["credentials"][0]["severity"] = ODD
        assert "<script" not in drawing.svg(graph)
        ET.fromstring(drawing.svg(graph))

    def test_how_things_are_marked(self) -> None:
        classes = {group.findall(f"{SVG}text")[0].text: group.attrib["class"] for group in nodes(drawn(IMPACT))}
        assert classes == {
            "host:web1": "node source leaked",
            "admin": "node high leaked",
            "database": "node medium",
            "cache": "node low",
        }

    def test_long_words_are_cut(self) -> None:
        long = "a-credential-with-a-very-long-name"
        (name, _kind) = drawn(chain(long)).iter(f"{SVG}text")
        assert name.text == "a-credential-with-a-very-…"
        assert len(name.text) == 26

    def test_columns_by_distance(self) -> None:
        root = drawn(chain("a", "b", "c"))
        lefts = [float(box.attrib["x"]) for box in root.iter(f"{SVG}rect")]
        assert lefts == sorted(set(lefts))

    def test_nothing(self) -> None:
        root = ET.fromstring(drawing.svg({"declared": [], "credentials": [], "edges": []}))
        assert float(root.attrib["height"]) >= 0
        assert list(root.iter(f"{SVG}rect")) == []
