# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotations that meet what goes wrong around them: AWS, hosts, servers, other people."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.process import stop_saved, wait_until
from tests.integration.doors import own_door
from tests.integration.harness import LONGEST, Run
from tests.integration.held import CALLBACKS, HOLD, ONE, Held, down, program
from tests.integration.rotation_lab import (
    CORE,
    FOREIGN,
    JOURNAL,
    OWNER,
    RotationLab,
    Values,
    rotation_lab,
    sentences,
)

PROMOTES = "promote"
SETS = "postgresql_login present"
DELIVERS = "Deliver the .env and verify"
PROVES = "Compare the host's .env with the snapshot"
WITHDRAWS = "gate"
CACHE = ("-e", "rotation_credentials=cache", "-e", "rotation_force=true")
DATABASE = ("-e", "rotation_credentials=database", "-e", "rotation_force=true")
BOTH = ("-e", "rotation_credentials=cache,database", "-e", "rotation_force=true")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection) as made:
        yield made


def failed(run: Run, *messages: str) -> None:
    assert run.code != 0, run.output
    sentences(run, *messages)


def finished(lab: RotationLab, *arguments: str, old: Sequence[Values] = ()) -> Run:
    """The same command again completes what was left."""
    run = lab.rotated(*arguments)
    sentences(run, "was not finished", "is complete")
    lab.assert_settled(*old)
    return run


def rolled_back(lab: RotationLab, old: Values) -> None:
    assert lab.values() == old
    lab.assert_settled()


WRITES = (
    *("CreateSecret", "PutSecretValue", "UpdateSecretVersionStage", "DeleteSecret"),
    *("PutParameter", "PutObject", "PutLogEvents"),
)
ASKS = (
    *("GetCallerIdentity", "GetObject", "GetParametersByPath", "BatchGetSecretValue"),
    *("ListSecretVersionIds", "DescribeSecret"),
)


def test_faults_of_aws_that_pass(lab: RotationLab) -> None:
    """Each kind of call is throttled at first, then fails with 500, is cut off, and loses its answer: none is seen."""
    old = lab.ready()
    number = len(lab.audit_records())
    lab.moto.set_faults(
        *(Fault("throttle", operation=ask, calls=(1,)) for ask in (*ASKS, *WRITES)),
        *(Fault("error", operation=ask, calls=(2, 9)) for ask in (*ASKS, *WRITES)),
        *(Fault("close", operation=ask, calls=(4, 14)) for ask in (*ASKS, *WRITES)),
        *(Fault("lose", operation=ask, calls=(3, 6, 11)) for ask in (*ASKS, *WRITES)),
        *(Fault("delay", operation=ask, calls=(5,), seconds=1.0) for ask in (*ASKS, *WRITES)),
    )
    since = lab.moto.count()
    lab.rotated(*BOTH)
    met = {(call["operation"], effect) for call in lab.moto.calls(since=since) for effect in call["fault"]}
    lab.moto.set_faults()
    missed = {write for write in WRITES if not {(write, "throttle"), (write, "lose")} & met}
    assert missed <= {"DeleteParameters"}, f"never met a fault: {missed}"
    assert {(name, "lose") for name in ("PutSecretValue", "UpdateSecretVersionStage", "PutParameter")} <= met
    lab.assert_settled(old)
    assert len(lab.audit_records()) == number + 1


def test_calls_of_aws_that_time_out(lab: RotationLab) -> None:
    """Of each kind of call some never arrive, and of some that did the answer comes too late: the run goes on."""
    old = lab.ready()
    number = len(lab.audit_records())
    lab.moto.set_faults(
        *(Fault("hang", operation=ask, calls=(2, 6), seconds=1.5) for ask in (*ASKS, *WRITES)),
        *(Fault("late", operation=ask, calls=(1, 4, 9), seconds=1.5) for ask in (*ASKS, *WRITES)),
    )
    since = lab.moto.count()
    variables = {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "impatient",
        "AWS_READ_TIMEOUT": "1",
    }
    lab.rotated(*BOTH, environment=variables)
    met = {(call["operation"], effect) for call in lab.moto.calls(since=since) for effect in call["fault"]}
    lab.moto.set_faults()
    missed = {write for write in WRITES if not {(write, "late"), (write, "hang")} <= met}
    assert missed <= {"DeleteParameters"}, f"never timed out: {missed}"
    lab.assert_settled(old)
    assert len(lab.audit_records()) == number + 1


