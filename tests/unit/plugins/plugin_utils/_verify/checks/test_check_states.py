# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What cannot be judged is not checked, and what nobody asks for is not applicable; neither passes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import (
    FAIL,
    NOT_APPLICABLE,
    NOT_CHECKED,
    PASS,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from tests.unit.plugins.plugin_utils._verify import verify_facts
from tests.unit.plugins.plugin_utils._verify.checks.test_checks import (
    KEY,
    OUTSIDE,
    at_servers,
    evidence,
    in_journal,
    isolated,
    keyed,
    mirrored,
    on_host,
    ran,
    rows,
    scanned,
)
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
    unit,
)

MANAGED = {"unit": "web", "manager": "compose", "active": "running", "sub": "", "enabled": "", "starts": False}
NOTHING: list[tuple[str, dict[str, Any], str]] = [
    ("WPS103", scanned("history", [], not_checked=["a shallow clone"]), "a shallow clone"),
    ("WPS104", scanned("unknown_secrets", [], not_checked=["gitleaks ended with 1"]), "gitleaks ended with 1"),
    ("WPS405", {"access": rows("not checked", "", "nothing is there")}, "nothing is there"),
    ("WPS406", {"readers": {**parts()["readers"], "unread": ["secret x: denied"]}}, "secret x: denied"),
    ("WPS406", {"readers": {**parts()["readers"], **rows("not checked", "role r", "a condition")}}, "a condition"),
    (
        "WPS506",
        {"github": {**parts()["github"], **rows("not checked", "secret A", "cannot be read")}},
        "cannot be read",
    ),
    ("WPS507", {"deploys": []}, "the last run is unknown"),
    ("WPS508", scanned("zizmor", [], not_checked=["zizmor cannot read"]), "zizmor cannot read"),
    ("WPS201", {"hosts": {}}, "the inventory has no application hosts"),
    ("WPS202", on_host(units=[]), "the expected owner is unknown"),
    ("WPS208", on_host(copies_unread=["/tmp took too long"]), "took too long"),
    ("WPS209", on_host(drift=None, drift_problem="no stores"), "no stores"),
    ("WPS306", on_host(units=[], units_problem="systemctl: gave no answer"), "gave no answer"),
    (
        "WPS303",
        on_host(units=[unit(**MANAGED, began=None)]),
        "web: when it started is not known; set services.*.pid_file",
    ),
    (
        "WPS306",
        on_host(units=[unit(**{**MANAGED, "active": ""})]),
        "web (compose): set services.*.status or services.*.pid_file",
    ),
    (
        "WPS306",
        on_host(units=[unit(**MANAGED)]),
        "web (compose): compose does not tell whether it starts with the host",
    ),
    ("WPS308", on_host(flaws=None), "could not be read"),
    ("WPS204", on_host(selinux={"enabled": True, "right": None, "why": "matchpathcon: No such file"}), "matchpathcon"),
    ("WPS205", on_host(strays_unread=["9 files were not searched"]), "9 files"),
    ("WPS301", on_host(drift=None, drift_problem="there is no file"), "no file"),
    ("WPS302", on_host(drift=None), "not compared"),
    ("WPS303", on_host(units=[], units_problem="systemctl: gave no answer"), "gave no answer"),
    ("WPS305", mirrored(problems=["A: secret y: denied"]), "A: secret y: denied"),
    ("WPS305", mirrored(held=["/x"]), "parameter /x: an open rotation writes it"),
    ("WPS402", {"roles": {"r": {"problem": "does not exist"}}}, "does not exist"),
    ("WPS404", {"policies": {SECRET: {"problem": "denied"}}}, "denied"),
    *((check, {"buckets": {JOURNAL: bucket(problem="denied")}}, "denied") for check in ("WPS002", "WPS404")),
    (
        "WPS504",
        {"workflows": {"files": ["a"], "findings": [], "unread": {"a": "is not valid YAML"}}},
        "is not valid YAML",
    ),
    (
        "WPS503",
        {"workflows": {"files": ["a"], "findings": [], "unread": {}, "not_followed": {"a": "was not followed"}}},
        "was not followed",
    ),
    ("WPS603", {"outside": {OUTSIDE: answer(tls=None, problem="no answer")}}, "no certificate was seen: no answer"),
    ("WPS701", {"former": {"database": {"state": "untried", "message": "not tried"}}}, "not tried"),
    (
        "WPS702",
        in_journal(measured={"database": {"seconds": 90, "rotation": "r", "exact": False}}),
        "the whole rotation",
    ),
    ("WPS803", in_journal(rotation="rotation r1"), "a rotation is open"),
    ("WPS901", isolated(others={}, unread={"staging": "denied"}), "denied"),
    ("WPS1002", {"secrets": {SECRET: {"problem": "denied"}}}, "denied"),
    ("WPS1003", keyed(rotating=None, why="denied"), "denied"),
    ("WPS1101", at_servers("rights", "not checked"), "x: y"),
    ("WPS1102", at_servers("logins", "not checked"), "x: y"),
]


