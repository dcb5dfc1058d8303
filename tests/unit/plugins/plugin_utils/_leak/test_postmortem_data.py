# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The post-mortem's facts from what the journal keeps and a run saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import pages, postmortem_markdown
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import ways_in
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.postmortem_data import facts_of, serving
from tests.unit.plugins.plugin_utils._leak.postmortem_ground import DONE, EVENTS, IMPACT, NOW, incident, small_catalog


@pytest.fixture(scope="module")
def made(catalog: Callable[..., Catalog]) -> Catalog:
    return small_catalog(catalog)


class TestFacts:
    def test_of_a_leak_that_is_contained(self, made: Catalog) -> None:
        answer = {
            "declared": ["admin: its AWSCURRENT value, unchanged"],
            "hosts": ["web1"],
            "readers": ["r"],
            "evidence": ["e"],
            "scrubbed": ["s"],
            "not_scrubbed": ["n"],
            "open": ["web2 was skipped as compromised and must be rebuilt"],
        }
        results = {"admin": DONE, "cache": DONE}
        facts = facts_of(made, incident(events=EVENTS, since="2026-11-20T10:00:00Z"), IMPACT, results, answer, NOW)
        assert facts["clock"] == {
            "planned": 2.0,
            "first_live": 10.0,
            "refused": 30.0,
            "sessions": 31.0,
        }
        assert facts["contained_seconds"] == 30.0
        assert facts["declared_words"] == answer["declared"]
        assert (facts["hosts_words"], facts["readers"], facts["evidence"]) == (["web1"], ["r"], ["e"])
        assert (facts["scrubbed"], facts["not_scrubbed"], facts["open"]) == (["s"], ["n"], answer["open"])
        assert (facts["exposed_since"], facts["written_at"]) == ("2026-11-20T10:00:00Z", "2026-11-25T15:02:00Z")
        assert [(item["seconds"], item["what"]) for item in facts["timeline"]] == [
            (0.0, "declared by ops"),
            (2.0, "the blast radius and the plan were known"),
            (10.0, "every host that was reached was healthy on the new value of admin"),
            (12.0, "the old value of admin was rejected"),
            (20.0, "every host that was reached was healthy on the new value of cache"),
            (30.0, "the old value of cache was rejected"),
            (31.0, "sessions were ended"),
        ]
        assert facts["credentials"][1] == {
            "name": "cache",
            "kind": "k",
            "severity": "low",
            "through": "admin (may change it); host:web1 (it is there)",
            "state": "replaced, the old value is rejected",
            "open": False,
            "evidence": "rotation r1",
        }
        assert facts["credentials"][0]["through"] == "declared"

    def test_one_that_is_not_replaced_is_open(self, made: Catalog) -> None:
        results = {"admin": DONE, "cache": {"replaced": False, "why": "the provider asks for a ticket"}}
        facts = facts_of(made, incident(events=EVENTS), IMPACT, results, {}, NOW)
        assert facts["contained_seconds"] is None
        message = "the provider asks for a ticket; revoke it at https://provider.example/keys"
        assert facts["open"] == [f"cache: {message}"]
        assert (facts["credentials"][1]["state"], facts["credentials"][1]["open"]) == (f"OPEN: {message}", True)

    @pytest.mark.parametrize(
        ("kind", "event", "offered"),
        [
            ("postgresql_role", "", True),
            ("mysql_user", "live/cache", True),
            ("valkey_user", "blocked/cache", False),
            ("rabbitmq_user", "refused/cache", False),
            ("external", "", False),
        ],
    )
    def test_a_login_that_still_works_is_open_with_what_blocks_it(
        self, made: Catalog, kind: str, event: str, offered: bool
    ) -> None:
        cache = replace(made.credentials["cache"], kind=kind)
        catalog = replace(made, credentials={**made.credentials, "cache": cache})
        results = {"admin": DONE, "cache": {"replaced": False, "why": "the server cannot be reached"}}
        events = {**EVENTS, event: EVENTS["refused/cache"]}
        if event != "refused/cache":
            del events["refused/cache"]
        (line,) = facts_of(catalog, incident(events=events), IMPACT, results, {}, NOW)["open"]
        block = "reached; until then, block the leaked login (docs/runbooks/by-hand.md, Block a login); revoke it at "
        assert (block in line) is offered

    def test_what_a_run_before_this_one_did_counts(self, made: Catalog) -> None:
        facts = facts_of(made, incident(events=EVENTS), IMPACT, {}, {}, NOW)
        assert (facts["open"], facts["contained_seconds"]) == ([], 30.0)

    def test_a_former_value_that_waits_for_its_revocation_is_open(self, made: Catalog) -> None:
        """What the last rotation replaced may be what was found."""
        answer = {"waits": {"cache": "what r-1 replaced at some time may still be valid"}}
        facts = facts_of(made, incident(events=EVENTS), IMPACT, {"admin": DONE, "cache": DONE}, answer, NOW)
        assert facts["contained_seconds"] is None
        message = "the new value is in force, but what r-1 replaced at some time may still be valid"
        assert facts["open"] == [f"cache: {message}"]

    def test_sessions_that_outlive_an_old_value_are_named_with_what_ends_them(self, made: Catalog) -> None:
        events = {**EVENTS, "outlived/cache": EVENTS["refused/cache"]}
        shown = {"outlived/cache": "journal entry 9 (r1, revoke): h:6379: the user lacks a right there"}
        facts = facts_of(made, incident(events=events, evidence=shown), IMPACT, {}, {}, NOW)
        message = (
            "cache: sessions of its old value could not be ended and stay logged in "
            "(journal entry 9 (r1, revoke): h:6379: the user lacks a right there). End them at each "
            "node: valkey-cli CLIENT KILL TYPE normal. If cluster mode is off, you can reboot the nodes instead, but "
            "they lose their data: aws elasticache reboot-cache-cluster. See "
            "docs/runbooks/by-hand.md (An ElastiCache token)"
        )
        assert facts["open"] == [message]
        assert facts["contained_seconds"] == 30.0
        assert "sessions of the old value of cache could not be ended" in [item["what"] for item in facts["timeline"]]

    def test_a_removal_alone_is_no_replacement(self, made: Catalog) -> None:
        results = {"admin": DONE, "cache": {"replaced": False, "why": "web1 is not healthy"}}
        facts = facts_of(made, incident(events={"refused/cache": EVENTS["refused/cache"]}), IMPACT, results, {}, NOW)
        assert facts["open"][0].startswith("cache: web1 is not healthy")

    @pytest.mark.parametrize("results", [{}, {"cache": DONE}])
    def test_what_its_provider_must_revoke_is_open_until_the_operator_says_so(
        self, made: Catalog, results: dict[str, Any]
    ) -> None:
        events = {"refused/admin": EVENTS["refused/admin"], "given/cache": EVENTS["live/cache"]}
        facts = facts_of(made, incident(events=events), IMPACT, results, {}, NOW)
        message = (
            "cache: the new value is in force; revoke the old value at "
            "https://provider.example/keys, then run again with -e leak_revoked=cache"
        )
        assert (facts["open"], facts["contained_seconds"]) == ([message], None)
        events["confirmed/cache"] = "2026-11-25T15:01:00Z"
        facts = facts_of(made, incident(events=events), IMPACT, results, {}, NOW)
        assert (facts["open"], facts["contained_seconds"]) == ([], 60.0)
        message = "revoked, as the operator confirmed; the new value is in force; the old value was {}"
        assert facts["credentials"][1]["state"] == message.format("NOT tried")
        assert (facts["clock"]["refused"], facts["clock"]["confirmed"], facts["on_word"]) == (12.0, 60.0, ["cache"])
        shown = {"confirmed/cache": "journal entry 7: tried and refused: refused now at https://p.example/me"}
        facts = facts_of(made, incident(events=events, evidence=shown), IMPACT, results, {}, NOW)
        assert facts["credentials"][1]["state"] == message.format("tried and refused")
        assert (facts["clock"]["refused"], "confirmed" in facts["clock"], facts["on_word"]) == (60.0, False, [])
        assert facts["contained_seconds"] == 60.0

    def test_nobodys_word_wins_over_what_lets_it_in(self, made: Catalog) -> None:
        events = {"refused/admin": EVENTS["refused/admin"], "confirmed/cache": EVENTS["live/cache"]}
        for item in (
            {"hosts_with_old_key": {"cache": ["web2"]}},
            {"waits": {"cache": "what r-1 replaced may be valid"}},
        ):
            facts = facts_of(made, incident(events=events), IMPACT, {}, item, NOW)
            assert facts["open"][0].startswith("cache: the new value is in force, but ")
            assert facts["contained_seconds"] is None

    def test_revoked_and_not_replaced(self, made: Catalog) -> None:
        events = {"refused/admin": EVENTS["refused/admin"], "confirmed/cache": EVENTS["refused/cache"]}
        shown = {"confirmed/cache": "journal entry 7: tried and refused: what an earlier rotation replaced"}
        facts = facts_of(made, incident(events=events, evidence=shown), IMPACT, {}, {}, NOW)
        assert facts["contained_seconds"] == 30.0
        message = "revoked, as the operator confirmed; the new value is NOT in force; the old value was NOT tried"
        assert facts["credentials"][1]["state"] == message
        assert facts["credentials"][1]["open"] is False
        message = (
            "cache: the old value is revoked, but this response has put no new value in force. Unless you stored a new "
            "value since, run "
            "ansible-playbook watchparty.secrets.rotate -e rotation_credentials=cache -e rotation_force=true"
        )
        assert facts["open"] == [message]

    def test_nothing_but_a_word(self, made: Catalog) -> None:
        """The clock does not call it a refusal, and the time to contain says whose word it is."""
        events = {"confirmed/admin": EVENTS["refused/admin"], "confirmed/cache": EVENTS["refused/cache"]}
        facts = facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)
        assert (facts["clock"], facts["contained_seconds"]) == ({"confirmed": 30.0}, 30.0)
        assert facts["on_word"] == ["admin", "cache"]
        message = ", revocation of admin, cache confirmed by the operator, not tested"
        text, page = postmortem_markdown.markdown(facts), pages.postmortem(facts)
        assert f"**Contained in 30.0 s{message}**, graceful." in text
        assert "| last old value confirmed as revoked | 30.0 |" in text
        assert "| last old value rejected |" not in text, "no rejection is still to come"
        assert "from the declaration to the last rejected value, revocation of admin, cache confirmed" in page
        assert "last old value confirmed as revoked" in page

    def test_one_that_is_open_is_no_word(self, made: Catalog) -> None:
        events = {"refused/admin": EVENTS["refused/admin"], "confirmed/cache": EVENTS["live/cache"]}
        facts = facts_of(made, incident(events=events), IMPACT, {}, {"hosts_with_old_key": {"cache": ["web2"]}}, NOW)
        assert len(facts["open"]) == 1

    def test_what_still_works_keeps_it_open(self, made: Catalog) -> None:
        answer = {"problems": ["a session that was ended is STILL ACCEPTED at URL"], "tried": ["t"]}
        facts = facts_of(made, incident(events=EVENTS), IMPACT, {}, answer, NOW)
        assert (facts["open"], facts["contained_seconds"], facts["tried"]) == (answer["problems"], None, ["t"])

    def test_a_host_that_still_lets_it_in_keeps_it_open(self, made: Catalog) -> None:
        answer = {"hosts_with_old_key": {"cache": ["web2", "web3"]}}
        results = {"admin": DONE, "cache": DONE}
        facts = facts_of(made, incident(events=EVENTS), IMPACT, results, answer, NOW)
        message = (
            "the new value is in force, but the leaked value still works on web2, web3. Deploy "
            "nothing there. Run the same command again once they answer, or give them up with -e "
            "leak_compromised_hosts=web2,web3 and rebuild them"
        )
        assert (facts["open"], facts["contained_seconds"]) == ([f"cache: {message}"], None)
        assert facts["credentials"][1]["state"] == f"OPEN: {message}"

    def test_what_the_audit_log_lacks_is_named(self, made: Catalog) -> None:
        """It stands in no containment's way."""
        events = {**EVENTS, "unrecorded/r1": "2026-11-25T15:00:32Z"}
        facts = facts_of(made, incident(events=events), IMPACT, {"admin": DONE, "cache": DONE}, {}, NOW)
        assert facts["contained_seconds"] == 30.0
        remedy = "repair the log, and write the record by hand (docs/how-to/audit-log.md)"
        assert facts["open"] == [f"rotation r1 has no record in the audit log; {remedy}"]
        assert facts["timeline"][-1]["what"] == "r1 ended without a record in the audit log; the response continued"

    def test_who_was_skipped_is_named(self, made: Catalog) -> None:
        facts = facts_of(made, incident(events={**EVENTS, "skipped/web3": "2026-11-25T15:00:29Z"}), IMPACT, {}, {}, NOW)
        assert facts["open"] == [
            (
                "web3 was skipped and holds revoked values. When it answers, run "
                "ansible-playbook watchparty.secrets.deploy"
            )
        ]
        assert facts["contained_seconds"] == 30.0

    def test_what_shows_each_line_of_the_timeline(self, made: Catalog) -> None:
        evidence = {
            "refused/cache": "journal entry 9: by c",
            "declared": "journal entry 1",
            "live/cache": "journal entry 7 (r-1, promote)",
        }
        facts = facts_of(made, incident(events=EVENTS, evidence=evidence), IMPACT, {}, {}, NOW)
        shown = {item["what"]: item["evidence"] for item in facts["timeline"]}
        assert shown["declared by ops"] == "journal entry 1"
        healthy = "every host that was reached was healthy on the new value of cache"
        assert shown[healthy] == "journal entry 7 (r-1, promote)"
        assert shown["sessions were ended"] == ""
        assert facts["credentials"][1]["evidence"] == "refused since 2026-11-25T15:00:30Z; journal entry 9: by c"
        for text in (postmortem_markdown.markdown(facts), pages.postmortem(facts)):
            assert "journal entry 7 (r-1, promote)" in text

    def test_the_clock_tells_the_first_host_from_all_healthy_in_the_end(self, made: Catalog) -> None:
        events = {**EVENTS, "first/r-1": "2026-11-25T15:00:05Z", "first/r-2": "2026-11-25T15:00:15Z"}
        facts = facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)
        assert facts["clock"]["first_live"] == 5.0
        assert "healthy" not in facts["clock"], "nobody has looked since the last removal"
        events["healthy"] = "2026-11-25T15:00:40Z"
        assert facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)["clock"]["healthy"] == 40.0
        events["refused/cache"] = "2026-11-25T15:00:50Z"
        facts = facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)
        assert "healthy" not in facts["clock"], "what was removed after the look may have broken it"

    def test_each_hosts_services(self, catalog: Callable[..., Catalog]) -> None:
        services = {
            "web": {"units": ["web.service", "socket.service"], "health": "http://127.0.0.1:8000/health/"},
            "worker": {"units": ["worker.service"]},
        }
        made = catalog({"A": {"value": "x"}}, services=services)
        hosts = {"web1": None, "web2": ["worker"], "web3": [], "web4": ["gone"]}
        answer = {"hosts": hosts, "healthy": {"web2": "seen healthy"}}
        assert facts_of(made, incident(), {}, {}, answer, NOW)["hosts_words"] == [
            "web1: web (web.service, socket.service; http://127.0.0.1:8000/health/), worker (worker.service)",
            "web2: worker (worker.service); seen healthy",
            "web3: no services of the catalog",
            "web4: gone (not in the catalog)",
        ]

    def test_what_restarts_those_that_answer_requests(self, catalog: Callable[..., Catalog]) -> None:
        services: dict[str, Any] = {
            "web": {"units": ["web.service", "socket.service"], "health": "http://127.0.0.1:8000/health/"},
            "api": {"manager": "command", "restart": ["x"], "health": "http://127.0.0.1:8001/health/"},
            "worker": {"units": ["worker.service"]},
        }
        hosts = {"web1": None, "web2": ["worker"], "web3": ["gone"], "web4": ["web"]}
        result = serving(catalog({"A": {"value": "x"}}, services=services), hosts, ["web4"])
        assert result == {
            "web1": ["systemctl restart web.service socket.service", "restart api (command)"],
            "web2": [],
            "web3": [],
        }
        del services["web"]["health"], services["api"]
        result = serving(catalog({"A": {"value": "x"}}, services=services), hosts)
        assert (result["web1"], result["web2"]) == (
            ["systemctl restart web.service socket.service worker.service"],
            ["systemctl restart worker.service"],
        )
        assert serving(catalog({"A": {"value": "x"}}), "") == {}

    def test_outages(self, made: Catalog) -> None:
        events = {
            **EVENTS,
            "down/r-2": "2026-11-25T15:00:40Z",
            "down/r-1": "2026-11-25T15:00:03Z",
            "up/r-1": "2026-11-25T15:00:21Z",
        }
        facts = facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)
        assert facts["outages"] == [
            {"rotation": "r-1", "from": 3.0, "seconds": 18.0},
            {"rotation": "r-2", "from": 40.0, "seconds": None},
        ]
        for text in (postmortem_markdown.markdown(facts), pages.postmortem(facts)):
            assert "the application was taken down at 3 s and was down for at most 18 s (r-1)" in text
            assert "the application was taken down at 40 s and is still down (r-2)" in text

    def test_one_that_nothing_was_reported_of_is_open(self, made: Catalog) -> None:
        facts = facts_of(made, incident(), IMPACT, {"cache": DONE}, {}, NOW)
        assert facts["open"] == ["admin: not replaced"]
        without = {"admin": {"replaced": False, "why": ""}, "cache": DONE}
        assert facts_of(made, incident(), IMPACT, without, {}, NOW)["open"] == facts["open"], "never without a reason"
        assert (facts["clock"], facts["declared_words"]) == ({}, ["admin"])

    def test_one_that_an_earlier_run_replaced_is_not_open(self, made: Catalog) -> None:
        events = {"refused/cache": "2026-11-25T15:00:30Z"}
        facts = facts_of(made, incident(events=events), IMPACT, {"admin": DONE}, {}, NOW)
        assert (facts["open"], facts["contained_seconds"]) == ([], 30.0)
        assert facts["credentials"][1]["evidence"] == "refused since 2026-11-25T15:00:30Z"
        again = {"admin": DONE, "cache": {"replaced": False, "why": "it leaked again"}}
        assert facts_of(made, incident(events=events), IMPACT, again, {}, NOW)["open"] != []

    def test_other_events_are_reported_as_they_are(self, made: Catalog) -> None:
        events = {"odd/{x}": "2026-11-25T15:00:01Z", "{y}": "2026-11-25T15:00:02Z", "live/{z}": "2026-11-25T15:00:03Z"}
        facts = facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)
        assert [item["what"] for item in facts["timeline"]][1:] == [
            "odd/{x}",
            "{y}",
            "every host that was reached was healthy on the new value of {z}",
        ]

    def test_an_event_without_a_time(self, made: Catalog) -> None:
        with pytest.raises(JournalError, match="'soon' in the journal is not a time"):
            facts_of(made, incident(events={"planned": "soon"}), IMPACT, {}, {}, NOW)

    @pytest.mark.parametrize("impact", [IMPACT, {}])
    def test_both_reports_take_them(self, made: Catalog, impact: dict[str, Any]) -> None:
        facts = facts_of(made, incident(), impact, {}, {}, NOW)
        assert "**NOT contained**" in postmortem_markdown.markdown(facts)
        assert "NOT contained" in pages.postmortem(facts)