def test_aws_refuses_a_write_of_the_promotion(lab: RotationLab) -> None:
    """By policy, for good: it is rolled back in the same run, which says what is to be allowed on which name."""
    old = lab.ready()
    name = "/WatchParty/production/DB/URL"
    lab.moto.set_faults(Fault("deny", operation="PutParameter", target=name))
    run = lab.rotate(*DATABASE)
    lab.moto.set_faults()
    failed(run, "The rotation was rolled back", f"AWS denies ssm:PutParameter on parameter {name}; allow")
    rolled_back(lab, old)


def test_aws_refuses_to_write_a_secret(lab: RotationLab) -> None:
    """Going back writes it too, so the rotation stays open, with nothing promoted, until that is allowed."""
    old = lab.ready()
    lab.moto.set_faults(Fault("deny", operation="PutSecretValue", target=CORE))
    run = lab.rotate(*CACHE)
    lab.moto.set_faults()
    failed(run, f"AWS denies secretsmanager:PutSecretValue on secret {CORE}; allow")
    assert lab.values() == old
    run = lab.rotate(*CACHE)
    sentences(run, "it is rolled back from its last step", "was rolled back; the old values are in force")
    rolled_back(lab, old)


def test_aws_fails_at_the_end(lab: RotationLab) -> None:
    """The new value is in force; record is repeated until its body is there, and leaves one record."""
    old = lab.ready()
    number = len(lab.audit_records())
    lab.moto.set_faults(Fault("deny", operation="PutLogEvents"))
    run = lab.rotate(*CACHE)
    lab.moto.set_faults()
    failed(run, "stopped at step record", "PutLogEvents", "Run the same command again")
    assert lab.journal_state().rotation is not None
    assert lab.values().cache != old.cache
    finished(lab, *CACHE, old=[old])
    assert len(lab.audit_records()) == number + 1


def test_the_journal_cannot_be_written(lab: RotationLab) -> None:
    """Nothing is done that is not in the journal; the same command goes on from its last entry.

    In between the rotation host is lost: that is said with the remedy, and takes nothing back.
    """
    old = lab.ready()
    head = lab.journal_state().head
    lab.moto.set_faults(Fault("deny", operation="PutObject", target=JOURNAL.target, calls=tuple(range(3, 99))))
    run = lab.rotate(*CACHE)
    lab.moto.set_faults()
    failed(run, f"AWS denies s3:PutObject on s3://{JOURNAL.target}")
    assert lab.journal_state().head == head + 2
    assert lab.values() == old
    with lab.unreachable("web1"):
        run = lab.rotate(*CACHE)
    failed(run, "stopped at step set", "web1 cannot be reached; choose another by -e rotation_host=…", "to continue")
    finished(lab, *CACHE, old=[old])


def test_health_fails_on_the_new_value(lab: RotationLab) -> None:
    """The first host takes it, the second cannot: both go back, and the new value is taken away at the servers."""
    old = lab.ready()
    record = len(lab.audit_records())
    with lab.hosts[1].runs_only_on_the_present_file():
        run = lab.rotate(*BOTH, "-e", "env_deploy_health_retries=4")
    failed(run, "The rotation was rolled back: web2: ", "was rolled back; the old values are in force")
    assert [name for name in ("web1", "web2") if run.result(name)["failed"]] == ["web2"], run.output
    rolled_back(lab, old)
    (last,) = lab.audit_records()[record:]
    assert (last["outcome"], "web2" in last["reason"]) == ("rolled_back", True)


def test_a_host_that_cannot_be_reached(lab: RotationLab) -> None:
    """It stays open and says so; nothing is revoked; the same command completes it."""
    old = lab.ready()
    with lab.unreachable("web2"):
        run = lab.rotate(*CACHE)
        failed(run, "web2", "stopped at step deploy", "Run the same command again to continue")
        assert lab.values() == old
        assert lab.accepts(old)["cache"]
    lab.hosts[0].assert_healthy()
    finished(lab, *CACHE, old=[old])


