# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Possible footholds on hosts: what counts of their answers, what the operator reads, and what is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import host_footholds, incident_notes, ways_in

KEY = "SHA256:thief"
INCIDENT = Incident("leak-1", "2026-11-25T15:00:00Z", "ops", ("deploy_ssh",))


def answer(*texts: str, name: str = "deploy_ssh", key: str = "", unfinished: str = "") -> dict[str, Any]:
    found = [{"credential": name, "text": text, "key": key, "file": "/x" if key else ""} for text in texts]
    return {"footholds": found, "lines": [], "short": [], "unfinished": unfinished}


def noted(*answers: dict[str, Any], **over: Any) -> Incident:
    events: dict[str, str] = {}
    for each in answers:
        events.update(host_footholds.events({"web1": each}, ["deploy_ssh"]))
    evidence = {event: f"journal entry 7: {text}" for event, text in events.items()}
    return replace(INCIDENT, events={**dict.fromkeys(events, "t"), **over}, evidence=evidence)


def test_the_same_finding_counts_once_and_a_change_is_another() -> None:
    first, again, changed = (
        host_footholds.events({"web1": answer(text)}, ["deploy_ssh"]) for text in ("x at 1", "x at 1", "x at 2")
    )
    assert first == again
    assert first.keys() & changed.keys() == set()
    assert list(first.values()) == ["web1: x at 1"]


def test_a_host_speaks_of_no_other_host_and_credential() -> None:
    """It would keep new values from all others."""
    lying = answer("x", name="deploy_ssh/web2/1")
    assert host_footholds.events({"web1": lying, "web3": answer("x", name="database")}, ["deploy_ssh"]) == {}


def test_a_host_cannot_fill_the_journal() -> None:
    events = host_footholds.events({"web1": answer(*map(str, range(5000)))}, ["deploy_ssh"])
    assert len(events) == host_footholds.MOST
    assert list(events.values())[-1].startswith("web1: and 4991 more (")
    other = host_footholds.events({"web1": answer(*map(str, range(5000)), "more")}, ["deploy_ssh"])
    assert events.keys() != other.keys(), "what is beyond those is a finding, too"


def test_the_rest_is_listed_by_what_compared_it() -> None:
    found = answer(*map(str, range(20)))
    (alone,) = [
        text for text in host_footholds.events({"web1": found}, ["deploy_ssh"]).values() if "and 11 more" in text
    ]
    assert alone.endswith("; listed by the module host_evidence")
    compared = {"web1": {**found, "baseline": "baseline of 2026-11-29"}}
    (both,) = [text for text in host_footholds.events(compared, ["deploy_ssh"]).values() if "and 11 more" in text]
    command = "ansible-playbook watchparty.secrets.baseline --check"
    assert both.endswith(f"; listed by {command} and the module host_evidence")


def test_what_is_over() -> None:
    incident = noted(answer("a key since 1", key=KEY), answer("/home/deploy/.bashrc changed"))
    assert incident.foothold_hosts == {"deploy_ssh": ["web1"]}
    assert host_footholds.evicted(incident, {"web1": [(KEY, "/y")]}) == {}, "the same key lies in another file, too"
    removed = host_footholds.evicted(incident, {"web1": [(KEY, "/x")], "web2": [(KEY, "/x")]})
    again = noted(answer("a key since 2", key=KEY), **dict.fromkeys(removed, "t"))
    assert len(again.footholds) == 1, "it was added again"
    incident = replace(incident, events={**incident.events, **dict.fromkeys(removed, "t")})
    assert list(incident_notes.footholds(incident).values()) == ["deploy_ssh: web1: /home/deploy/.bashrc changed"]
    assert incident_notes.footholds(incident, but=["web1"]) == {}, "a host that is given up"
    assert incident_notes.ruled_out(incident, ["other"]) == {}
    looked_at = incident_notes.ruled_out(incident, ["deploy_ssh"])
    after = replace(incident, events={**incident.events, **dict.fromkeys(looked_at, "t")})
    assert (after.footholds, after.foothold_hosts) == ([], {})
    later = replace(after, events={**after.events, **noted(answer("/home/deploy/.profile changed")).events})
    assert len(later.footholds) == 1, "the operator has not looked at it"
    impact = {"credentials": [{"name": "deploy_ssh", "kind": "ssh_key"}]}
    lines = ways_in.lines(impact, replace(after, events={**after.events, "refused/deploy_ssh": "t"}), {})
    assert [line.partition(":")[0] for line in lines] == [
        "checked",
        "removed",
        "checked by the operator",
        "not checked",
    ]


