# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rotate.yml end to end: real PostgreSQL and Valkey, the sample application on two hosts, AWS's stand-in."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.postgres import scram_verifier
from sandbox.process import REPOSITORY
from sandbox.valkey import ADMINISTRATOR
from tests.integration.chaos import Chaos, Controller
from tests.integration.harness import Run
from tests.integration.held import own_kind
from tests.integration.provider import Provider, running
from tests.integration.rotation_lab import ALL, CORE, LOG_GROUP, MASTER, OWNER, RotationLab, rotation_lab, sentences
from tests.integration.terminal import typed

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


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as made:
        yield made


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
        "database (postgresql_role) rotates; due: no record of its last rotation (limit 90 days)",
        "in the settings DATABASE_URL",
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
    sentences(run, "cache is skipped: 0 days old, due in 90 days")
    assert [operation for operation in run.operations if not READS.match(operation)] == []
    assert lab.everything() == before
    assert {run.result(name)["changed"] for name in ("web1",)} == {0}

    verified = verify_audit_log(lab)
    assert verified.code == 0, verified.output
    assert '"problems": []' in verified.text
    assert '"records": 1' in verified.text

    run, result = report(lab)
    assert run.code == 0, run.output
    assert ages(result) == {"cache": 0, "database": 0, "django_key": 0} | dict.fromkeys(
        ("cache_admin", "database_admin", "deploy_ssh")
    )
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
    sentences(run, "due: ", "deploy_ssh", "Run watchparty.secrets.rotate")
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
        owed = {"note/django_key": {**later, "due": "2126-01-01T00:00:00Z"}}
        # What an earlier test of this file left for later does not count here.
        over = {"rotated": rotated, "pending_tasks": owed, "discharged": list(lab.journal_state().pending_tasks)}
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


NOTES = """\
#!/usr/bin/env python3
import json, sys

request = json.load(sys.stdin)
with open(request["options"]["log"], "a") as notes:
    print(request["verb"], request["credential"], request["new"] not in (None, request["old"]), file=notes)
json.dump({"message": "noted", "notes": {"at": request["verb"]}}, sys.stdout)
"""


@pytest.mark.slow
def test_a_third_partys_value_and_a_kind_of_ones_own(lab: RotationLab, provider: Provider) -> None:
    """The first comes from a private file; the second's folder lies outside the collection."""
    old = lab.ready()
    kept = lab.journal_state().pending_tasks
    verbs = ("check", "create", "set", "test", "revoke", "verify_revoked")
    kind = "value: generated\nlength: 24\noptions: [log]\nruns_on: rotation_host"
    path = own_kind(lab, "noted", "", *verbs, kind=kind)
    (path / "noted" / "kind").write_text(NOTES, encoding="utf-8")
    notes = lab.directory / "notes"
    twitch = {"kind": "noted", "appears_in": [{"setting": "TWITCH_CLIENT_SECRET"}], "options": {"log": str(notes)}}
    mail = {
        "kind": "external",
        "appears_in": [{"setting": "YOUTUBE_API_KEY"}],
        "provider_url": "https://mail.example.com/keys",
        "test": {"url": f"{provider.url}/me", "headers": {"X-Key": "{value}"}},
    }
    provider.keys = {lab.content("watchparty/production/integrations")["YOUTUBE_API_KEY"]}
    before = lab.content("watchparty/production/integrations")["TWITCH_CLIENT_SECRET"]
    with lab.with_catalog(twitch=twitch, mail=mail):
        given = lab.values_file(mail="issued-by-the-provider")
        arguments = ("-e", f"rotation_kinds_path={path}", "-e", given, "-e", "rotation_credentials=twitch,mail")
        run = lab.rotate(*arguments, "--check")
        sentences(run, f"mail is REFUSED: the new value is refused: {provider.url}/me answers with status 401")
        assert {(method, path) for method, path, _key in provider.asked} == {("GET", "/me")}
        assert notes.read_text().split() == ["check", "twitch", "False"]
        notes.unlink()
        provider.keys.add("issued-by-the-provider")
        run = lab.rotated(*arguments)
        # The provider alone can refuse the other one's.
        assert re.search(r'from promotion to revocation: \d+ s \(twitch\)"', run.output)
        left = "mail: its old value, replaced by r-"
        asked = (
            "is not yet confirmed revoked at https://mail.example.com/keys; once it is, run watchparty.secrets.rotate "
        )
        sentences(run, left, f"{asked}-e rotation_revoked=mail")
        due = lab.run(playbook="playbooks/rotation_due.yml")
        assert due.code != 0, due.output
        sentences(due, left, asked)
        run = lab.rotate("-e", "rotation_revoked=mail,tiwtch")
        sentences(run, "tiwtch: is not a credential of the catalog; mail waits for it")
        run = lab.rotate("-e", "rotation_revoked=mail")
        assert run.code != 0, run.output
        sentences(run, "STILL WORKS: a previous value still logs in at", "Revoke it at its provider, then start again")
        assert owed(lab, since=kept) == {"mail": "confirm"}
        provider.keys = {"issued-by-the-provider"}
        run = lab.rotated("-e", "rotation_revoked=mail")
        sentences(run, "mail: what r-", "was revoked, as the operator says (rejected now at")
        assert left not in run.text
        assert "issued-by-the-provider" not in run.text
        assert owed(lab, since=kept) == {}
        assert lab.audit_records()[-1]["outcome"] == "revoked"
        assert lab.audit_records()[-1]["credentials"] == ["mail"]
    lab.assert_settled()
    assert lab.values() == old
    assert notes.read_text().splitlines() == [f"{verb} twitch {verb != 'check'}" for verb in verbs]
    after = lab.content("watchparty/production/integrations")["TWITCH_CLIENT_SECRET"]
    assert (len(after), after != before) == (24, True)
    for host in lab.hosts:
        assert host.values()["YOUTUBE_API_KEY"] == "issued-by-the-provider"
        assert host.values()["TWITCH_CLIENT_SECRET"] == after