@pytest.mark.parametrize("when", ["between the batches", "after the write"])
def test_a_host_that_dies_in_the_middle_of_a_rollout(lab: RotationLab, when: str) -> None:
    """Nothing is rolled back and nothing promoted; it boots with its value, and the same command continues."""
    old, host = lab.ready(), lab.hosts[1]
    dying, dead = host.directory / "dying", host.directory / "dead"
    for file in (dying, dead):
        file.unlink(missing_ok=True)
    delivered: list[str] = []

    def die() -> None:
        stop_saved(host.directory)
        shut()
        dead.touch()

    def die_on_call() -> None:
        if wait_until(dying.exists, seconds=LONGEST):
            die()

    def deliver() -> None:
        delivered.append(DELIVERS)
        if when == "between the batches" and len(delivered) == 2:
            die()
        elif len(delivered) == 2:
            threading.Thread(target=die_on_call, daemon=True).start()

    # The restart is the first thing after the write: all that runs on the host ends there.
    restart = f"sh -c 'touch {dying}; while ! [ -e {dead} ]; do sleep 0.05; done; kill -9 $PPID'"
    with own_door(lab, host.name) as shut:
        if when == "after the write":
            lab.host_vars[host.name]["env_deploy_restart_command"] = restart
        run = Held(lab, {DELIVERS: deliver}, *CACHE).run()
    failed(run, "web2", "stopped at step deploy", "Run the same command again to continue")
    assert dead.exists()
    assert (old.cache[1] in host.values()["REDIS_URL"]) == (when == "between the batches")
    assert lab.values() == old
    assert lab.accepts(old)["cache"]
    lab.hosts[0].assert_healthy()
    host.application.restart()
    assert wait_until(host.healthy, seconds=60)
    finished(lab, *CACHE, old=[old])


def test_limit_and_a_host_that_is_given_up(lab: RotationLab) -> None:
    """--limit is allowed until revoke, then the host is named; rotation_skip_hosts goes on without it."""
    old = lab.ready()
    run = lab.rotate(*CACHE, "--limit", "web1,localhost")
    failed(run, "stopped at step revoke", "may still use the value to revoke: web2", "rotation_skip_hosts=web2")
    sentences(
        run, "on web1", "web2: not in this run (--limit). Their old values stay valid and the rotation stays open"
    )
    assert lab.accepts(old)["cache"]
    assert lab.accepts(lab.values())["cache"]
    with lab.unreachable("web2"):
        run = lab.rotated(*CACHE, "-e", "rotation_skip_hosts=web2")
    message = "skipped or unreachable hosts: web2. When they answer, run ansible-playbook watchparty.secrets.deploy"
    sentences(run, "hosts: web1", message)
    record = lab.audit_records()[-1]
    assert (record["hosts"], record["unverified_hosts"]) == (["web1"], ["web2"])
    lab.assert_closed()
    lab.assert_one_login_each()
    lab.assert_hosts_run_on_it(lab.hosts[0])
    assert lab.hosts[1].values()["REDIS_URL"] != lab.content()["REDIS_URL"]
    lab.deploy("-e", "env_deploy_serial=100%")
    lab.assert_settled(old)


def test_a_host_that_was_left_out_gets_it_from_the_same_command(lab: RotationLab) -> None:
    """Without the --limit it is deployed to before anything is removed; one that is not healthy on it stops that."""
    old = lab.ready()
    web2 = lab.hosts[1]
    failed(lab.rotate(*CACHE, "--limit", "web1,localhost"), "stopped at step revoke")
    assert old.cache[1] in web2.values()["REDIS_URL"]
    healthy = lab.host_vars["web2"]["env_deploy_health_url"]
    lab.host_vars["web2"].update(env_deploy_health_url="http://127.0.0.1:9/", env_deploy_health_retries=1)
    try:
        run = lab.rotate(*CACHE)
    finally:
        lab.host_vars["web2"].update(env_deploy_health_url=healthy, env_deploy_health_retries=60)
    failed(run, "stopped at step revoke", "hosts that may still use the value to revoke: web2", "web2: ")
    assert old.cache[1] in web2.values()["REDIS_URL"]
    assert lab.accepts(old)["cache"]
    run = finished(lab, *CACHE, old=[old])
    sentences(run, "hosts that are not verified get the new values before any old value is revoked")


def test_a_host_of_another_environment_is_never_reached(lab: RotationLab) -> None:
    """It is the group's first, and could not answer: neither values nor questions go there, and nobody waits for it."""
    old = lab.ready()
    with lab.unreachable("web1"):
        lab.host_vars["web1"]["app_environment"] = "staging"
        chosen = (*CACHE, "--limit", "web2", "-e", "rotation_host=web1")
        failed(lab.rotate(*chosen), "web1 declares staging", "name another one by -e rotation_host=")
        run = lab.rotated(*CACHE, "--limit", "web2")
    sentences(run, "is complete", "hosts: web2")
    assert "web1" not in run.text
    lab.assert_one_login_each()
    lab.assert_hosts_run_on_it(lab.hosts[1])
    lab.deploy("-e", "env_deploy_serial=100%")
    lab.assert_settled(old)