@pytest.mark.parametrize(
    ("events", "checked", "left_out"),
    [
        ({}, "users, passwords and nopass of each node of cache were compared with the stores", "FUNCTION LIST"),
        (
            {"compared/cache": "t"},
            "of the nodes of cache were compared with the baseline of 2026-11-29",
            "keys of cache",
        ),
    ],
)
def test_what_was_compared_with_a_baseline(events: dict[str, str], checked: str, left_out: str) -> None:
    shown = dict.fromkeys(events, "journal entry 7 (r1, record): baseline of 2026-11-29")
    seen = incident(events={"refused/cache": "t", **events}, evidence=shown)
    lines = ways_in.lines({"credentials": [{"name": "cache", "kind": "valkey_user"}]}, seen, {})
    assert (lines[0].endswith(checked), left_out in lines[1]) == (True, True), lines


@pytest.mark.parametrize("kind", [*kind_names.ADMINISTERED, *kind_names.TWO_USERS])
def test_each_kind_that_is_compared_has_a_text(kind: str) -> None:
    seen = incident(events={"refused/x": "t", "compared/x": "t"}, evidence={"compared/x": "1: baseline of 2026-11-29"})
    lines = ways_in.lines({"credentials": [{"name": "x", "kind": kind}]}, seen, {})
    assert lines[0].endswith("compared with the baseline of 2026-11-29")