LEFT_OUT: list[tuple[str, dict[str, Any], str]] = [
    ("WPS405", {"access": {"rows": []}}, "declares no resources"),
    ("WPS401", {"roles": {}}, "names no roles"),
    ("WPS401", {"roles": {"r": {"problem": "does not exist", "unwanted": "has no aws.operators"}}}, "no aws.operators"),
    ("WPS402", {"roles": {"r": {"problem": "does not exist", "unwanted": "has no aws.operators"}}}, "no aws.operators"),
    ("WPS501", {"workflows": {"files": [], "findings": [], "unread": {}}}, "has no workflows"),
    ("WPS601", {"hosts": {"web1": host(health=[])}}, "no health check is known"),
    ("WPS602", {"outside": {}}, "no external address is known"),
    ("WPS603", {"outside": {}, "hosts": {}}, "no health address is https"),
    ("WPS801", in_journal(ages=[]), "names no credentials"),
    ("WPS902", isolated(signing=[]), "names no SECRET_KEY"),
    ("WPS406", {"readers": {**parts()["readers"], "things": 0}}, "no secrets and parameters exist yet"),
    ("WPS702", in_journal(measured={}), "has not been rotated yet"),
    ("WPS303", on_host(units=[]), "names no units"),
    ("WPS207", on_host(units=[unit(user="root", container=True)]), "runs a container"),
    ("WPS306", on_host(units=[unit(load="not-found"), unit(unit="other.service")]), "is not installed on this host"),
    ("WPS207", on_host(units=[unit(**MANAGED, user="")]), "web: no process of it is known"),
    ("WPS210", on_host(units=[unit(**MANAGED)]), "names no units of systemd"),
    ("WPS307", on_host(units=[unit(**MANAGED)]), "web: the files of compose are not read"),
    (
        "WPS306",
        on_host(units=[unit(**{**MANAGED, "manager": "command"})]),
        "web (command): a manager by commands does not tell what starts with the host",
    ),
    ("WPS204", {}, "SELinux is not enabled"),
    ("WPS204", on_host(selinux={"enabled": True, "no_context": True}), "sets no context for it"),
    ("WPS402", {"roles": {}}, "names no roles"),
    ("WPS404", {"policies": {}, "buckets": {}}, "names no secrets"),
    ("WPS701", {"former": {"database": {"state": "exempt", "message": "no previous value"}}}, "no previous value"),
    ("WPS901", isolated(others={}), "names no other environment"),
    ("WPS1002", {"secrets": {}}, "names no secrets"),
    ("WPS1003", {"keys": {}}, "names its KMS key"),
    ("WPS1101", {"servers": {"rights": [], "logins": []}}, "names no login"),
    ("WPS1102", {"servers": {"rights": [], "logins": []}}, "names no login"),
    ("WPS1103", {"servers": {"baseline": []}}, "names no login"),
    ("WPS1104", {"servers": {"honeytokens": []}}, "declares no honeytoken"),
    ("WPS408", {"account_baseline": {"rows": []}}, "nothing to compare"),
    ("WPS409", {"honeytokens": {"rows": []}}, "declares no honeytoken"),
    ("WPS510", {"github_baseline": {"rows": []}}, "nothing to compare"),
]


