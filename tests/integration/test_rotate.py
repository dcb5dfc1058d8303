# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rotate.yml end to end: real PostgreSQL and Valkey, the sample application on two hosts, AWS's stand-in."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.process import REPOSITORY
from sandbox.seed import LONG_AGO
from tests.integration.harness import Run
from tests.integration.rotation_lab import ALL, CORE, LOG_GROUP, OWNER, RotationLab, rotation_lab, sentences

READS = re.compile(r"(Get|BatchGet|List|Describe)[A-Z]")
ROLE = """\
- hosts: app_hosts
  gather_facts: false
  ignore_unreachable: true
  vars: {ansible_pipelining: true}
  roles: [watchparty.secrets.secret_rotate]
"""
VERIFY = """\
- hosts: localhost
  gather_facts: false
  vars: {secrets_catalog: CATALOG}
  tasks:
    - watchparty.secrets.audit_log:
        state: verified
        catalog: "{{ secrets_catalog }}"
        environment: production
"""


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection) as made:
        yield made


def report(lab: RotationLab, playbook: str = "rotation_report.yml") -> tuple[Run, dict[str, Any]]:
    path = lab.directory / "ages.json"
    path.unlink(missing_ok=True)
    run = lab.run("-e", f"rotation_report_file={path}", playbook=f"playbooks/{playbook}")
    return run, json.loads(path.read_text(encoding="utf-8"))


