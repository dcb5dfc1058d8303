# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The post-mortem's facts from what the journal keeps and a run saw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils import _postmortem, _postmortem_page
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._incident_facts import facts_of, open_rotation

NOW = datetime(2026, 11, 25, 15, 2, tzinfo=UTC)
IMPACT: dict[str, Any] = {
    "declared": ["admin"],
    "credentials": [
        {"name": "admin", "kind": "k", "severity": "high", "wave": 0, "via": []},
        {
            "name": "cache",
            "kind": "k",
            "severity": "low",
            "wave": 1,
            "via": [{"from": "admin", "why": "it may change it"}, {"from": "host:web1", "why": "it is there"}],
        },
    ],
    "edges": [{"from": "admin", "to": "cache", "why": "it may change it"}],
}
DONE = {"replaced": True, "evidence": "rotation r1"}
EVENTS = {
    "planned": "2026-11-25T15:00:02Z",
    "live/cache": "2026-11-25T15:00:20Z",
    "live/admin": "2026-11-25T15:00:10Z",
    "refused/cache": "2026-11-25T15:00:30Z",
    "refused/admin": "2026-11-25T15:00:12Z",
    "sessions": "2026-11-25T15:00:31Z",
}


@pytest.fixture(scope="module")
def made(catalog: Callable[..., Catalog]) -> Catalog:
    place = {"secret": "s-{environment}"}
    credentials = {
        "admin": {"kind": "k", "appears_in": [place]},
        "cache": {"kind": "k", "appears_in": [place], "provider_url": "https://provider.example/keys"},
    }
    return catalog({"A": {"value": "x"}}, credentials=credentials)


def incident(**more: Any) -> Incident:
    return Incident("leak-1", "2026-11-25T15:00:00Z", "ops", ("admin",), **more)


class TestFacts:
    def test_of_a_leak_that_is_contained(self, made: Catalog) -> None:
        told = {
            "declared": ["admin: its AWSCURRENT value, as it is"],
            "hosts": ["web1"],
            "readers": ["r"],
            "evidence": ["e"],
            "scrubbed": ["s"],
            "not_scrubbed": ["n"],
            "open": ["web2 was left behind and must be rebuilt"],
        }
        results = {"admin": DONE, "cache": DONE}
        found = facts_of(made, incident(events=EVENTS, since="2026-11-20T10:00:00Z"), IMPACT, results, told, NOW)
        assert found["clock"] == {
            "planned": 2.0,
            "first_live": 10.0,
            "healthy": 20.0,
            "refused": 30.0,
            "sessions": 31.0,
        }
        assert found["contained_seconds"] == 30.0
        assert found["declared_words"] == told["declared"]
        assert (found["hosts_words"], found["readers"], found["evidence"]) == (["web1"], ["r"], ["e"])
        assert (found["scrubbed"], found["not_scrubbed"], found["open"]) == (["s"], ["n"], told["open"])
        assert (found["exposed_since"], found["written_at"]) == ("2026-11-20T10:00:00Z", "2026-11-25T15:02:00Z")
        assert [(one["seconds"], one["what"]) for one in found["timeline"]] == [
            (0.0, "declared by ops"),
            (2.0, "the blast radius and the plan were known"),
            (10.0, "every host was healthy on the new value of admin"),
            (12.0, "the old value of admin was refused"),
            (20.0, "every host was healthy on the new value of cache"),
            (30.0, "the old value of cache was refused"),
            (31.0, "sessions were ended"),
        ]
        assert found["credentials"][1] == {
            "name": "cache",
            "kind": "k",
            "severity": "low",
            "through": "admin, it may change it; host:web1, it is there",
            "state": "replaced, the old value is refused",
            "open": False,
            "evidence": "rotation r1",
        }
        assert found["credentials"][0]["through"] == "declared"

    def test_one_that_is_not_replaced_is_open(self, made: Catalog) -> None:
        results = {"admin": DONE, "cache": {"replaced": False, "why": "the provider asks for a ticket"}}
        found = facts_of(made, incident(events=EVENTS), IMPACT, results, {}, NOW)
        assert found["contained_seconds"] is None
        words = "OPEN: the provider asks for a ticket; revoke it at https://provider.example/keys"
        assert found["open"] == [f"cache: {words}"]
        assert (found["credentials"][1]["state"], found["credentials"][1]["open"]) == (words, True)

    def test_one_that_nothing_was_told_of_is_open(self, made: Catalog) -> None:
        found = facts_of(made, incident(), IMPACT, {"cache": DONE}, {}, NOW)
        assert found["open"] == ["admin: OPEN: not replaced"]
        assert (found["clock"], found["declared_words"]) == ({}, ["admin"])

    def test_one_that_an_earlier_run_replaced_is_not_open(self, made: Catalog) -> None:
        events = {"refused/cache": "2026-11-25T15:00:30Z"}
        found = facts_of(made, incident(events=events), IMPACT, {"admin": DONE}, {}, NOW)
        assert (found["open"], found["contained_seconds"]) == ([], 30.0)
        assert found["credentials"][1]["evidence"] == "refused since 2026-11-25T15:00:30Z"
        again = {"admin": DONE, "cache": {"replaced": False, "why": "it leaked again"}}
        assert facts_of(made, incident(events=events), IMPACT, again, {}, NOW)["open"] != []

    def test_other_events_are_told_as_they_are(self, made: Catalog) -> None:
        events = {"odd/{x}": "2026-11-25T15:00:01Z", "{y}": "2026-11-25T15:00:02Z", "live/{z}": "2026-11-25T15:00:03Z"}
        found = facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)
        assert [one["what"] for one in found["timeline"]][1:] == [
            "odd/{x}",
            "{y}",
            "every host was healthy on the new value of {z}",
        ]

    def test_an_event_without_a_time(self, made: Catalog) -> None:
        with pytest.raises(JournalError, match="'soon' in the journal is no time"):
            facts_of(made, incident(events={"planned": "soon"}), IMPACT, {}, {}, NOW)

    @pytest.mark.parametrize("impact", [IMPACT, {}])
    def test_both_reports_take_them(self, made: Catalog, impact: dict[str, Any]) -> None:
        found = facts_of(made, incident(), impact, {}, {}, NOW)
        assert "**NOT contained**" in _postmortem.markdown(found)
        assert "NOT contained" in _postmortem_page.page(found)