def test_a_servers_name_no_host() -> None:
    assert replace(INCIDENT, events={"foothold/cache/1": "t"}).foothold_hosts == {}


def test_keys_that_may_be_removed() -> None:
    answers = {"web1": {**answer("x", key=KEY)}, "web2": answer("y"), "web3": {"unreachable": True}}
    assert host_footholds.evictable(answers) == {"web1": [KEY]}


def test_what_the_operator_reads_before_the_confirmation() -> None:
    found = host_footholds.events({"web1": answer("x")}, ["deploy_ssh"])
    remedy = (
        "Check each possible foothold and remove what is not yours. Then run the same command with -e "
        "leak_footholds_checked=deploy_ssh. Or give up web1 with -e leak_compromised_hosts=web1 and rebuild the host"
    )
    lines = host_footholds.plan_lines(found, [], ["web1", "web2"])
    assert lines[0] == "possible foothold: web1: x"
    assert lines[1] == f"no new values are sent to web1. {remedy}"
    assert (
        "No other host is left, so this run replaces only SSH keys" in host_footholds.plan_lines(found, [], ["web1"])[1]
    )
    checked = ["possible foothold, checked by the operator: web1: x"]
    assert host_footholds.plan_lines(found, ["deploy_ssh"], ["web1"]) == checked
    assert host_footholds.plan_lines({}, [], ["web1"]) == []


def test_a_last_look_that_failed() -> None:
    answers = {
        "web1": {"failed": True, "msg": "no\nPython"},
        "web2": {"unreachable": True, "failed": True},
        "web3": {**answer(unfinished="incomplete after 20 s"), "short": ["footholds: x may not be read"]},
        "web4": answer(),
    }
    expected = {
        "web1": "footholds not checked (the next run checks them): no Python",
        "web2": "footholds not checked (the next run checks them): no answer",
        "web3": "footholds not checked (the next run checks them): incomplete after 20 s",
    }
    assert host_footholds.unlooked(answers, []) == expected
    del expected["web2"]
    assert host_footholds.unlooked(answers, ["web2"]) == expected, "it is named as skipped"
    lines = ways_in.lines({}, INCIDENT, answers)
    assert lines[0] == "checked in the end: web3, web4"
    assert "not checked: web1: no Python" in lines
    assert "not checked: web3: footholds: x may not be read" in lines


def test_a_host_that_was_not_looked_at_first_gets_nothing_new() -> None:
    answers = {
        "web1": {"failed": True, "msg": "no Python"},
        "web2": {"unreachable": True, "msg": "timed out"},
        "web3": {"skipped": True},
        "web4": answer(unfinished="incomplete after 5 s"),
        "web5": {"footholds": [], "lines": [], "short": []},
        "well": {**answer(), "short": ["logins: no systemd journal"]},
    }
    look = host_footholds.FirstLook(answers, ["deploy_ssh"], "t1")
    incident = replace(INCIDENT, events=dict.fromkeys(look.found, "t"))
    assert incident.foothold_hosts == {"deploy_ssh": [f"web{at}" for at in range(1, 6)]}
    assert list(look.found.values())[2] == "web3: footholds not checked (the next run checks them): no time was left"
    assert host_footholds.FirstLook(answers, [], "t1").found == {}, "no key leaked"
    assert look.found.keys().isdisjoint(replace(look, at="t2").found), "it counts once more in a later run"


def test_a_later_look_makes_up_for_it() -> None:
    first = host_footholds.FirstLook({"web1": {"unreachable": True}, "web2": {"failed": True}}, ["deploy_ssh"], "t1")
    left = host_footholds.FirstLook({"web1": answer(), "web2": answer(unfinished="slow")}, ["deploy_ssh"], "t2")
    incident = replace(INCIDENT, events=dict.fromkeys([*first.found, *noted(answer("x")).events], "t"))
    assert [line.split(": ")[1] for line in left.plan_lines(first.found, [], ["web1"])[:-1]] == ["web2", "deploy_ssh"]
    after = replace(incident, events={**incident.events, **dict.fromkeys(left.news(incident.footholds), "t")})
    assert after.foothold_hosts == {"deploy_ssh": ["web1", "web2"]}, "what was found there is left"
    assert [event.endswith("unlooked") for event in after.footholds] == [True, False, True]
    lines = ways_in.lines({}, after, {})
    assert [line.partition(":")[0] for line in lines] == ["searched later", "left", "left", "left"]
