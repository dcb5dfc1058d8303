# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every check: facts that it passes, facts that it alone fails, and facts that it cannot judge."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED, PASS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Facts
from tests.unit.plugins.plugin_utils._verify import pasted_commands
from tests.unit.plugins.plugin_utils._verify.verify_facts import (
    JOURNAL,
    SECRET,
    age,
    answer,
    bucket,
    catalog,
    facts,
    host,
    parts,
    secret,
    unit,
)

PATH = "/srv/watchparty/.env"
FILE = {"exists": True, "path": PATH, "mode": "0600", "owner": "watchparty", "uid": 998}
NO_FLAWS: dict[str, Any] = {"twice": [], "misread": [], "comments": []}
DRIFT = {"missing": [], "differs": [], "unknown": [], "gone": [], "same": 41}
NO_KEY_FILE = {"path": "/srv/key", "wanted_mode": "0640", "wanted_owner": "app", "is_expected": True, "differs": []}
KEY_FILE = {**NO_KEY_FILE, "mode": "0640", "owner": "app", "uid": 998}
OUTSIDE = "https://watchparty.example.com/health/"
ARN = "arn:aws:kms:eu-west-3:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEY = "alias/watchparty-production"


def on_host(**over: Any) -> dict[str, Any]:
    return {"hosts": {"web1": host(), "web2": host(**over)}}


def key_file(**over: Any) -> dict[str, Any]:
    return on_host(other_files=[{**KEY_FILE, **over}])


def names(**over: list[str]) -> dict[str, list[str]]:
    return {"same": [], "differs": [], "copied": [], **over}


def from_file(problem: str = "", **over: list[str]) -> dict[str, Any]:
    return {"path": "/etc/default/shop", "problem": problem, **names(**over)}


def in_journal(**over: Any) -> dict[str, Any]:
    return {"journal": {**parts()["journal"], **over}}


def workflow(kind: str) -> dict[str, Any]:
    entry = {"kind": kind, "file": ".github/workflows/test.yml", "line": 7, "message": "is wrong"}
    return {"workflows": {"files": ["x"], "findings": [entry], "unread": {}}}


def role(trust: Any = None, **policies: Any) -> dict[str, Any]:
    good = parts()["roles"]["watchparty-production-host"]
    return {"roles": {"r": {"trust": trust or good["trust"], "policies": policies or good["policies"]}}}


