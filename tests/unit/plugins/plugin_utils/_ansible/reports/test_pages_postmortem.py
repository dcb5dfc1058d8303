# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The post-mortem as a page: it can ask no network for anything, and every text in it is text."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import postmortem_markdown
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports.pages import postmortem as page
from tests.unit.plugins.plugin_utils._leak.postmortem_facts import chain, facts

VOID = {"meta", "path", "rect"}
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "div", "b", "span", "ul", "li"),
    *("table", "thead", "tr", "th", "td", "svg", "defs", "marker", "path", "g", "rect", "text"),
}
ASKING = {
    *("src", "href", "srcset", "action", "formaction", "poster", "data", "background", "ping", "xlink:href", "cite"),
    *("manifest", "archive", "codebase", "longdesc", "profile", "usemap", "icon", "srcdoc"),
}

ODD = ("<script>x('http://h/')</script>", '"><img src=http://h/x>', "' onload='x", "</style><base href=//h>", "]]>")


class Parsed(HTMLParser):
    """What a reader's browser sees: elements, their attributes, and texts."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def messages(self) -> list[str]:
        return [text.strip() for text in self.texts if text.strip()]

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """The elements and the names of their attributes."""
        return [(tag, tuple(attributes)) for tag, attributes in self.tags]


def of(tag: str, document: str) -> list[dict[str, str]]:
    return [attributes for name, attributes in Parsed(document).tags if name == tag]


@cache
def plain_shape() -> list[tuple[str, tuple[str, ...]]]:
    return Parsed(page(facts("x"))).shape()


class TestNoNetwork:
    def test_the_policy_forbids_it(self) -> None:
        document = page(facts())
        policies = [entry for entry in of("meta", document) if entry.get("http-equiv") == "Content-Security-Policy"]
        assert [policy["content"] for policy in policies] == ["default-src 'none'; style-src 'unsafe-inline'"]
        assert document.index("Content-Security-Policy") < document.index("<style")
        assert not [entry for entry in of("meta", document) if entry.get("http-equiv", "").lower() == "refresh"]

    def test_nothing_asks_for_anything(self) -> None:
        document = page(facts())
        for tag, attributes in Parsed(document).tags:
            assert tag in ALLOWED
            assert not ASKING & set(attributes)
            assert not any(name.startswith("on") for name in attributes)
        assert set(re.findall(r"url\(([^)]*)\)", document)) == {"#arrow"}
        assert "@import" not in document
        # The only address names the language of the drawing, which no browser asks for.
        assert re.findall(r"\w+://[^\s\"'<]+", document) == ["http://www.w3.org/2000/svg"]

    @example(ODD[0], "")
    @example(ODD[1], "")
    @example(ODD[2], "")
    @example(ODD[3], "")
    @example(ODD[4], "")
    @given(st.sampled_from(ODD), st.text(max_size=20))
    def test_every_text_is_text(self, odd: str, value: str) -> None:
        """The same elements and attributes, whatever the facts hold."""
        other = Parsed(page(facts(odd + value)))
        assert other.shape() == plain_shape()
        assert other.open == []
        assert any(odd in text for text in other.messages)

    def test_names_in_the_drawing_are_text(self) -> None:
        odd = "</svg><script>x</script>"
        graph = facts(impact=chain(odd, "b"))
        assert Parsed(page(graph)).shape() == Parsed(page(facts(impact=chain("a", "b")))).shape()

    @pytest.mark.parametrize("field", ["kind", "severity"])
    def test_so_are_kinds_and_severities(self, field: str) -> None:
        def with_field(text: str) -> dict[str, Any]:
            result = facts()
            result["credentials"][0][field] = result["graph"]["credentials"][0][field] = text
            return result

        assert Parsed(page(with_field('"><script>'))).shape() == Parsed(page(with_field("x"))).shape()


class TestWhatItSays:
    def test_contained(self) -> None:
        messages = Parsed(page(facts())).messages
        assert messages.count("Leak leak-20261125T150000-beef") == 2
        assert "40.0 s" in messages
        assert "from the declaration to the last rejected value, graceful" in messages
        assert any("exposed since 2026-11-20T10:00:00Z" in message for message in messages)
        for name in ("cache: not replaced", "database: 10.0.0.7", "AWSPREVIOUS off version 7 of core", "web1"):
            assert name in messages
        for heading, question in postmortem_markdown.TO_FILL:
            assert messages[messages.index(heading) + 1] == question

    def test_not_contained(self) -> None:
        document = page(facts(contained_seconds=None, exposed_since=""))
        messages = Parsed(document).messages
        assert "NOT contained" in messages
        assert "see what is still open" in messages
        assert any("exposed since an unknown time" in message for message in messages)
        assert '<div class="contained not">' in document
        assert "from the declaration to the last rejected value" not in document

    def test_contained_and_not_healthy(self) -> None:
        messages = Parsed(page(facts(unhealthy=["not healthy at the end: web2: no answer"]))).messages
        assert (
            "from the declaration to the last rejected value, graceful; not healthy, see what is still open" in messages
        )

    def test_of_nothing(self) -> None:
        gone = ("hosts_words", "readers", "evidence", "scrubbed", "not_scrubbed", "open", "clock", "declared_words")
        bare = {key: item for key, item in facts(credentials=[], timeline=[]).items() if key not in gone}
        messages = Parsed(page(bare)).messages
        assert messages[messages.index("Still open") + 1] == "nothing"
        for heading in ("Hosts and services", "Reads during the exposure", "Scrubbed", "Cannot be scrubbed"):
            assert messages[messages.index(heading) + 1] == "nothing was found"
        assert messages[messages.index("What leaked") + 1] == "admin"
        to_come = len(postmortem_markdown.CLOCK) - 2  # contained, so no old value is still to be rejected or confirmed
        assert messages.count("not yet") == to_come

    def test_bars_by_the_longest_time(self) -> None:
        clock = {"planned": 0.0, "first_live": 25.0, "refused": 100.0}
        document = page(facts(clock=clock))
        assert re.findall(r'class="bar" style="width:([\d.]+)%"', document) == ["0.5", "25.0", "100.0"]
        assert Parsed(document).messages.count("not yet") == 3
        assert re.findall(r'style="width:([\d.]+)%"', page(facts(clock={"planned": 0.0}))) == ["0.5"]

    def test_what_is_open_stands_out(self) -> None:
        document = page(facts())
        assert re.findall(r'<td class="state-open" data-label="state">([^<]*)</td>', document) == ["OPEN: not replaced"]
        assert document.count('<td class="" data-label="state">') == 2

    def test_one_box_a_name_in_the_drawing(self) -> None:
        assert len(of("rect", page(facts()))) == 4
        assert len(of("rect", page(facts(impact=chain("a", "b", "c"))))) == 3

    def test_for_light_and_dark(self) -> None:
        document = page(facts())
        assert "@media(prefers-color-scheme:dark)" in document
        light, dark = (set(re.findall(r"--\w+", part)) for part in re.findall(r":root\{([^}]*)\}", document))
        assert light == dark, "each colour has its twin"
        assert set(re.findall(r"var\((--\w+)\)", document)) <= light
