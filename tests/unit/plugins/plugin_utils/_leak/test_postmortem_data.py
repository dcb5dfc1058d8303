# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The post-mortem's facts from what the journal keeps and a run saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import pages, postmortem_markdown
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.postmortem_data import facts_of, serving
from tests.unit.plugins.plugin_utils._leak.postmortem_ground import DONE, EVENTS, IMPACT, NOW, incident, small_catalog


@pytest.fixture(scope="module")
def made(catalog: Callable[..., Catalog]) -> Catalog:
    return small_catalog(catalog)


class TestFacts:
    def test_of_a_leak_that_is_contained(self, made: Catalog) -> None:
        told = {
            "declared": ["admin: its AWSCURRENT value, as it is"],
            "hosts": ["web1"],
            "readers": ["r"],
            "evidence": ["e"],
            "scrubbed": ["s"],
            "not_scrubbed": ["n"],
            "open": ["web2 was skipped as compromised and must be rebuilt"],
        }
        results = {"admin": DONE, "cache": DONE}
        found = facts_of(made, incident(events=EVENTS, since="2026-11-20T10:00:00Z"), IMPACT, results, told, NOW)
        assert found["clock"] == {
            "planned": 2.0,
            "first_live": 10.0,
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
            (10.0, "every host that was reached was healthy on the new value of admin"),
            (12.0, "the old value of admin was rejected"),
            (20.0, "every host that was reached was healthy on the new value of cache"),
            (30.0, "the old value of cache was rejected"),
            (31.0, "sessions were ended"),
        ]
        assert found["credentials"][1] == {
            "name": "cache",
            "kind": "k",
            "severity": "low",
            "through": "admin, it may change it; host:web1, it is there",
            "state": "replaced, the old value is rejected",
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

    def test_what_a_run_before_this_one_did_counts(self, made: Catalog) -> None:
        found = facts_of(made, incident(events=EVENTS), IMPACT, {}, {}, NOW)
        assert (found["open"], found["contained_seconds"]) == ([], 30.0)

    def test_a_former_value_that_waits_for_its_revocation_is_open(self, made: Catalog) -> None:
        """What the last rotation replaced may be what was found."""
        told = {"waits": {"cache": "what r-1 replaced at some time may still be valid"}}
        found = facts_of(made, incident(events=EVENTS), IMPACT, {"admin": DONE, "cache": DONE}, told, NOW)
        assert found["contained_seconds"] is None
        words = "OPEN: the new one is in force, but what r-1 replaced at some time may still be valid"
        assert found["open"] == [f"cache: {words}"]

    def test_what_a_leaked_access_key_was_exchanged_for_is_named_and_holds_nothing_up(self, made: Catalog) -> None:
        """Temporary credentials do not end with the key."""
        first, second = IMPACT["credentials"]
        impact = {**IMPACT, "credentials": [first, {**second, "kind": "aws_access_key"}]}
        found = facts_of(made, incident(events=EVENTS), impact, {}, {"open": ["x"], "unhealthy": ["y"]}, NOW)
        words = (
            "temporary credentials that were issued with the leaked key of cache before 2026-11-25T15:00:30Z work "
            "until they expire; end them by policies that deny what was issued before, see docs/runbooks/by-hand.md "
            "(An access key)"
        )
        assert found["open"] == ["x", words, "y"]
        assert (found["contained_seconds"], found["credentials"][1]["open"]) == (30.0, False)
        assert f"- {words}" in postmortem_markdown.markdown(found).partition("## Still open")[2]
        said = {**EVENTS, "confirmed/cache": "2026-11-25T15:01:00Z"}
        del said["refused/cache"]
        found = facts_of(made, incident(events=said), impact, {}, {}, NOW)
        assert [one for one in found["open"] if "cache before 2026-11-25T15:01:00Z work" in one]
        kept = {"cache": {"replaced": False, "why": "no"}}
        found = facts_of(made, incident(events={}), impact, kept, {}, NOW)
        assert not [one for one in found["open"] if "temporary" in one], "the key itself is valid yet"

    def test_sessions_that_outlive_an_old_value_are_named_with_what_ends_them(self, made: Catalog) -> None:
        events = {**EVENTS, "outlived/cache": EVENTS["refused/cache"]}
        shown = {"outlived/cache": "journal entry 9 (r1, revoke): h:6379: the user lacks a right there"}
        found = facts_of(made, incident(events=events, evidence=shown), IMPACT, {}, {}, NOW)
        words = (
            "cache: sessions that its old value opened could not be ended and stay logged in (journal entry 9 (r1, "
            "revoke): h:6379: the user lacks a right there); end them at each node by valkey-cli (CLIENT KILL TYPE "
            "normal), or where cluster mode is off reboot the nodes, which lose what they hold (aws elasticache "
            "reboot-cache-cluster), see docs/runbooks/by-hand.md (An ElastiCache token)"
        )
        assert found["open"] == [words]
        assert found["contained_seconds"] == 30.0
        assert "sessions of the old value of cache could not be ended" in [one["what"] for one in found["timeline"]]

    def test_a_removal_alone_is_no_replacement(self, made: Catalog) -> None:
        results = {"admin": DONE, "cache": {"replaced": False, "why": "web1 is not healthy"}}
        found = facts_of(made, incident(events={"refused/cache": EVENTS["refused/cache"]}), IMPACT, results, {}, NOW)
        assert found["open"][0].startswith("cache: OPEN: web1 is not healthy")

    @pytest.mark.parametrize("results", [{}, {"cache": DONE}])
    def test_what_its_provider_must_revoke_is_open_until_the_operator_says_so(
        self, made: Catalog, results: dict[str, Any]
    ) -> None:
        events = {"refused/admin": EVENTS["refused/admin"], "given/cache": EVENTS["live/cache"]}
        found = facts_of(made, incident(events=events), IMPACT, results, {}, NOW)
        words = (
            "cache: OPEN: the new value is in force; revoke the old value at https://provider.example/keys, then start "
            "again with -e leak_revoked=cache"
        )
        assert (found["open"], found["contained_seconds"]) == ([words], None)
        events["confirmed/cache"] = "2026-11-25T15:01:00Z"
        found = facts_of(made, incident(events=events), IMPACT, results, {}, NOW)
        assert (found["open"], found["contained_seconds"]) == ([], 60.0)
        words = "revoked, as the operator says; the new value is in force; the old one was {}"
        assert found["credentials"][1]["state"] == words.format("NOT tried")
        assert (found["clock"]["refused"], found["clock"]["said"], found["on_word"]) == (12.0, 60.0, ["cache"])
        shown = {"confirmed/cache": "journal entry 7: tried and refused: refused now at https://p.example/me"}
        found = facts_of(made, incident(events=events, evidence=shown), IMPACT, results, {}, NOW)
        assert found["credentials"][1]["state"] == words.format("tried and refused")
        assert (found["clock"]["refused"], "said" in found["clock"], found["on_word"]) == (60.0, False, [])
        assert found["contained_seconds"] == 60.0

    def test_nobodys_word_wins_over_what_lets_it_in(self, made: Catalog) -> None:
        events = {"refused/admin": EVENTS["refused/admin"], "confirmed/cache": EVENTS["live/cache"]}
        for told in ({"let_in": {"cache": ["web2"]}}, {"waits": {"cache": "what r-1 replaced may still be valid"}}):
            found = facts_of(made, incident(events=events), IMPACT, {}, told, NOW)
            assert found["open"][0].startswith("cache: OPEN: the new one is in force, but ")
            assert found["contained_seconds"] is None

    def test_revoked_and_not_replaced(self, made: Catalog) -> None:
        events = {"refused/admin": EVENTS["refused/admin"], "confirmed/cache": EVENTS["refused/cache"]}
        shown = {"confirmed/cache": "journal entry 7: tried and refused: what an earlier rotation replaced"}
        found = facts_of(made, incident(events=events, evidence=shown), IMPACT, {}, {}, NOW)
        assert found["contained_seconds"] == 30.0
        words = "revoked, as the operator says; the new value is NOT in force; the old one was NOT tried"
        assert found["credentials"][1]["state"] == words
        assert found["credentials"][1]["open"] is False
        words = (
            "cache: revoked, and this response has put no new value in force: unless you did, give it by "
            "watchparty.secrets.rotate "
            "-e rotation_credentials=cache -e rotation_force=true"
        )
        assert found["open"] == [words]

    def test_nothing_but_a_word(self, made: Catalog) -> None:
        """The clock does not call it a refusal, and the time to contain says whose word it is."""
        events = {"confirmed/admin": EVENTS["refused/admin"], "confirmed/cache": EVENTS["refused/cache"]}
        found = facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)
        assert (found["clock"], found["contained_seconds"]) == ({"said": 30.0}, 30.0)
        assert found["on_word"] == ["admin", "cache"]
        words = ", revocation of admin, cache confirmed by the operator, not tested"
        text, page = postmortem_markdown.markdown(found), pages.postmortem(found)
        assert f"**Contained in 30.0 s{words}**, graceful." in text
        assert "| last old value rejected | - |\n| last old value confirmed as revoked | 30.0 |" in text
        assert "from the declaration to the last rejected value, revocation of admin, cache confirmed" in page
        assert "last old value confirmed as revoked" in page

    def test_one_that_is_open_is_no_word(self, made: Catalog) -> None:
        events = {"refused/admin": EVENTS["refused/admin"], "confirmed/cache": EVENTS["live/cache"]}
        found = facts_of(made, incident(events=events), IMPACT, {}, {"let_in": {"cache": ["web2"]}}, NOW)
        assert len(found["open"]) == 1

    def test_what_still_works_keeps_it_open(self, made: Catalog) -> None:
        told = {"alive": ["a session that was ended is STILL ACCEPTED at URL"], "tried": ["t"]}
        found = facts_of(made, incident(events=EVENTS), IMPACT, {}, told, NOW)
        assert (found["open"], found["contained_seconds"], found["tried"]) == (told["alive"], None, ["t"])

    def test_a_host_that_still_lets_it_in_keeps_it_open(self, made: Catalog) -> None:
        told = {"let_in": {"cache": ["web2", "web3"]}}
        results = {"admin": DONE, "cache": DONE}
        found = facts_of(made, incident(events=EVENTS), IMPACT, results, told, NOW)
        words = (
            "OPEN: the new one is in force, but still open to the leaked one: web2, web3. Deploy "
            "nothing there; start the same command again once they answer, or leave them for good by "
            "-e leak_compromised_hosts=web2,web3 and rebuild them"
        )
        assert (found["open"], found["contained_seconds"]) == ([f"cache: {words}"], None)
        assert found["credentials"][1]["state"] == words

    def test_what_the_audit_log_lacks_is_named(self, made: Catalog) -> None:
        """It stands in no containment's way."""
        events = {**EVENTS, "unrecorded/r1": "2026-11-25T15:00:32Z"}
        found = facts_of(made, incident(events=events), IMPACT, {"admin": DONE, "cache": DONE}, {}, NOW)
        assert found["contained_seconds"] == 30.0
        remedy = "put the log right, and write one by hand (docs/how-to/audit-log.md)"
        assert found["open"] == [f"rotation r1 has no record in the audit log; {remedy}"]
        assert found["timeline"][-1]["what"] == "r1 ended without a record in the audit log, which held nothing up"

    def test_who_was_left_behind_is_named(self, made: Catalog) -> None:
        found = facts_of(made, incident(events={**EVENTS, "left/web3": "2026-11-25T15:00:29Z"}), IMPACT, {}, {}, NOW)
        assert found["open"] == [
            ("web3 was skipped and holds revoked values. When it answers, run watchparty.secrets.deploy")
        ]
        assert found["contained_seconds"] == 30.0

    def test_what_shows_each_line_of_the_timeline(self, made: Catalog) -> None:
        evidence = {
            "refused/cache": "journal entry 9: by c",
            "declared": "journal entry 1",
            "live/cache": "journal entry 7 (r-1, promote)",
        }
        found = facts_of(made, incident(events=EVENTS, evidence=evidence), IMPACT, {}, {}, NOW)
        shown = {one["what"]: one["evidence"] for one in found["timeline"]}
        assert shown["declared by ops"] == "journal entry 1"
        healthy = "every host that was reached was healthy on the new value of cache"
        assert shown[healthy] == "journal entry 7 (r-1, promote)"
        assert shown["sessions were ended"] == ""
        assert found["credentials"][1]["evidence"] == "refused since 2026-11-25T15:00:30Z; journal entry 9: by c"
        for text in (postmortem_markdown.markdown(found), pages.postmortem(found)):
            assert "journal entry 7 (r-1, promote)" in text

    def test_the_clock_tells_the_first_host_from_all_healthy_in_the_end(self, made: Catalog) -> None:
        events = {**EVENTS, "first/r-1": "2026-11-25T15:00:05Z", "first/r-2": "2026-11-25T15:00:15Z"}
        found = facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)
        assert found["clock"]["first_live"] == 5.0
        assert "healthy" not in found["clock"], "nobody has looked since the last removal"
        events["healthy"] = "2026-11-25T15:00:40Z"
        assert facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)["clock"]["healthy"] == 40.0
        events["refused/cache"] = "2026-11-25T15:00:50Z"
        found = facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)
        assert "healthy" not in found["clock"], "what was removed after the look may have broken it"

    def test_each_hosts_services(self, catalog: Callable[..., Catalog]) -> None:
        services = {
            "web": {"units": ["web.service", "socket.service"], "health": "http://127.0.0.1:8000/health/"},
            "worker": {"units": ["worker.service"]},
        }
        made = catalog({"A": {"value": "x"}}, services=services)
        hosts = {"web1": None, "web2": ["worker"], "web3": [], "web4": ["gone"]}
        told = {"hosts": hosts, "healthy": {"web2": "seen healthy"}}
        assert facts_of(made, incident(), {}, {}, told, NOW)["hosts_words"] == [
            "web1: web (web.service, socket.service; http://127.0.0.1:8000/health/), worker (worker.service)",
            "web2: worker (worker.service); seen healthy",
            "web3: no services of the catalog",
            "web4: gone (not in the catalog)",
        ]

    def test_the_units_that_answer_requests(self, catalog: Callable[..., Catalog]) -> None:
        services: dict[str, Any] = {
            "web": {"units": ["web.service", "socket.service"], "health": "http://127.0.0.1:8000/health/"},
            "worker": {"units": ["worker.service"]},
        }
        hosts = {"web1": None, "web2": ["worker"], "web3": ["gone"], "web4": ["web"]}
        found = serving(catalog({"A": {"value": "x"}}, services=services), hosts, ["web4"])
        assert found == {"web1": ["web.service", "socket.service"], "web2": [], "web3": []}
        del services["web"]["health"]
        found = serving(catalog({"A": {"value": "x"}}, services=services), hosts)
        assert (found["web1"], found["web2"]) == (
            ["web.service", "socket.service", "worker.service"],
            ["worker.service"],
        )
        assert serving(catalog({"A": {"value": "x"}}), "") == {}

    def test_outages(self, made: Catalog) -> None:
        events = {
            **EVENTS,
            "down/r-2": "2026-11-25T15:00:40Z",
            "down/r-1": "2026-11-25T15:00:03Z",
            "up/r-1": "2026-11-25T15:00:21Z",
        }
        found = facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)
        assert found["outages"] == [
            {"rotation": "r-1", "from": 3.0, "seconds": 18.0},
            {"rotation": "r-2", "from": 40.0, "seconds": None},
        ]
        for text in (postmortem_markdown.markdown(found), pages.postmortem(found)):
            assert "the application was taken down at 3 s and was down for at most 18 s (r-1)" in text
            assert "the application was taken down at 40 s and is still down (r-2)" in text

    def test_one_that_nothing_was_told_of_is_open(self, made: Catalog) -> None:
        found = facts_of(made, incident(), IMPACT, {"cache": DONE}, {}, NOW)
        assert found["open"] == ["admin: OPEN: not replaced"]
        without = {"admin": {"replaced": False, "why": ""}, "cache": DONE}
        assert facts_of(made, incident(), IMPACT, without, {}, NOW)["open"] == found["open"], "never without a reason"
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
            "every host that was reached was healthy on the new value of {z}",
        ]

    def test_an_event_without_a_time(self, made: Catalog) -> None:
        with pytest.raises(JournalError, match="'soon' in the journal is no time"):
            facts_of(made, incident(events={"planned": "soon"}), IMPACT, {}, {}, NOW)

    @pytest.mark.parametrize("impact", [IMPACT, {}])
    def test_both_reports_take_them(self, made: Catalog, impact: dict[str, Any]) -> None:
        found = facts_of(made, incident(), impact, {}, {}, NOW)
        assert "**NOT contained**" in postmortem_markdown.markdown(found)
        assert "NOT contained" in pages.postmortem(found)