def allowing(**statement: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", **statement}]}


def isolated(**over: Any) -> dict[str, Any]:
    return {"isolation": {"compared": 9, "signing": ["SECRET_KEY"], "others": {"staging": []}, "unread": {}, **over}}


FAILING = {"state": "fail", "place": "x", "message": "y", "target": "z"}


def at_servers(rows: str, state: str = "fail") -> dict[str, Any]:
    return {"servers": {**parts()["servers"], rows: [{**FAILING, "state": state}]}}


def keyed(**over: Any) -> dict[str, Any]:
    return {"keys": {KEY: {"state": "Enabled", "manager": "CUSTOMER", "rotating": True, "arn": ARN, **over}}}


def scanned(part: str, findings: list[dict[str, Any]], **over: Any) -> dict[str, Any]:
    return {part: {**parts()[part], "findings": findings, **over}}


def mirrored(**over: list[str]) -> dict[str, Any]:
    return {"mirror": {**parts()["mirror"], **over}}


def rows(state: str, place: str, message: str, **more: str) -> dict[str, Any]:
    return {"rows": [{"state": state, "place": place, "message": message, **more}]}


MESSAGE = "API_TOKEN (current value, unchanged) in the index"
FOUND = {"path": "src/settings.py", "line": 7, "message": MESSAGE, "opens": True}


def by_zizmor(audit: str) -> dict[str, Any]:
    return scanned("zizmor", [{**FOUND, "audit": audit, "message": f"{audit} (high): is wrong"}])


STRANGER = allowing(Principal={"AWS": "arn:aws:iam::999999999999:root"}, Action="sts:AssumeRole")
ANN = {"path": "/srv/key", "who": "user ann", "may": "read it"}
OWNED = {"path": "/srv/watchparty", "uid": 998, "owner": "watchparty", "mode": "0750"}
FAILS: list[tuple[str, dict[str, Any], str]] = [
    ("WPS002", {"audit": {"where": "log_group /x", "records": 3, "problems": [], "retention": 7}}, "after 7 days"),
    ("WPS002", {"audit": {"where": "log_group /x", "problem": "denied"}}, "log_group /x: not readable: denied"),
    ("WPS002", {"buckets": {JOURNAL: bucket(versions="Suspended")}}, f"{JOURNAL}: the bucket keeps no version"),
    ("WPS002", {"buckets": {JOURNAL: bucket(expires=["its lifecycle rule x deletes objects"])}}, "lifecycle rule x"),
    ("WPS101", {"repository": {"ignores": {".env": False}, "env_files": {}}}, ".env: is not ignored"),
    (
        "WPS102",
        {"repository": {"ignores": {".env": True}, "env_files": {".env": [("K", 3, "is not a placeholder")]}}},
        ".env:3: K is",
    ),
    (
        "WPS103",
        scanned("history", [{**FOUND, "setting": "STRIPE_KEY"}]),
        "src/settings.py:7: API_TOKEN (current value, unchanged) in the index",
    ),
    ("WPS104", scanned("unknown_secrets", [{**FOUND, "line": 0, "opens": False}]), "src/settings.py: API_TOKEN"),
    ("WPS201", on_host(file={**FILE, "mode": "0640"}), f"web2: {PATH} has mode 0640 instead of 0600"),
    ("WPS201", on_host(file={**FILE, "mode": "0644"}, wanted_mode="0644"), f"{PATH} has mode 0644 instead of 0600"),
    ("WPS201", on_host(file={**FILE, "mode": "0660"}, wanted_mode="0660"), f"{PATH} has mode 0660 instead of 0600"),
    ("WPS201", on_host(file={**FILE, "mode": "0644"}, wanted_mode="0640"), f"{PATH} has mode 0644 instead of 0640"),
    ("WPS201", on_host(file={**FILE, "mode": "0644"}, wanted_mode="u=rw"), f"{PATH} has mode 0644 instead of 0600"),
    ("WPS201", on_host(file={**FILE, "mode": "0700"}), f"web2: {PATH} has mode 0700 instead of 0600"),
    (
        "WPS201",
        on_host(companions=[{"path": PATH + ".healthy", "mode": "0644", "owner": "root"}]),
        f"web2: {PATH}.healthy has mode 0644",
    ),
    ("WPS201", on_host(file={"exists": False, "path": PATH}), f"web2: {PATH} does not exist"),
    ("WPS202", on_host(file={**FILE, "owner": "deploy"}), "belongs to deploy instead of root or watchparty"),
    ("WPS202", on_host(wanted_owner="shop"), "belongs to watchparty instead of shop"),
    ("WPS203", on_host(acl=[{"path": PATH, "who": "user nobody", "may": "read it"}]), f"web2: {PATH}: user nobody may"),
    ("WPS204", on_host(selinux={"enabled": True, "right": False, "context": "tmp_t", "wanted": "app_t"}), "instead of"),
    ("WPS205", on_host(strays=[{"path": "/x", "mode": "0644", "why": "holds K"}]), "web2: /x (mode 0644) holds K"),
    ("WPS206", on_host(replaceable=[OWNED]), "web2: /srv/watchparty belongs to watchparty, which can replace"),
    ("WPS206", on_host(replaceable=[OWNED], wanted_owner="watchparty"), "belongs to watchparty, which can replace"),
    ("WPS206", on_host(replaceable=[OWNED], account="watchparty"), "belongs to watchparty, which can replace"),
    ("WPS206", on_host(replaceable=[OWNED], units=[], wanted_owner="watchparty"), "belongs to watchparty, which can"),
    ("WPS206", on_host(replaceable=[{**OWNED, "owner": "", "uid": None}]), "web2: /srv/watchparty has mode 0750, so"),
    ("WPS301", on_host(drift={**DRIFT, "missing": ["A"]}), "web2: lacks A"),
    ("WPS301", on_host(drift={**DRIFT, "differs": ["A", "B"]}), "web2: holds other values of A, B"),
    ("WPS301", key_file(differs=["TLS"]), "web2: /srv/key holds other values of TLS"),
    ("WPS201", key_file(mode="0644"), "web2: /srv/key has mode 0644 instead of 0640"),
    ("WPS202", key_file(owner="ann"), "web2: /srv/key belongs to ann instead of app"),
    ("WPS202", key_file(group="ann", wanted_group="tls"), "web2: /srv/key has the group ann instead of tls"),
    ("WPS203", key_file(acl=[ANN]), "web2: /srv/key: user ann may read it"),
    ("WPS206", key_file(replaceable=[OWNED]), "belongs to watchparty, which can replace /srv/key"),
    ("WPS301", key_file(problem="is a link"), "web2: /srv/key: is a link"),
    ("WPS301", on_host(other_files=[NO_KEY_FILE]), "web2: /srv/key does not exist"),
    ("WPS301", on_host(undeclared_files=["/srv/key"]), "web2: /srv/key is not in files of the catalog for this host"),
    ("WPS301", on_host(drift={**DRIFT, "gone": ["A"]}), "web2: holds A, which the next deploy removes"),
    (
        "WPS301",
        on_host(drift=None, unreadable=True, drift_problem="the file is not UTF-8", flaws=None),
        "web2: the file is not UTF-8",
    ),
    ("WPS302", on_host(drift={**DRIFT, "unknown": ["A"]}), "web2: holds A"),
    ("WPS303", on_host(units=[unit(old=True)]), "web2: watchparty-web.service has run since 2026-11-20T10:00:00Z, but"),
    ("WPS303", on_host(units=[unit(held=names(differs=["A"]))]), "runs with other values of A"),
    ("WPS306", on_host(units=[unit(is_up=False, active="failed", sub="failed")]), "is failed (failed)"),
    ("WPS306", on_host(units=[unit(load="masked", began=None)]), "web2: watchparty-web.service is masked"),
    ("WPS306", on_host(units=[unit(load="not-found", began=None)]), "web2: watchparty-web.service is not installed"),
    (
        "WPS306",
        on_host(units=[unit(starts=False, enabled="disabled")]),
        "does not start with the host (it is disabled)",
    ),
    (
        "WPS306",
        on_host(units=[unit(unit="web", manager="runit", is_up=False, active="down", starts=False, enabled="")]),
        "web2: web (runit) is down",
    ),
    (
        "WPS306",
        on_host(units=[unit(unit="web", manager="supervisor", starts=False, enabled="its autostart is false")]),
        "web2: web (supervisor) does not start with the host: its autostart is false",
    ),
    (
        "WPS307",
        on_host(units=[unit(unit="web", manager="supervisor", files=[from_file(differs=["A"])])]),
        "web has other values of A in /etc/default/shop",
    ),
    ("WPS307", on_host(units=[unit(environment=names(differs=["A"]))]), "has other values of A in Environment="),
    ("WPS307", on_host(units=[unit(environment=names(same=["A"], copied=["A"]))]), "has A in Environment= too"),
    ("WPS307", on_host(units=[unit(files=[from_file(differs=["A"])])]), "has other values of A in /etc/default/shop"),
    ("WPS307", on_host(units=[unit(files=[from_file(problem="does not exist")])]), "/etc/default/shop, which does not"),
    (
        "WPS207",
        on_host(units=[unit(user="root")], file={**FILE, "owner": "root"}),
        "web2: watchparty-web.service runs as root",
    ),
    ("WPS208", on_host(copies=[{"path": "/root/.bash_history", "mode": "0600", "why": "holds K"}]), "holds K"),
    ("WPS210", on_host(journal=[{"unit": "web.service", "why": "holds K"}]), "the journal of web.service holds K"),
    (
        "WPS209",
        on_host(shown=[{"process": "7 (x)", "setting": "K", "why": "has K in its arguments"}]),
        "process 7 (x) has K in its",
    ),
    ("WPS308", on_host(flaws={**NO_FLAWS, "twice": ["A"]}), "web2: assigns A more than once"),
    (
        "WPS308",
        on_host(flaws={**NO_FLAWS, "misread": [{"name": "A", "reader": "shell"}]}),
        "so that shell reads another",
    ),
    (
        "WPS308",
        on_host(flaws={**NO_FLAWS, "comments": [{"line": 3, "why": "assigns A"}]}),
        "line 3: a comment assigns A",
    ),
    ("WPS201", on_host(file={**FILE, "exists": False, "problem": "is not a regular file"}), "is not a regular file"),
    ("WPS202", on_host(companions=[{"path": "/x.mark", "mode": "0600", "owner": "eve"}]), "/x.mark belongs to eve"),
    ("WPS301", on_host(mark={"edited": True}), "web2: the file is not the one that a deploy wrote"),
    ("WPS304", {"stores": {**parts()["stores"], "problems": ["API_TOKEN: is required"]}}, "API_TOKEN: is required"),
    ("WPS305", mirrored(differences=["parameter /x gets secret y (the secret changed)"]), "not mirrored yet"),
    ("WPS305", mirrored(differences=["parameter /x is deleted"]), "parameter /x is deleted"),
    ("WPS305", mirrored(conflicts=["A: parameter /x was changed by another writer"]), "was changed by another writer"),
    ("WPS401", role(read=allowing(Action="secretsmanager:*", Resource="arn:x")), "read: allows secretsmanager:*"),
    ("WPS401", role(read=allowing(Action="ssm:GetParameter", Resource="*")), "ssm:GetParameter on every resource"),
    ("WPS402", role(trust=STRANGER), "role r: allows account 999999999999"),
    (
        "WPS403",
        {"users": {"u": [{"id": "AKIAA", "active": True, "days": 90, "used": None}]}},
        "key …KIAA is 90 days old, never",
    ),
    ("WPS404", {"policies": {SECRET: {"document": allowing(Principal="*", Action="*")}}}, "allows everybody"),
    ("WPS405", {"access": rows("fail", "role r", "lacks statement Batch")}, "role r: lacks statement Batch"),
    ("WPS406", {"readers": {**parts()["readers"], **rows("fail", "user u", "may read x")}}, "user u: may read x"),
    ("WPS506", {"github": {**parts()["github"], **rows("fail", "secret A", "is missing")}}, "secret A: is missing"),
    ("WPS507", {"deploys": rows("fail", "run 7", "ended: failure", target="7")["rows"]}, "run 7: ended: failure"),
    ("WPS501", workflow("static-key"), ".github/workflows/test.yml:7: is wrong"),
    ("WPS502", workflow("password"), "test.yml:7: is wrong"),
    ("WPS503", workflow("echo"), "test.yml:7: is wrong"),
    ("WPS504", workflow("unpinned"), "test.yml:7: is wrong"),
    ("WPS504", by_zizmor("unpinned-uses"), "unpinned-uses (high)"),
    ("WPS505", by_zizmor("dangerous-triggers"), "dangerous-triggers (high)"),
    ("WPS601", on_host(health=[answer(status=500)]), "web2: https://127.0.0.1:8000/health/: status 500"),
    ("WPS509", workflow("permissions"), "test.yml:7: is wrong"),
    ("WPS508", by_zizmor("template-injection"), "template-injection (high)"),
    ("WPS601", on_host(health_commands=[{"service": "worker", "problem": "worker: exit code 1"}]), "worker: exit code"),
    ("WPS601", on_host(health=[answer(problem="no answer: refused")]), "no answer: refused"),
    ("WPS602", {"outside": {OUTSIDE: answer(status=302)}}, f"{OUTSIDE}: status 302"),
    ("WPS602", {"outside": {OUTSIDE: answer(tls=None, problem="no answer")}}, f"{OUTSIDE}: no answer"),
    ("WPS603", {"outside": {OUTSIDE: answer(tls={"days": 13, "until": "x"})}}, "the certificate ends in 13 days"),
    ("WPS603", {"outside": {OUTSIDE: answer(tls={"problem": "expired"}, problem="x")}}, "is invalid: expired"),
    ("WPS701", {"former": {"database": {"state": "accepted", "message": "still opens"}}}, "database: still opens"),
    ("WPS702", in_journal(measured={"database": {"seconds": 61, "rotation": "r1", "exact": True}}), "61 s from the"),
    ("WPS801", in_journal(ages=[age("cache", "valkey_user", 91, 90, due=True)]), "cache: 91 days old"),
    ("WPS802", in_journal(incident="leak-1"), "leak leak-1 is declared and not contained"),
    ("WPS802", in_journal(revocations=["mail: not yet"]), "mail: not yet"),
    ("WPS802", in_journal(pending_tasks_due=["o1"], pending_tasks=["o1"]), "o1 is due"),
    ("WPS803", {"secrets": {SECRET: secret(stages={"AWSCURRENT": "a", "AWSPENDING": "b"})}}, "version b is AWSPENDING"),
    ("WPS803", {"secrets": {SECRET: secret(rotation_enabled=True)}}, "automatic rotation by AWS is enabled"),
    ("WPS803", {"leftovers": ["watchparty-rotation/production/r1"]}, "left by a closed rotation"),
    (
        "WPS804",
        {"audit": {"where": "x", "records": 3, "problems": [("record 2 is missing", "")]}},
        "x: record 2 is missing",
    ),
    ("WPS901", isolated(others={"staging": [{"own": "A", "other": "B"}]}), "A has the same value (as B there)"),
    ("WPS407", {"rights": {**parts()["rights"], **rows("fail", "user x", "may grant")}}, "user x: may grant"),
    ("WPS902", isolated(others={"staging": [{"own": "SECRET_KEY", "other": "SECRET_KEY"}]}), "staging: SECRET_KEY is"),
    (
        "WPS903",
        {"stores": {**parts()["stores"], "rules": [("A", "placeholder", "still holds one")]}},
        "A: still holds one",
    ),
    ("WPS309", {"stores": {**parts()["stores"], "unknown": ["secret x key OLD"]}}, "secret x key OLD: no setting"),
    ("WPS309", {"stores": {**parts()["stores"], "copied": ["A"]}}, "A: is read from a copy"),
    ("WPS904", {"stores": {**parts()["stores"], "undervalued": ["A"]}}, "A: holds a secret"),
    (
        "WPS801",
        in_journal(ages=[{**age("stripe", "external", 0, 90), "last": "2031-01-01T00:00:00Z"}]),
        "stripe: was rotated in the future",
    ),
    ("WPS1101", at_servers("rights"), "x: y"),
    ("WPS1102", at_servers("logins"), "x: y"),
    ("WPS1103", at_servers("baseline"), "x: y"),
    ("WPS1104", at_servers("honeytokens"), "x: y"),
    ("WPS408", {"account_baseline": {"rows": [FAILING]}}, "x: y"),
    ("WPS409", {"honeytokens": {"rows": [FAILING]}}, "x: y"),
    ("WPS510", {"github_baseline": {"rows": [FAILING]}}, "x: y"),
    ("WPS211", on_host(baseline=[FAILING]), "x: y"),
    ("WPS1001", {"secrets": {SECRET: secret(replicas={})}}, "no replica in eu-west-1"),
    ("WPS1001", {"secrets": {SECRET: secret(replicas={"eu-west-1": "Failed"})}}, "not in sync in eu-west-1 (Failed)"),
    ("WPS1002", {"secrets": {SECRET: secret(deleted="2026-11-24T10:00:00Z")}}, "was deleted at 2026-11-24"),
    ("WPS1003", keyed(state="PendingDeletion"), f"key {KEY}: is PendingDeletion"),
    ("WPS1003", keyed(rotating=False), f"key {KEY}: does not rotate"),
]
BESIDE: dict[str, str] = {
    "WPS301": "WPS302 WPS208 WPS209 WPS210 WPS308",  # a file that cannot be parsed
    "WPS002": "WPS804",  # a log that cannot be read
    "WPS201": "WPS202 WPS203 WPS204",  # a file that is not there has neither owner, access list nor context
    "WPS306": "WPS202",  # no unit tells whose the file should be
    "WPS602": "WPS603",
    "WPS603": "WPS602",
}
"""Checks that cannot be made in a state that another fails."""


def ran(given: Facts) -> dict[str, verify_check.CheckResult]:
    return {
        check_result.check.id: check_result for check_result in verify_check.run_checks(verify_check.registry(), given)
    }


def evidence(result: verify_check.CheckResult, status: str) -> str:
    return "\n".join(
        f"{outcome.place}: {outcome.message}" if outcome.place else outcome.message
        for outcome in result.worst_first
        if outcome.status == status
    )


def test_what_is_as_it_should_be_passes() -> None:
    results = ran(facts())
    others = {name: evidence(result, result.status) for name, result in results.items() if result.status != PASS}
    assert others == {"WPS204": "web1: SELinux is not enabled\nweb2: SELinux is not enabled"}


@pytest.mark.parametrize(("check", "over", "message"), FAILS, ids=lambda name: name if isinstance(name, str) else "")
def test_exactly_that_check_fails(check: str, over: dict[str, Any], message: str) -> None:
    results = ran(facts(**over))
    assert [name for name, check_result in results.items() if check_result.status == FAIL] == [check]
    assert message in evidence(results[check], FAIL)
    assert pasted_commands.flaws(results.values()) == []
    open_too = {name for name, check_result in results.items() if check_result.status == NOT_CHECKED}
    assert open_too <= set(BESIDE.get(check, "").split())


@pytest.mark.parametrize(
    ("mode", "declared"), [("0640", "0640"), ("0640", "640"), ("0400", "0640"), ("0600", None), ("0440", "0440")]
)
def test_a_mode_that_the_inventory_declares(mode: str, declared: str | None) -> None:
    """A user that is not the application's owns the file, whose group reads it (docs/how-to/prepare-hosts.md)."""
    check_results = ran(facts(**on_host(file={**FILE, "mode": mode}, wanted_mode=declared)))
    assert check_results["WPS201"].status == PASS


def test_a_deploy_starts_a_unit_whose_manager_no_account_may_run() -> None:
    stopped = unit(unit="web", manager="compose", is_up=False, active="exited")
    result = ran(facts(**on_host(units=[stopped])))["WPS306"]
    commands = {result.check.command_for(item, "production") for item in result.worst_first if item.status == FAIL}
    assert commands == {"ansible-playbook watchparty.secrets.deploy -e app_environment=production --limit web2"}


def test_every_check_has_a_state_that_fails_it() -> None:
    elsewhere = {"WPS001"}  # whose facts are the catalog's
    assert {check for check, _over, _words in FAILS} | elsewhere == {check.id for check in verify_check.registry()}


@pytest.mark.parametrize(
    ("contacts", "status"),
    [
        ({"security": "security@example.com"}, PASS),
        ({"security": "https://example.com/alert"}, PASS),
        ({"security": "+33 1 23 45 67 89"}, PASS),
        ({"security": "arn:aws:sns:eu-west-3:123456789012:alarms"}, PASS),
        ({"security": "the team"}, FAIL),
        ({"security": "a@b"}, FAIL),
    ],
)
def test_contacts(contacts: dict[str, str], status: str) -> None:
    assert ran(facts(document=catalog(contacts=contacts)))["WPS001"].status == status