def rotation(step: str = "deploy", **item: Any) -> Journal:
    plan = {"credentials": {"token": item}}
    return Journal(rotation=OpenRotation("r1", step, "ops", "2026-11-25T14:00:00Z", plan=plan))


class TestOpenRotation:
    def test_none(self) -> None:
        assert open_rotation(Journal(), IMPACT, []) is None

    ALONE: dict[str, Any] = {
        "credentials": [{"name": "token"}],
        "edges": [{"from": "token", "to": "token", "why": "w"}],
    }
    PENDING = {"credential": "token", "stage": "AWSPENDING", "form": "as it is"}

    @pytest.mark.parametrize(
        ("impact", "matches", "item", "leaked"),
        [
            (ALONE, [], {"phases": 1}, False),
            ({}, [], {"phases": 2}, False),
            ({"edges": [{"from": "host:web1", "to": "token"}]}, [], {}, True),
            (ALONE, [], {"phases": 2}, True),
            (ALONE, [PENDING], {}, True),
            (ALONE, [{**PENDING, "stage": "AWSCURRENT"}], {}, False),
            (ALONE, [{**PENDING, "credential": "other"}], {}, False),
        ],
        ids=["old alone", "another", "exposed", "keeps the old", "the new was found", "the old was found", "elsewhere"],
    )
    def test_whether_its_new_values_may_have_leaked(
        self, impact: dict[str, Any], matches: list[dict[str, Any]], item: dict[str, Any], leaked: bool
    ) -> None:
        assert open_rotation(rotation(**item), impact, matches) == {
            "id": "r1",
            "step": "deploy",
            "credentials": ["token"],
            "may_have_leaked": leaked,
        }

    @pytest.mark.parametrize("step", ["retire", "record"])
    def test_one_that_cannot_be_taken_back_any_more_is_ended(self, step: str) -> None:
        found = open_rotation(rotation(step), {}, [self.PENDING])
        assert found is not None
        assert found["may_have_leaked"] is False