def verify_audit_log(lab: RotationLab) -> Run:
    """What the module that verifies says of the whole log."""
    playbook = lab.directory / "verify.yml"
    playbook.write_text(VERIFY.replace("CATALOG", json.dumps(lab.catalog)), encoding="utf-8")
    ours = {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections")}
    return lab.run("-v", playbook=playbook, environment=ours)


def ages(result: Mapping[str, Any]) -> dict[str, Any]:
    return {row["name"]: row["age_days"] for row in result["credentials"]}


def test_the_plan_is_shown_and_nothing_is_written(lab: RotationLab) -> None:
    lab.ready()
    before = lab.everything()
    run = lab.rotate("--check", "--diff", "-e", f"rotation_credentials={ALL}")
    assert run.code == 0, run.output
    assert [operation for operation in run.operations if not READS.match(operation)] == []
    assert lab.everything() == before
    assert lab.entries() == []
    for key in ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        sentences(run, f"changes secret {CORE} key {key}", f"+secret {CORE} key {key}: new value")
    for place in (
        "secret all-in-one-credentials key username",
        "secret all-in-one-credentials key password",
        "secret watch-party-valkey-001-auth-token key auth_token",
        f"secret {CORE} key CELERY_RESULT_BACKEND",
        f"secret {CORE} key CHANNEL_LAYERS_CONFIG_HOSTS",
        "parameter /WatchParty/production/DB/URL",
        "parameter /WatchParty/production/Redis/URL",
        "parameter /WatchParty/production/App/SECRET_KEY",
    ):
        sentences(run, f"changes {place}", f"-{place}: present value", f"+{place}: new value")
    sentences(
        run,
        "database (postgresql_role) rotates; due: at most 400 days old, no recorded rotation (limit 90)",
        "is part of setting DATABASE_URL",
        "2 rollouts restart watchparty-web.service, watchparty-celery.service on web1, web2",
    )


def test_all_kinds_in_one_run(lab: RotationLab) -> None:
    """Everything that one rotation leaves behind is looked at here."""
    old = lab.ready()
    before = lab.everything()
    changelog = lab.directory / "CHANGELOG.md"
    copy = lab.directory / "audit.jsonl"
    places = ("-e", f"rotation_changelog={changelog}", "-e", f"rotation_audit_path={copy}")
    run = lab.rotated("-e", f"rotation_credentials={ALL}", *places)
    new = lab.values()
    lab.assert_settled(old)
    assert new.database[0] == f"{OWNER}_b"
    assert old.database[1] != new.database[1]
    assert old.cache[1] != new.cache[1]
    assert (new.django_key != old.django_key, new.fallbacks) == (True, old.django_key)
    assert lab.content("all-in-one-credentials")["username"] == new.database[0]
    assert lab.parameter("DB/URL") == lab.content()["DATABASE_URL"]
    # One version a secret and phase, whatever the number of credentials: two phases, since Django's key needs two.
    assert lab.stages()["AWSPREVIOUS"] == before["secrets"][CORE]["AWSCURRENT"]
    staged = [call for call in lab.moto.calls() if call["operation"] == "PutSecretValue"][-6:]
    assert Counter(entry["request"]["SecretId"] for entry in staged)[CORE] == 2

    (record,) = lab.audit_records()
    assert record["credentials"] == ["cache", "database", "django_key"]
    assert (record["outcome"], record["hosts"], record["phases"]) == ("completed", ["web1", "web2"], 2)
    assert record["secrets"][CORE] == {"from": before["secrets"][CORE]["AWSCURRENT"], "to": lab.stages()["AWSCURRENT"]}
    assert json.loads(copy.read_text(encoding="utf-8")) == record
    assert f"(rotation {record['rotation']}: completed)" in changelog.read_text(encoding="utf-8")
    assert lab.journal_state().audit["number"] == 1
    sentences(
        run,
        f"rotation {record['rotation']} is complete",
        "credentials: cache, database, django_key",
        "hosts: web1, web2",
        f"audit record: log group {LOG_GROUP}",
    )
    # Not Django's key, which still verifies.
    assert re.search(r'from promotion to revocation: \d+ s \(cache, database\)"', run.output)
    assert re.search(r"seconds: create \d.*deploy_1 \d.*deploy_2 \d.*revoke \d", run.output)


def test_a_second_run_does_nothing(lab: RotationLab) -> None:
    """After the rotation before: nothing is due, the log verifies, and the report says who rotated last."""
    if not lab.audit_records():
        lab.rotated("-e", f"rotation_credentials={ALL}")
    before = lab.everything()
    run = lab.rotate("-e", f"rotation_credentials={ALL}")
    assert run.code == 0, run.output
    sentences(run, "skipped: 0 days old, due in 90 days")
    assert [operation for operation in run.operations if not READS.match(operation)] == []
    assert lab.everything() == before
    assert {run.result(name)["changed"] for name in ("web1",)} == {0}

    verified = verify_audit_log(lab)
    assert verified.code == 0, verified.output
    assert '"problems": []' in verified.text
    assert '"records": 1' in verified.text

    run, result = report(lab)
    assert run.code == 0, run.output
    new, old = ("cache", "database", "django_key"), ("cache_admin", "database_admin")
    assert ages(result) == {**dict.fromkeys(new, 0), **dict.fromkeys(old, LONG_AGO), "deploy_ssh": None}
    assert result["due"] == ["cache_admin", "database_admin", "deploy_ssh"]
    who = lab.audit_records()[0]["who"]
    assert {row["rotated_by"] for row in result["credentials"] if row["age_days"] == 0} == {who}
    assert [pending_task["act"] for pending_task in result["pending_tasks"]] == ["drop_fallback"]
    assert re.search(rf"cache +valkey_user +0 d +90 d +in 90 d +\S+ by {re.escape(who)}", run.output)


def test_a_scheduler_learns_whether_something_is_due(lab: RotationLab) -> None:
    lab.ready()
    run, result = report(lab, "rotation_due.yml")
    assert run.code != 0
    assert result["act_now"] is True
    sentences(run, "due: ", "deploy_ssh", "Run ansible-playbook watchparty.secrets.rotate")
    # Where it cannot be asked, no earlier run's answer is left.
    path = lab.directory / "ages.json"
    lab.moto.set_faults(Fault("deny", operation="GetObject"))
    try:
        run = lab.run("-e", f"rotation_report_file={path}", playbook="playbooks/rotation_due.yml")
    finally:
        lab.moto.set_faults()
    assert run.code != 0
    assert not path.exists(), run.output
    kept, lab.catalog = lab.catalog, {**lab.catalog}
    before = lab.journal_state().lines
    # A pending task that is not due yet is not a reason to act.
    of_age = {
        name: {**item, "max_age_days": 90} for name, item in kept["credentials"].items() if name in ALL.split(",")
    }
    try:
        admins = {entry["admin"] for entry in of_age.values() if "admin" in entry}
        rarely = {name: {**kept["credentials"][name], "max_age_days": 10**5} for name in admins}
        lab.catalog["credentials"] = {**of_age, **rarely}
        rotated = dict.fromkeys(lab.catalog["credentials"], _just_now())
        later = {"credential": "django_key", "act": "drop_fallback", "rotation": "note", "secrets": {}}
        pending = {"note/django_key": {**later, "due": "2126-01-01T00:00:00Z"}}
        # What an earlier test of this file left for later does not count here.
        over = {"rotated": rotated, "pending_tasks": pending, "discharged": list(lab.journal_state().pending_tasks)}
        lab.append(rotation="note", **over)
        run, result = report(lab, "rotation_due.yml")
        assert run.code == 0, run.output
        assert (result["act_now"], result["due"]) == (False, [])
        assert [pending_task["id"] for pending_task in result["pending_tasks"]] == ["note/django_key"]
        # A typo is not taken for no.
        run = lab.run("-e", "rotation_due_fails=ture", playbook="playbooks/rotation_report.yml")
        assert run.code != 0
        sentences(run, "rotation_due_fails: 'ture' is neither yes nor no")
        # An open rotation is.
        lab.append(rotation="r-open", step="plan", who="ann@laptop", at="2026-11-25T10:00:00Z")
        run, result = report(lab, "rotation_due.yml")
        assert run.code != 0
        assert result["rotation"]["id"] == "r-open"
        sentences(run, "open: r-open of ann@laptop since 2026-11-25T10:00:00Z, at plan")
    finally:
        lab.catalog = kept
        lab.write_journal(*before)


def _just_now() -> dict[str, str]:
    return {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "who": "test", "rotation": "note"}


@pytest.mark.slow
def test_the_database_alone_there_and_back(lab: RotationLab) -> None:
    """Two logins alternate; nothing else changes. The role does all of it in a playbook of somebody else's, too."""
    first = lab.ready()
    playbook = lab.directory / "role.yml"
    playbook.write_text(ROLE, encoding="utf-8")
    ours = {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections")}
    run = lab.run(
        "-e", "rotation_credentials=database", "-e", "rotation_force=true", playbook=playbook, environment=ours
    )
    assert run.code == 0, run.output
    second = lab.values()
    lab.assert_settled(first)
    lab.rotated("-e", "rotation_credentials=database", "-e", "rotation_force=true")
    third = lab.values()
    lab.assert_settled(first, second)
    assert third.database[0] == first.database[0] != second.database[0]
    assert len({values.database[1] for values in (first, second, third)}) == 3
    assert first.cache == second.cache == third.cache
    assert first.django_key == third.django_key


@pytest.mark.slow
def test_a_cache_whose_users_take_turns(lab: RotationLab) -> None:
    """A user name that ends in _a rotates to its twin; four URLs and a secret follow."""
    lab.ready()
    lab.valkey.create_user("shop_a", "the-first-password-of-shop-a")
    core = lab.content()
    urls = ("REDIS_URL", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "CHANNEL_LAYERS_CONFIG_HOSTS")
    new = [lab.valkey.url(at, user="shop_a", password="the-first-password-of-shop-a") for at in range(len(urls))]
    lab.put(**dict(zip(urls, new, strict=True)))
    lab.put("watch-party-valkey-001-auth-token", auth_token="the-first-password-of-shop-a")
    path = "/WatchParty/production/Redis/URL"
    lab.moto.client("ssm").put_parameter(Name=path, Type="SecureString", Value=new[0], Overwrite=True)
    lab.deploy("-e", "env_deploy_serial=100%")
    old = lab.values()
    lab.rotated("-e", "rotation_credentials=cache", "-e", "rotation_force=true")
    assert lab.values().cache[0] == "shop_b"
    lab.assert_closed()
    lab.assert_consistent()
    lab.assert_hosts_run_on_it()
    assert lab.accepts(lab.values())["cache"]
    assert not lab.accepts(old)["cache"]
    assert lab.content()["CELERY_BROKER_URL"].endswith(f"@127.0.0.1:{lab.valkey.port}/1")
    assert core["DATABASE_URL"] == lab.content()["DATABASE_URL"]
    lab.renew()


@pytest.mark.slow
def test_calls_do_not_grow_with_hosts(lab: RotationLab) -> None:
    """One host, then three: the same calls to AWS."""
    lab.ready()
    app_hosts = lab.hosts
    arguments = ("-e", "rotation_credentials=cache", "-e", "rotation_force=true", "-e", "env_deploy_serial=100%")
    try:
        lab.hosts = app_hosts[:1]
        lab.rotated(*arguments)
        entry = Counter(lab.rotated(*arguments).operations)
        lab.hosts = app_hosts
        lab.add_hosts(1)
        lab.deploy("-e", "env_deploy_serial=100%")
        three = Counter(lab.rotated(*arguments).operations)
        assert len(lab.hosts) == 3
        lab.assert_settled()
    finally:
        for host in lab.hosts[2:]:
            host.application.stop()
        lab.hosts = lab.hosts[:2]
    assert three == entry