@pytest.mark.parametrize(("check", "over", "message"), LEFT_OUT, ids=lambda name: name if isinstance(name, str) else "")
def test_what_nobody_asks_for_fails_nothing(check: str, over: dict[str, Any], message: str) -> None:
    result = ran(facts(**over))[check]
    assert result.status in (NOT_APPLICABLE, PASS)
    assert message in evidence(result, NOT_APPLICABLE)


def test_a_rotation_without_times_is_not_checked() -> None:
    last = {**age("database", "postgresql_role", 12, 90), "last": "2026-11-13T10:00:00Z"}
    assert ran(facts(**in_journal(measured={}, ages=[last])))["WPS702"].status == NOT_CHECKED


@pytest.mark.parametrize("part", sorted({part for check in verify_check.registry() for part in check.needs}))
def test_a_part_that_nobody_asks_for_is_no_failure(part: str) -> None:
    for check_result in ran(replace(facts(), left_out={part: "LEFT OUT"})).values():
        if part in check_result.check.needs:
            assert "LEFT OUT" in evidence(check_result, NOT_APPLICABLE), check_result.check.id
        assert check_result.status in (PASS, NOT_APPLICABLE)


def test_no_unreachable_host_is_passed_over() -> None:
    lost = facts(hosts={"web1": host(), "web2": {"problem": "cannot be reached"}})
    for check_result in ran(lost).values():
        if "hosts" in check_result.check.needs:
            assert check_result.status == NOT_CHECKED, check_result.check.id


@pytest.mark.parametrize(("check", "over", "message"), NOTHING, ids=lambda name: name if isinstance(name, str) else "")
def test_what_cannot_be_judged_says_why(check: str, over: dict[str, Any], message: str) -> None:
    result = ran(facts(**over))[check]
    assert result.status == NOT_CHECKED
    assert message in evidence(result, NOT_CHECKED)


@pytest.mark.parametrize("part", sorted({part for check in verify_check.registry() for part in check.needs}))
def test_a_part_that_is_absent_never_passes(part: str) -> None:
    whole = facts()
    given = replace(
        whole, parts={name: item for name, item in whole.parts.items() if name != part}, absent={part: "DENIED"}
    )
    for check_result in ran(given).values():
        if part in check_result.check.needs:
            assert check_result.status == NOT_CHECKED, check_result.check.id
            assert "DENIED" in evidence(check_result, NOT_CHECKED)
        else:
            assert check_result.status in (PASS, NOT_APPLICABLE)


@pytest.mark.parametrize("check", verify_check.registry(), ids=lambda item: item.id)
def test_facts_of_another_shape_are_a_fault_and_never_pass(check: verify_check.Check) -> None:
    if not check.needs:
        return
    broken = replace(facts(), parts={name: {"x": 1} if name != "account" else "1" for name in verify_facts.parts()})
    result = ran(broken)[check.id]
    assert result.status == NOT_CHECKED
    assert "unexpected error: " in evidence(result, NOT_CHECKED)


RENEW = "--become -m ansible.builtin.command -a 'certbot renew'"


