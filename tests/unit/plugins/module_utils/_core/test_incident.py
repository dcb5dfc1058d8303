# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One leak, however often it is declared, from the journal's entries."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident, following

LEAK = Incident("leak-1", "2026-11-25T15:00:00Z", "ops", ("cache",), events={"planned": "2026-11-25T15:00:01Z"})
BY = {"rotation": "leak-1", "step": "closed", "who": "ops"}


def folded(*entries: dict[str, Any]) -> _journal.Journal:
    return _journal.fold(json.dumps({**BY, **entry, "number": at}) for at, entry in enumerate(entries, 1))


class TestFollowing:
    def test_nothing_is_declared(self) -> None:
        assert following(None, {}) is None
        assert following(None, {"events": {"planned": "t"}}) is None
        assert following(None, {"contained": "leak-1"}) is None
        assert following(None, {"incident": "leak-1"}) is None

    def test_declared(self) -> None:
        assert following(None, {"incident": LEAK.entry()}) == LEAK

    def test_an_entry_is_plain(self) -> None:
        assert json.loads(json.dumps(LEAK.entry())) == LEAK.entry()
        assert LEAK.entry()["declared"] == ["cache"]

    def test_a_second_declaration_joins_the_first(self) -> None:
        later = Incident(
            "leak-2",
            "2026-11-25T16:00:00Z",
            "somebody",
            ("admin", "cache"),
            since="2026-01-01T00:00:00Z",
            containment=incident.IMMEDIATE,
            events={"planned": "2026-11-25T16:00:01Z", "purged": "2026-11-25T16:00:02Z"},
        )
        result = following(LEAK, {"incident": later.entry()})
        assert result is not None
        assert (result.id, result.at, result.who, result.since) == ("leak-1", LEAK.at, "ops", "2026-01-01T00:00:00Z")
        assert result.declared == ("cache", "admin")
        assert result.events == {"planned": "2026-11-25T15:00:01Z", "purged": "2026-11-25T16:00:02Z"}

    @pytest.mark.parametrize(
        ("first", "second", "counts"), [("", "a", "a"), ("a", "", "a"), ("a", "b", "a"), ("b", "a", "a"), ("", "", "")]
    )
    def test_the_earlier_beginning_counts(self, first: str, second: str, counts: str) -> None:
        before = following(None, {"incident": Incident("leak-1", "t", "w", since=first).entry()})
        result = following(before, {"incident": Incident("leak-1", "t", "w", since=second).entry()})
        assert result is not None
        assert result.since == counts

    def test_a_new_value_that_leaked_too_has_to_be_verified_again(self) -> None:
        proofs = ("live", "outlived", "refused", "given", "kept", "renewed", "confirmed")
        seen = {f"{what}/{name}": "t" for what in proofs for name in "ab"}
        result = following(LEAK, {"events": {**seen, "skipped/a": "t", "again/a": "t"}})
        again = {"incident": Incident("leak-1", "t", "w", spoiled=("r1/a",)).entry()}
        result = following(result, again)
        assert result is not None
        assert result.spoiled == ("r1/a",)
        left = {"planned", "skipped/a", "again/a", *(event for event in seen if event.endswith("/b"))}
        assert set(result.events) == left
        verified = following(result, {"events": {"refused/a": "later"}})
        assert following(verified, again) == verified, "once"
        assert following(None, {"incident": json.loads(json.dumps(result.entry()))}) == result

    def test_graceful_becomes_immediate_and_never_back(self) -> None:
        harder = following(LEAK, {"incident": Incident("leak-2", "t", "w", containment="immediate").entry()})
        assert harder is not None
        assert (harder.id, harder.immediate) == ("leak-1", True)
        still = following(harder, {"incident": Incident("leak-3", "t", "w").entry()})
        assert still == harder

    def test_what_rotations_replaced(self) -> None:
        result = following(LEAK, {"replaced": {"secrets": {"core": "v1"}, "parameters": ["/a"]}})
        result = following(result, {"replaced": {"secrets": {"core": "v2", "copy": "v3"}, "parameters": ["/a", "/b"]}})
        assert result is not None
        assert result.dead == {"core": ("v1", "v2"), "copy": ("v3",)}
        assert result.parameters == ("/a", "/b")
        assert following(None, {"incident": json.loads(json.dumps(result.entry()))}) == result
        assert following(LEAK, {"replaced": "x"}) == LEAK

    def test_what_shows_it_is_the_entry_and_its_words(self) -> None:
        seen = {"live/cache": "t1", "refused/cache": "t2"}
        entry = {**BY, "rotation": "r-1", "step": "record", "events": seen, "evidence": {"refused/cache": "2 sessions"}}
        result = following(LEAK, entry, number=7)
        assert result is not None
        assert result.evidence == {
            "live/cache": "journal entry 7 (r-1, record)",
            "refused/cache": "journal entry 7 (r-1, record): 2 sessions",
        }
        again = following(result, {**entry, "evidence": {"refused/cache": "0 sessions"}}, number=9)
        assert again == result, "what was seen first counts"
        assert following(None, {"incident": json.loads(json.dumps(result.entry()))}) == result

    def test_what_shows_it_through_the_journal(self) -> None:
        noted = {"events": {"purged": "2026-11-25T15:00:02Z"}, "evidence": {"purged": "12 keys"}}
        result = folded({"incident": replace(LEAK, events={}).entry()}, noted).incident
        assert result is not None
        assert result.evidence == {"declared": "journal entry 1", "purged": "journal entry 2: 12 keys"}

    @pytest.mark.parametrize("odd", ["x", 1, ["purged"], {"purged": ["x"]}])
    def test_words_that_are_none(self, odd: Any) -> None:
        result = following(LEAK, {**BY, "events": {"purged": "t"}, "evidence": odd}, number=3)
        assert result is not None
        assert result.evidence["purged"].startswith("journal entry 3")

    def test_what_was_seen_first_counts(self) -> None:
        result = following(LEAK, {"events": {"planned": "later", "live/cache": "t"}})
        assert result is not None
        assert result.events == {"planned": "2026-11-25T15:00:01Z", "live/cache": "t"}
        assert following(LEAK, {"events": ["planned"]}) == LEAK

    def test_a_host_that_was_skipped_until_it_is_back(self) -> None:
        leak = LEAK
        for events, behind in (
            ({"skipped/web2": "t1", "skipped/web3": "t1"}, ["web2", "web3"]),
            ({"verified/web2": "t2"}, ["web3"]),
            ({"skipped/web2": "t3"}, ["web2", "web3"]),
            ({"skipped/web3": "t4"}, ["web2", "web3"]),
            ({"verified/web2": "t5", "verified/web3": "t5"}, []),
        ):
            result = following(leak, {**BY, "events": events, "evidence": dict.fromkeys(events, "seen")}, number=9)
            assert result is not None
            assert (result.behind, result.events.keys() - result.evidence.keys()) == (behind, {"planned"})
            leak = result
        seen = {"skipped/web3": "t1", "skipped/web2": "t3", "verified/web2": "t5", "verified/web3": "t5"}
        assert leak.events == {**LEAK.events, **seen}

    def test_contained(self) -> None:
        assert following(LEAK, {"contained": "leak-1"}) is None
        assert following(LEAK, {"contained": "leak-0"}) == LEAK
        assert following(LEAK, {}) == LEAK

    @given(st.lists(st.lists(st.sampled_from("abcd"), max_size=4), min_size=1, max_size=5))
    def test_joined_in_any_order_nothing_is_lost_or_doubled(self, declared: list[list[str]]) -> None:
        result = None
        for group in declared:
            result = following(result, {"incident": Incident("leak-1", "t", "w", tuple(group)).entry()})
        assert result is not None
        assert len(result.declared) == len(set(result.declared) | set(declared[0])) or len(declared) == 1
        assert set(result.declared) == {name for group in declared for name in group}


class TestInTheJournal:
    def test_it_stays_until_it_is_contained_and_beside_a_rotation(self) -> None:
        opened = {"rotation": "r1", "step": "plan"}
        journal = folded({"incident": LEAK.entry()}, opened, {"events": {"purged": "t"}})
        assert journal.incident is not None
        assert journal.incident.events["purged"] == "t"
        assert journal.rotation is not None
        assert journal.rotation.id == "r1"
        journal = folded({"incident": LEAK.entry()}, opened, {"contained": "leak-1"})
        assert journal.incident is None
        assert journal.rotation is not None

    def test_a_trim_keeps_it(self) -> None:
        journal = folded({"incident": LEAK.entry()})
        assert folded({**_journal.base_entry(journal), **BY}).incident == journal.incident
        assert "incident" not in _journal.base_entry(folded({}))

    @pytest.mark.parametrize("answer", [{}, {"id": "x"}, {**LEAK.entry(), "more": 1}, {**LEAK.entry(), "declared": 1}])
    def test_what_is_no_incident(self, answer: dict[str, Any]) -> None:
        with pytest.raises(JournalError, match="journal entry 1 is not a journal entry"):
            folded({"incident": answer})