def test_somebody_writes_other_keys(lab: RotationLab) -> None:
    """Their change is merged into what is promoted and survives; hosts are given it by the next deploy, as ever."""
    old = lab.ready()
    held = Held(lab, {PROMOTES: lambda: None if seen else seen.append(lab.put(SENTRY_DSN=dsn))}, *CACHE)
    seen: list[str] = []
    dsn = f"https://{time.time_ns():x}@sentry.example.com/2"
    run = held.run()
    assert run.code == 0, run.output
    sentences(
        run,
        f"secret {CORE}: another writer's change of other keys was merged. Deploy it to hosts by",
        "watchparty.secrets.deploy",
    )
    lab.assert_closed()
    lab.assert_consistent()
    lab.assert_one_login_each()
    assert lab.content()["SENTRY_DSN"] == dsn
    lab.deploy("-e", "env_deploy_serial=100%")
    lab.assert_settled(old)
    for host in lab.hosts:
        assert host.values()["SENTRY_DSN"] == dsn
    assert lab.stages()["AWSPREVIOUS"] == seen[0]


def test_somebody_writes_our_key(lab: RotationLab) -> None:
    """Theirs stays, ours is rolled back."""
    old = lab.ready()
    theirs = f"https://{time.time_ns():x}@sentry.example.com/3"

    def write() -> None:
        url = lab.content()["REDIS_URL"].replace("/0", "/0?socket_timeout=7")
        lab.put(REDIS_URL=url, SENTRY_DSN=theirs)
        path = "/WatchParty/production/Redis/URL"
        lab.moto.client("ssm").put_parameter(Name=path, Type="SecureString", Value=url, Overwrite=True)

    run = Held(lab, {PROMOTES: write}, *CACHE).run()
    failed(run, "The rotation was rolled back", f"somebody changed rotating keys of secret {CORE}")
    assert lab.content()["REDIS_URL"].endswith("/0?socket_timeout=7")
    assert lab.content()["SENTRY_DSN"] == theirs
    assert lab.parameter("Redis/URL") == lab.content()["REDIS_URL"]
    assert lab.values().cache == old.cache
    lab.assert_closed()
    lab.assert_one_login_each()
    lab.deploy("-e", "env_deploy_serial=100%")
    lab.assert_settled()


def test_postgresql_is_down(lab: RotationLab) -> None:
    """At set: it is to be rolled back, which needs the server too; the same command does it once that is up."""
    old = lab.ready()
    with down(lab.postgres) as stop:
        run = Held(lab, {SETS: stop}, *DATABASE).run()
    failed(run, "database", "Run the same command again to continue")
    assert lab.journal_state().rotation is not None
    run = lab.rotate(*DATABASE)
    sentences(run, "it is rolled back from its last step", "was rolled back; the old values are in force")
    rolled_back(lab, old)


def test_valkey_is_down(lab: RotationLab) -> None:
    """At revoke: the new value is in force; the same command revokes the old one once the server is up."""
    old = lab.ready()
    act = {"valkey_user revoked": lab.valkey.process.stop}
    try:
        run = Held(lab, act, *CACHE).run()
    finally:
        lab.valkey.restart()
    failed(run, "stopped at step revoke", "cache")
    finished(lab, *CACHE, old=[old])


def test_connections_are_at_their_limit(lab: RotationLab) -> None:
    """At set: named; with a place free again the rollback succeeds in the same run."""
    old = lab.ready()
    url = lab.postgres.url(*old.database, OWNER)
    held: list[Any] = []

    def take() -> None:
        held.append(program(HOLD, url))
        held.append(held[0].__enter__())

    run = Held(lab, {SETS: take, WITHDRAWS: lambda: held[1]()}, *DATABASE).run()
    assert held
    failed(run, "The rotation was rolled back", "database", "has reached max_connections")
    rolled_back(lab, old)


def test_a_session_from_elsewhere(lab: RotationLab) -> None:
    """Nobody knows the address: it is named at revoke, and nothing is ended until it is allowed."""
    old = lab.ready()
    database, cache = lab.postgres.url(*old.database, OWNER), lab.content()["REDIS_URL"]
    with program(ONE, FOREIGN, database, cache) as end:
        run = lab.rotate(*BOTH)
        failed(run, "stopped at step revoke", FOREIGN)
        assert lab.accepts(old) == {"database": True, "cache": True}
        assert lab.accepts(lab.values()) == {"database": True, "cache": True}
        finished(lab, *BOTH, "-e", "rotation_allow_sessions=true", old=[old])
        assert end().splitlines() == ["database is ended", "cache is ended"]