def wide(policy: str, **role: Any) -> dict[str, Any]:
    """A role with a policy that has a wildcard."""
    document = {"Statement": [{"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "arn:x"}]}
    return {"roles": {"r": {"trust": {}, "policies": {policy: document}, **role}}}


@pytest.mark.parametrize(
    ("check", "over", "command"),
    [
        (
            "WPS002",
            {"audit": {"where": "log_group /x", "records": 3, "problems": [], "retention": 7}},
            "aws logs delete-",
        ),
        ("WPS102", {"repository": {"ignores": {}, "env_files": {".env": [("K", 3, "")]}}}, "${EDITOR:-vi} +3 .env"),
        ("WPS102", {"repository": {"ignores": {}, "env_files": {".env.example": [("K", 3, "")]}}}, "ansible-playbook "),
        (
            "WPS401",
            wide("read", attached={"read": "arn:aws:iam::1:policy/read"}),
            "aws iam detach-role-policy --role-name r --policy-arn arn:aws:iam::1:policy/read",
        ),
        ("WPS401", wide("read", inline=["read"]), "aws iam get-role-policy --role-name r --policy-name read"),
        ("WPS401", wide("r-2", attached={"r-2": "arn:aws:iam::1:policy/r-2"}), "ansible-playbook "),
        (
            "WPS303",
            on_host(units=[unit(old=True)]),
            "ansible web2 --become -m ansible.builtin.shell -a 'systemctl restart -- watchparty-web.service'",
        ),
        ("WPS602", {"outside": {OUTSIDE: answer(status=503)}}, f"curl --verbose --output /dev/null {OUTSIDE}"),
        (
            "WPS602",
            {"outside": {OUTSIDE: answer(status=503)}, **on_host(health=[answer(status=500)])},
            "ansible web2 --become -m ansible.builtin.shell -a 'systemctl restart -- watchparty-web.service'",
        ),
        ("WPS603", {"outside": {OUTSIDE: answer(tls={"days": 3, "until": "x"})}}, f"ansible web1,web2 {RENEW}"),
        ("WPS603", on_host(health=[answer(tls={"problem": "certificate has expired"})]), f"ansible web2 {RENEW}"),
        (
            "WPS603",
            on_host(health=[answer(tls={"problem": "another name"})]),
            "ansible web2 -m ansible.builtin.command -a 'curl --verbose --insecure --output /dev/null https://127.0.0.1:",
        ),
        (
            "WPS603",
            {"outside": {OUTSIDE: answer(tls={"problem": "another name"})}},
            "curl --verbose --output /dev/null",
        ),
    ],
)
def test_the_command_corrects_this_finding(check: str, over: dict[str, Any], command: str) -> None:
    result = ran(facts(**over))[check]
    (finding,) = (item for item in result.worst_first if item.status == FAIL)
    assert result.check.command_for(finding, "production").startswith(command)


@pytest.mark.parametrize("check", verify_check.registry(), ids=lambda item: item.id)
def test_no_command_detaches_whatever_else_a_role_has(check: verify_check.Check) -> None:
    assert "purge" not in check.command


@pytest.mark.parametrize(
    ("name", "command"), [("DEBUG", "${EDITOR:-vi} $("), ("STRIPE_KEY", "ansible-playbook watchparty.secrets.set ")]
)
def test_a_value_of_the_catalog_is_corrected_there(name: str, command: str) -> None:
    settings = {**verify_facts.DOCUMENT["settings"], "DEBUG": {"value": "true"}}
    found = {**verify_facts.parts()["stores"], "rules": [(name, "placeholder", "is wrong")]}
    result = ran(replace(facts(stores=found), catalog=verify_facts.catalog(settings=settings)))["WPS903"]
    (finding,) = result.worst_first
    assert result.check.command_for(finding, "production").startswith(command)


@pytest.mark.parametrize(("check", "key"), [("WPS208", "copies_closed"), ("WPS209", "shown_closed")])
def test_what_only_root_can_read_is_shown_and_fails_nothing(check: str, key: str) -> None:
    result = ran(facts(**on_host(**{key: ["/root: root only"]})))[check]
    assert result.status == PASS
    assert "root only" in evidence(result, NOT_APPLICABLE)


def test_a_catalog_that_mirrors_nothing() -> None:
    results = ran(facts(document=replace(catalog(), mirror=None), absent={"mirror": "x"}))
    assert results["WPS305"].status == NOT_APPLICABLE


def test_no_contact_and_no_audit_log() -> None:
    bare = replace(catalog(), contacts={}, audit_log={})
    results = ran(facts(document=bare))
    assert results["WPS001"].status == results["WPS002"].status == FAIL
    assert results["WPS804"].status == NOT_APPLICABLE


@pytest.mark.parametrize("over", [{"problem": "denied"}, {"access_problem": "denied"}])
def test_a_key_whose_policy_cannot_be_read(over: dict[str, str]) -> None:
    result = ran(facts(**keyed(**over)))["WPS404"]
    assert (result.status, evidence(result, NOT_CHECKED)) == (NOT_CHECKED, f"key {KEY}: denied")
