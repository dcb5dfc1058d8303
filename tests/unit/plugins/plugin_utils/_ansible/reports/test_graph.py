# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A credential graph drawn, whatever its names hold."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

from hypothesis import given

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius_diagram
from ansible_collections.watchparty.secrets.plugins.module_utils._core.blast_radius import Impact
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import pages
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports.graph import drawing
from tests.unit.plugins.module_utils._core.test_blast_radius_diagram import ODD, impacts
from tests.unit.plugins.plugin_utils._leak.postmortem_facts import IMPACT, chain

SVG = "{http://www.w3.org/2000/svg}"


def svg(graph: Mapping[str, Any]) -> str:
    return pages.render("graph.svg.j2", graph=drawing(graph, "Blast radius", "declared"))


def drawn(impact: Impact) -> ET.Element:
    return ET.fromstring(svg(blast_radius_diagram.data(impact)))


def nodes(root: ET.Element) -> list[ET.Element]:
    return [group for group in root.iter(f"{SVG}g") if "node" in group.attrib["class"].split()]


class TestSvg:
    @given(impacts())
    def test_is_xml_with_one_node_a_name_and_one_arrow_an_edge(self, impact: Impact) -> None:
        root = drawn(impact)
        assert [len(group.findall(f"{SVG}rect")) for group in nodes(root)] == [1] * len(impact.reached)
        assert len(list(root.iter(f"{SVG}rect"))) == len(impact.reached)
        assert sorted(group.findall(f"{SVG}text")[0].text or "" for group in nodes(root)) == sorted(
            reached.name for reached in impact.reached
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
        source = svg(blast_radius_diagram.data(chain(ODD, "b")))
        assert "<script" not in source
        assert "\"&'" not in source

    def test_a_severity_that_is_markup(self) -> None:
        graph = blast_radius_diagram.data(chain("a"))
        graph["credentials"][0]["severity"] = ODD
        assert "<script" not in svg(graph)
        ET.fromstring(svg(graph))

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
        root = ET.fromstring(svg({"declared": [], "credentials": [], "edges": []}))
        assert float(root.attrib["height"]) >= 0
        assert list(root.iter(f"{SVG}rect")) == []