@pytest.mark.slow
def test_an_administrators_new_password_is_tried_before_the_old_one_is_forgotten(lab: RotationLab) -> None:
    """Each at its servers, from an application's host; what they would reject is refused by name."""
    lab.ready()
    kept = lab.journal_state().pending_tasks
    names = ("database_admin", "cache_admin")
    secrets = [f"watchparty/production/{name.replace('_', '-')}" for name in names]
    before = [lab.content(secret) for secret in secrets]
    new = "issued-for-the-administrator"
    arguments = ("-e", f"rotation_credentials={','.join(names)}", "-e", lab.values_file(**dict.fromkeys(names, new)))
    run = lab.rotate(*arguments)
    assert run.code != 0, run.output
    refused = "{}_admin: the new value is refused as the administrator of {}: "
    sentences(run, refused.format("database", "database"), refused.format("cache", "cache"))
    assert new not in run.output
    assert [lab.content(secret) for secret in secrets] == before
    assert lab.journal_state().rotation is None

    old = before[0]["password"]
    try:
        lab.postgres.execute(f"ALTER ROLE {MASTER} PASSWORD '{scram_verifier(new)}';")
        lab.valkey.execute("ACL", "SETUSER", ADMINISTRATOR, f">{new}")
        lab.rotated(*arguments)
        assert [lab.content(secret)["password"] for secret in secrets] == [new, new]
        run = lab.rotate("-e", f"rotation_revoked={','.join(names)}")
        assert run.code != 0, run.output
        sentences(run, "database_admin: what r-", "(rejected now at", "cache_admin: its old value", "STILL WORKS")
        assert owed(lab, since=kept) == {"cache_admin": "confirm"}
    finally:
        lab.postgres.execute(f"ALTER ROLE {MASTER} PASSWORD '{scram_verifier(old)}';")
        lab.valkey.execute("ACL", "SETUSER", ADMINISTRATOR, f"<{new}")
        lab.renew()


def owed(lab: RotationLab, *, since: Collection[str]) -> dict[str, str]:
    """What the journal keeps for later, beside what it kept before."""
    pending_tasks = lab.journal_state().pending_tasks
    assert set(since) <= set(pending_tasks)
    return {
        pending_task.credential: pending_task.act for name, pending_task in pending_tasks.items() if name not in since
    }


@pytest.mark.slow
def test_a_third_partys_value_is_asked_for_again(lab: RotationLab) -> None:
    """A run that was killed before it kept the answer cannot know it; without a terminal nothing is given up."""
    lab.ready()
    path = own_kind(lab, "dying", "", kind="value: supplied")
    twitch = {"kind": "dying", "appears_in": [{"setting": "TWITCH_CLIENT_SECRET"}]}
    # The test before may have rotated it just now.
    arguments = ("-e", "rotation_credentials=twitch", "-e", "rotation_force=true", "-e", f"rotation_kinds_path={path}")
    with lab.with_catalog(twitch=twitch):
        controller = replace(Controller(lab), command=(*arguments, "-e", lab.values_file(twitch="given-and-lost")))
        assert Chaos(lab, controller).kill("create#1") is not None
        run = lab.rotate(*arguments)
        assert run.code != 0, run.output
        sentences(run, "twitch: cannot be asked for", "give that by -e rotation_values_file=FILE")
        assert lab.journal_state().rotation is not None
        code, seen = typed(lab, "playbooks/rotate.yml", {"New value of twitch": "given-again"}, *arguments)
        assert code == 0, seen
        for host in lab.hosts:
            assert host.values()["TWITCH_CLIENT_SECRET"] == "given-again"
    lab.assert_settled()


@pytest.mark.slow
def test_the_database_alone_there_and_back(lab: RotationLab) -> None:
    """Two logins take turns; nothing else changes. The role does all of it in a playbook of somebody else's, too."""
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
