# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The post-mortem as Markdown: every fact under its heading, and tables that no text can break."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius_diagram
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import postmortem_markdown
from tests.unit.plugins.plugin_utils._leak.postmortem_facts import IMPACT, facts

HEADINGS = [
    "What leaked",
    "Clock",
    "Blast radius",
    "Hosts and services",
    "Reads during the exposure",
    "Evidence from before the containment",
    "What logs and files tell, by time",
    "What was done",
    "Old values tried",
    "Ways back in",
    "Scrubbed",
    "Cannot be scrubbed",
    "Still open",
    "Cause",
    "Assessment of the blast radius",
    "Improvements",
]


def sections(text: str) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {"": []}
    heading = ""
    for line in text.splitlines():
        if line.startswith("## "):
            heading = line[3:]
            result[heading] = []
        elif line:
            result[heading].append(line)
    return result


def tables(text: str) -> Iterator[list[str]]:
    """The rows of each table."""
    rows: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append(line)
        elif rows:
            yield rows
            rows = []


class TestMarkdown:
    def test_every_heading_in_order_and_what_stands_below(self) -> None:
        result = sections(postmortem_markdown.markdown(facts(), blast_radius_diagram.mermaid(IMPACT)))
        assert list(result)[1:] == HEADINGS
        assert result[""] == [
            "# Leak leak-20261125T150000-beef",
            "watchparty, production. Declared 2026-11-25T15:00:00Z by ops@laptop.",
            "**Contained in 40.0 s**, graceful.",
        ]
        assert result["What leaked"] == [
            "- admin: its AWSCURRENT value, unchanged",
            "Exposed since 2026-11-20T10:00:00Z.",
        ]
        assert result["Clock"] == [
            "| what | seconds from the declaration |",
            "|---|---|",
            "| plan | 1.2 |",
            "| first new value live | 20.0 |",
            "| last old value rejected | 40.0 |",
            "| caches purged | - |",
            "| sessions ended | - |",
            "| healthy again | 41.5 |",
            "- the application was taken down at 3 s and was down for at most 38 s (r-1)",
        ]
        graph = result["Blast radius"]
        assert graph[:2] == ["```mermaid", "flowchart LR"]
        assert graph[graph.index("```") + 1] == "| credential | kind | severity | through | state | evidence |"
        assert "| cache | valkey_user | low | database | OPEN: not replaced | rotation r1 |" in graph
        assert result["What was done"][2:] == [
            "| 0.0 | 2026-11-25T15:00:00Z | declared by ops@laptop |  |",
            "| 40.0 | 2026-11-25T15:00:40Z | refused | rotation r1 |",
        ]
        for heading, line in {
            "Hosts and services": "web1",
            "Reads during the exposure": "CloudTrail was not asked",
            "Evidence from before the containment": "database: 10.0.0.7",
            "Scrubbed": "AWSPREVIOUS off version 7 of core",
            "Cannot be scrubbed": "scrubbing does not undo earlier reads",
            "Still open": "cache: not replaced",
        }.items():
            assert result[heading] == [f"- {line}"]
        assert [result[heading] for heading, _question in postmortem_markdown.TO_FILL] == [
            [f"*{question}*"] for _heading, question in postmortem_markdown.TO_FILL
        ]

    def test_of_nothing(self) -> None:
        """What is not known is said so."""
        gone = ("hosts_words", "readers", "evidence", "scrubbed", "not_scrubbed", "open", "clock", "declared_words")
        bare = {key: item for key, item in facts().items() if key not in gone}
        text = postmortem_markdown.markdown({**bare, "contained_seconds": None, "exposed_since": "", "credentials": []})
        result = sections(text)
        assert "**NOT contained**, graceful." in result[""]
        assert result["What leaked"] == ["- admin", "Exposed since an unknown time."]
        assert result["Still open"] == ["- nothing"]
        for heading in ("Hosts and services", "Reads during the exposure", "Scrubbed", "Cannot be scrubbed"):
            assert result[heading] == ["- nothing was found"]
        assert "mermaid" not in text
        assert text.count("| - |") == len(postmortem_markdown.CLOCK) - 1, "no row for a confirmation"
        assert text.endswith("*\n")

    def test_contained_and_not_healthy(self) -> None:
        text = postmortem_markdown.markdown(facts(unhealthy=["not healthy at the end: web2: no answer"]))
        assert "**Contained in 40.0 s, and not healthy**, graceful." in sections(text)[""]

    @given(st.text(max_size=30))
    @pytest.mark.parametrize("odd", ["|", "\n|---|", "\r\n# x", "<script>x</script>", "![x](http://h/)", "\u2028"])
    def test_no_text_breaks_a_table_or_becomes_markup(self, odd: str, value: str) -> None:
        text = postmortem_markdown.markdown(facts(odd + value))
        assert len(sections(text)) == len(HEADINGS) + 1
        results = list(tables(text))
        assert [len(rows) - 2 for rows in results] == [6, 3, 2]
        for rows in results:
            assert len({row.count("|") for row in rows}) == 1
        assert "<script" not in text
        assert "![" not in text


class TestClock:
    def test_in_the_order_of_the_figures(self) -> None:
        assert postmortem_markdown.clock_of({"clock": {"planned": 0.0, "sessions": 3.5}}) == [
            ("plan", 0.0),
            ("first new value live", None),
            ("last old value rejected", None),
            ("caches purged", None),
            ("sessions ended", 3.5),
            ("healthy again", None),
        ]
        assert {at for _words, at in postmortem_markdown.clock_of({})} == {None}

    def test_without_sessions_nobody_waits_for_their_end(self) -> None:
        hands = [message for message, _at in postmortem_markdown.clock_of({"left_out": ["sessions"]})]
        assert "sessions ended" not in hands
        assert "caches purged" in hands
        seen = {"left_out": ["sessions"], "clock": {"sessions": 3.5}}
        assert ("sessions ended", 3.5) in postmortem_markdown.clock_of(seen), (
            "an earlier run of the incident ended some"
        )