def test_what_logs_tell_is_ordered_by_time(made: Catalog) -> None:
    """What names no time, or one before the exposure, is in its own section alone."""
    answer = {
        "readers": ["secret app: read by mallory at 2026-11-25T14:00:00Z"],
        "evidence": ["web1: login of deploy at 2026-11-25T13:00:00Z", "web1: no time", "web1: at 2026-11-01T00:00:00Z"],
        "accounts": ["left: user thief, written 2026-11-25T13:30:00Z"],
    }
    facts = facts_of(made, incident(events=EVENTS, since="2026-11-20T10:00:00Z"), IMPACT, {}, answer, NOW)
    assert facts["by_time"] == [
        "2026-11-25T13:00:00Z: web1: login of deploy at 2026-11-25T13:00:00Z",
        "2026-11-25T13:30:00Z: left: user thief, written 2026-11-25T13:30:00Z",
        "2026-11-25T14:00:00Z: secret app: read by mallory at 2026-11-25T14:00:00Z",
    ]
    many = {"evidence": [f"web1: {at} at 2026-11-25T13:00:00Z" for at in range(103)]}
    facts = facts_of(made, incident(events=EVENTS), IMPACT, {}, many, NOW)
    assert (len(facts["by_time"]), facts["by_time"][-1]) == (101, "3 later lines stand in the sections around this one")
