# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The leaked deploy key, with a thief who was there before: he never sees a new value."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import login as ssh_login
from sandbox.aws import Moto
from sandbox.hosts import Fleet, Plan, why_not
from sandbox.hosts._inventory import ssh_options
from sandbox.process import wait_until
from sandbox.seed import Layout
from tests.integration import harness, leak_lab
from tests.integration.counts import Record, loaded
from tests.integration.harness import Lab
from tests.integration.real_lab import CORE, RealLab, Run
from tests.integration.thief import Thief

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no leaked SSH key was replaced on real hosts"),
]
SSH_SECRET, STORAGE_SECRET = "watchparty/production/deploy-ssh", "watchparty/production/storage"
SMALL = "shop/production/deploy-ssh"
FROM = "no-port-forwarding,no-X11-forwarding"
WRITTEN = "watchparty/{{environment}}/{}"
"""As a catalog names it."""
USER = "watchparty-storage"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealLab]:
    with Fleet(tmp_path_factory.mktemp("fleet"), Plan(count=2, services=True)) as fleet:
        yield RealLab(fleet)


@pytest.fixture(scope="module")
def leaked(lab: RealLab) -> str:
    """The deploy key that leaked: it opens both hosts beside the operator's own, and is kept in a secret."""
    private = key_pair.new_private_key()
    line = f"{FROM} {key_pair.public_line(private, 'test')} deploy@ci\n"
    for host in lab.hosts:
        lab.fleet.run(host, ["sh", "-c", "cat >> /home/deploy/.ssh/authorized_keys"], text=line)
    put(lab, SSH_SECRET, private_key=private)
    new_storage_key(lab)
    change_catalog(lab, [CORE, STORAGE_SECRET])
    run = lab.run("deploy", "-e", "env_deploy_serial=100%")
    assert run.code == 0, run.output
    return private


def put(lab: RealLab, name: str, **keys: str) -> None:
    lab.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(keys))


def new_storage_key(lab: RealLab) -> None:
    iam = lab.client("iam")
    iam.create_user(UserName=USER)
    made = iam.create_access_key(UserName=USER)["AccessKey"]
    put(lab, STORAGE_SECRET, AWS_ACCESS_KEY_ID=made["AccessKeyId"], AWS_SECRET_ACCESS_KEY=made["SecretAccessKey"])


def change_catalog(lab: RealLab, reads: list[str]) -> None:
    """The storage's key is in .env, and may read these secrets."""
    (path,) = (lab.fleet.inventory.parent / "group_vars" / "all").iterdir()
    catalog = yaml.safe_load(path.read_text(encoding="utf-8"))["secrets_catalog"]
    catalog["settings"] |= {
        "AWS_ACCESS_KEY_ID": {"secret": WRITTEN.format("storage"), "key": "AWS_ACCESS_KEY_ID", "sensitivity": "low"},
        "AWS_SECRET_ACCESS_KEY": {"secret": WRITTEN.format("storage"), "key": "AWS_SECRET_ACCESS_KEY"},
    }
    catalog["credentials"] |= {
        "deploy_ssh": {
            "kind": "ssh_key",
            "appears_in": [{"secret": WRITTEN.format("deploy-ssh"), "key": "private_key"}],
        },
        "storage": {
            "kind": "aws_access_key",
            "options": {"reads": reads, "user": USER},
            "appears_in": [{"setting": "AWS_ACCESS_KEY_ID"}, {"setting": "AWS_SECRET_ACCESS_KEY"}],
        },
    }
    path.write_text(json.dumps({"secrets_catalog": catalog}), encoding="utf-8")


def ssh(lab: RealLab, host: str, held: ssh_login.AgentKey) -> list[str]:
    """A client that has the held key and no other."""
    options = ["-F", "none", "-o", "BatchMode=yes", "-o", f"IdentityAgent={held.socket}", "-i", str(held.public)]
    return ["ssh", *options, *ssh_options(lab.fleet.names), f"deploy@{lab.fleet.machines[host].address}"]


def logs_in(lab: RealLab, host: str, private: str) -> bool:
    return opens(lab.fleet, host, private)


def keys_of(lab: RealLab, host: str) -> str:
    return lab.fleet.run(host, ["cat", "/home/deploy/.ssh/authorized_keys"]).stdout


def held_in(lab: RealLab, secret: str) -> dict[str, str]:
    answer = lab.client("secretsmanager").get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")
    result: dict[str, str] = json.loads(answer["SecretString"])
    return result


def respond(lab: RealLab, leaked: str, *arguments: str) -> Run:
    chosen = ("-e", f"leak_credentials={leaked}", "-e", "leak_confirm=yes", "-e", "leak_sessions=false")
    report = ("-e", f"leak_report_path={lab.fleet.names.state / 'post-mortems'}")
    return lab.run("leak_response", *chosen, *report, *arguments)


@pytest.mark.parametrize(
    ("containment", "reads"),
    [
        ("graceful", [CORE, STORAGE_SECRET]),
        ("immediate", [CORE, STORAGE_SECRET]),
        ("graceful", [CORE, SSH_SECRET]),
    ],
    ids=["graceful", "immediate", "each reveals the other"],
)
@pytest.mark.usefixtures("leaked")
def test_a_thief_who_was_there_before_never_sees_a_new_value(
    lab: RealLab, containment: str, reads: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where both keys reveal each other."""
    change_catalog(lab, reads)
    before, storage = lab.core(), held_in(lab, STORAGE_SECRET)
    leaked = held_in(lab, SSH_SECRET)["private_key"]
    for host in lab.hosts:
        lab.fleet.run(host, ["rm", "-f", "/tmp/loot"])

    def secrets(login: Login) -> object:
        assert login.username == storage["AWS_ACCESS_KEY_ID"]
        return lab.client_of("secretsmanager", login)

    with ssh_login.holding(leaked, "test") as held:
        thieves = [
            Thief(ssh(lab, host, held), "/srv/watchparty/.env", tmp_path / host, secrets, reads) for host in lab.hosts
        ]
        # Thieves end first: whoever asks once AWS looks at no key any more reads everything.
        with lab.looking_at_keys(USER), thieves[0], thieves[1]:
            assert wait_until(lambda: all(thief.answers > 3 for thief in thieves), seconds=30)
            (tmp_path / "before").write_text(lab.fleet.run(lab.hosts[0], ["cat", "/tmp/loot"]).stdout)
            # The leaked key opens every host, and the laboratory has no other for administrators' passwords.
            trusted = ("-e", f"leak_trusted_host={lab.hosts[0]}")
            run = respond(lab, "deploy_ssh", *trusted, "-e", f"leak_containment={containment}")
            assert run.code == 0, run.output
            assert f"containment: {containment}" in run.text
            assert all(thief.is_out(seconds=1) for thief in thieves), run.output
            assert all(thief.denied for thief in thieves)

    new, new_storage, new_key = lab.core(), held_in(lab, STORAGE_SECRET), held_in(lab, SSH_SECRET)["private_key"]
    rotated = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")
    assert all(new[name] != before[name] for name in rotated)
    key_now = [line for line in new_key.splitlines() if line not in leaked]  # how each begins is the same
    secret_now = [*(new[name] for name in rotated), new_storage["AWS_SECRET_ACCESS_KEY"], *key_now]
    for thief, host in zip(thieves, lab.hosts, strict=True):
        seen = thief.saw() + "".join(thief.loot) + lab.fleet.run(host, ["cat", "/tmp/loot"]).stdout
        assert before["SECRET_KEY"] in thief.saw()
        assert any(before["SECRET_KEY"] in text for text in thief.loot)
        assert not [value for value in secret_now if value in seen]
        assert "setsid" not in lab.fleet.run(host, ["ps", "-eo", "args"]).stdout
        assert not logs_in(lab, host, leaked)
        assert logs_in(lab, host, new_key)
        assert f"{FROM} {key_pair.public_line(new_key, 'test')} watchparty/production/deploy_ssh\n" in keys_of(
            lab, host
        )
        assert lab.health(host) == "200"
    lab.assert_settled()
    for host in lab.hosts:
        assert f"{host}: 1 sessions of deploy ended, from {lab.fleet.gateway}" in run.text
    with capsys.disabled():
        sys.stdout.write(
            f"\n{containment}: contained in {run.seconds:.0f} s: {run.text.partition('contained in ')[2][:10]}\n"
        )


@pytest.mark.long
@pytest.mark.usefixtures("leaked")
def test_both_keys_rotate_under_load(lab: RealLab, record_property: Record, capsys: pytest.CaptureFixture[str]) -> None:
    """As their age has it: nobody notices, and the old ones open nothing any more."""
    change_catalog(lab, [CORE, STORAGE_SECRET])
    old_key, old_storage = held_in(lab, SSH_SECRET)["private_key"], held_in(lab, STORAGE_SECRET)
    with lab.looking_at_keys(USER):
        with lab.load() as load:
            run = lab.rotate("deploy_ssh", "storage")
        assert run.code == 0, run.output
    report = load.report
    assert report is not None
    with capsys.disabled():
        sys.stdout.write(f"\ndeploy_ssh, storage: {run.seconds:.0f} s; {report}\n")
    loaded(record_property, "rotation under load", report)
    assert (report.failed, report.lost, report.anonymous, report.tasks_lost) == (0, 0, 0, 0), report.messages
    assert report.requests > 500
    assert report.tasks > 50
    new_key, new_storage = held_in(lab, SSH_SECRET)["private_key"], held_in(lab, STORAGE_SECRET)
    kept = lab.client("iam").list_access_keys(UserName=USER)["AccessKeyMetadata"]
    assert [item["AccessKeyId"] for item in kept] == [new_storage["AWS_ACCESS_KEY_ID"]]
    assert old_storage["AWS_ACCESS_KEY_ID"] != new_storage["AWS_ACCESS_KEY_ID"]
    for host in lab.hosts:
        assert not logs_in(lab, host, old_key)
        assert logs_in(lab, host, new_key)
    lab.assert_settled()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Hosts without a systemd, so without a journal and without scopes."""
    with Fleet(tmp_path_factory.mktemp("plain"), Plan(count=2, kind="plain")) as fleet:
        yield fleet


@pytest.fixture
def small(plain: Fleet, account: Moto) -> Iterator[Lab]:
    """A lab whose hosts are the plain ones; its application is a file that nobody reads."""
    harness.reset(account)
    directory = Path(tempfile.mkdtemp(prefix="lab-")).resolve()
    inventory = json.loads(plain.inventory.read_text(encoding="utf-8"))["app_hosts"]
    lab = Lab(directory, account, inventory["vars"])
    on_host = {"ansible_become": True, "env_deploy_path": "/srv/watchparty/.env", "env_deploy_owner": "watchparty"}
    for host, there in zip(lab.add_hosts(2), inventory["hosts"].values(), strict=True):
        variables = lab.host_vars[host.name]
        kept = {name: item for name, item in variables.items() if "restart" not in name and "health" not in name}
        lab.host_vars[host.name] = {**kept, **there, **on_host}
    try:
        yield lab
    finally:
        lab.close()
        shutil.rmtree(directory)


def prepare(plain: Fleet, small: Lab) -> str:
    """A deploy key that opens both hosts, which were deployed to; its private half."""
    credential = {"kind": "ssh_key", "appears_in": [{"secret": "shop/{environment}/deploy-ssh", "key": "private_key"}]}
    small.catalog = harness.catalog(credentials={"deploy_ssh": credential}, services={})
    base = harness.layout()
    private = key_pair.new_private_key()
    small.seed(Layout({**base.secrets, SMALL: {"private_key": private}}, base.parameters))
    small.moto.client("logs").create_log_group(logGroupName="/shop/audit")
    line = f"{key_pair.public_line(private, 'test')} deploy@ci\n"
    for host, machine in plain.machines.items():
        if not machine.leader:
            plain.boot(host)
        # Its mark would name a number of the journal of a test before.
        command = "rm -rf /srv/watchparty/.env* /var/lib/watchparty-secrets; cat >> /home/deploy/.ssh/authorized_keys"
        plain.run(host, ["sh", "-c", command], text=line)
    small.deploy()
    return private


def test_where_no_log_tells_every_other_session_of_the_account_is_ended(plain: Fleet, small: Lab) -> None:
    """In a rotation none; after a leak the thief's and a bystander's, not Ansible's own.

    A host that is away still lets the leaked key in: the incident stays open until it refuses it.
    """
    private = prepare(plain, small)
    target = f"deploy@{plain.machines['app1'].address}"
    options = ["-F", "none", "-o", "BatchMode=yes", *ssh_options(plain.names)]
    with ExitStack() as stack:
        held = stack.enter_context(ssh_login.holding(private, "test"))
        by = {
            "thief": ["-o", f"IdentityAgent={held.socket}", "-i", str(held.public)],
            "operator": ["-i", str(plain.names.private_key)],
        }
        open_ones = {}
        for name, key in by.items():
            argv = ["ssh", *options, *key, target, "(sleep 300 &) ; exec sleep 301"]
            open_ones[name] = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(open_ones[name].kill)
        assert wait_until(lambda: sleepers(plain) == 4, seconds=20)

        run = small.run(
            "-e", "rotation_credentials=deploy_ssh", "-e", "rotation_force=true", playbook="playbooks/rotate.yml"
        )
        assert run.code == 0, run.output
        assert "2 sessions of deploy go on, and no log tells which key opened them" in run.text
        assert sleepers(plain) == 4
        rotated = in_force(small)

        plain.kill("app2")
        run = leak_lab.respond(small, "-e", "leak_credentials=deploy_ssh", "-e", "leak_sessions=false")
        assert "web1: 2 sessions of deploy ended, from unknown" in run.text
        assert sleepers(plain) == 0
        assert [process.wait(10) for process in open_ones.values()] == [255, 255]
    assert run.code != 0, run.output
    message = (
        "deploy_ssh: OPEN: the new one is in force, but still open to the leaked one: web2. Deploy "
        "nothing there; start the same command again once it answers, or leave it for good by "
        "-e leak_compromised_hosts=web2"
    )
    assert message in run.text
    assert message in leak_lab.newest_post_mortem(small)

    assert not [delivery for delivery in deliveries(run.output) if "web2" in delivery], run.output

    plain.boot("app2")
    assert opens(plain, "app2", rotated)
    run = small.run(playbook="playbooks/deploy.yml")
    assert run.code != 0, run.output
    assert "Nothing was sent: web2 still lets the leaked key of deploy_ssh in." in run.text
    run = leak_lab.respond(small, "-e", "leak_credentials=deploy_ssh", "-e", "leak_sessions=false")
    assert run.code == 0, run.output
    assert "its leaked key still opens web2" in run.text
    assert [opens(plain, host, rotated) for host in plain.machines] == [False, False]
    assert [opens(plain, host, in_force(small)) for host in plain.machines] == [True, True]
    leak_lab.post_mortem(small)


def test_a_host_that_is_left_for_good_is_listed(plain: Fleet, small: Lab) -> None:
    prepare(plain, small)
    plain.kill("app2")
    arguments = ("-e", "leak_credentials=deploy_ssh", "-e", "leak_sessions=false")
    run = leak_lab.respond(small, *arguments)
    assert run.code != 0, run.output
    run = leak_lab.respond(small, *arguments, "-e", "leak_compromised_hosts=web2")
    assert run.code == 0, run.output
    assert "- web2 was skipped as compromised and must be rebuilt" in leak_lab.post_mortem(small)


def test_where_another_account_lets_it_in_it_stays_open(plain: Fleet, small: Lab) -> None:
    """Nobody takes it out there but the operator. Until then its host gets nothing new; the other one does."""
    private = prepare(plain, small)
    line = f"{key_pair.public_line(private, 'test')} root@ci\n"
    roots = "/root/.ssh/authorized_keys"
    plain.run("app1", ["sh", "-c", f"umask 077; mkdir -p /root/.ssh; cat > {roots}"], text=line)
    try:
        arguments = ("-e", "leak_credentials=deploy_ssh", "-e", "leak_sessions=false")
        run = leak_lab.respond(small, *arguments)
        assert run.code != 0, run.output
        todo = "remove it there, then start the same command again"
        message = f"is still authorized: web1. {roots} still holds the leaked key of deploy_ssh; {todo}"
        assert message in run.text
        assert (
            "the new one is in force, but still open to the leaked one: web1" in run.text.partition("NOT contained")[2]
        )
        written = leak_lab.newest_post_mortem(small)
        fingerprint = key_pair.fingerprint(private, "test")
        assert f"web1: LEAKED key {fingerprint} of deploy_ssh (root@ci) in {roots}, beside its own file" in written
        assert plain.run("app1", ["cat", roots]).stdout == line
        assert [opens(plain, host, private) for host in plain.machines] == [False, False]
    finally:
        plain.run("app1", ["rm", "-f", roots])
    run = leak_lab.respond(small, *arguments)
    assert run.code == 0, run.output
    assert "still holds the leaked key" not in leak_lab.post_mortem(small)


def test_a_former_key_that_was_left_valid_for_hours_goes_with_it(plain: Fleet, small: Lab) -> None:
    """Also from a host that was away: what is left there is both."""
    former = prepare(plain, small)
    small.catalog["credentials"]["deploy_ssh"]["revoke_after"] = 7200
    run = small.run(
        "-e", "rotation_credentials=deploy_ssh", "-e", "rotation_force=true", playbook="playbooks/rotate.yml"
    )
    assert run.code == 0, run.output
    leaked = in_force(small)
    assert [opens(plain, "app1", name) for name in (former, leaked)] == [True, True]

    plain.kill("app2")
    arguments = ("-e", "leak_credentials=deploy_ssh", "-e", "leak_sessions=false")
    run = leak_lab.respond(small, *arguments)
    assert run.code != 0, run.output
    assert "still open to the leaked one: web2" in run.text
    assert [opens(plain, "app1", name) for name in (former, leaked, in_force(small))] == [False, False, True]

    plain.boot("app2")
    assert [opens(plain, "app2", name) for name in (former, leaked)] == [True, True]
    run = leak_lab.respond(small, *arguments)
    assert run.code == 0, run.output
    assert [opens(plain, "app2", name) for name in (former, leaked, in_force(small))] == [False, False, True]


def deliveries(output: str) -> list[str]:
    """What Ansible said of each rollout's task."""
    parts = [part for part in output.split("\nTASK [") if "Deliver the .env and verify]" in part.partition("\n")[0]]
    assert parts
    return parts


def in_force(lab: Lab) -> str:
    held = lab.moto.client("secretsmanager").get_secret_value(SecretId=SMALL, VersionStage="AWSCURRENT")
    private_key: str = json.loads(held["SecretString"])["private_key"]
    return private_key


def opens(fleet: Fleet, host: str, private: str) -> bool:
    """Whether the host takes the key."""
    target, options = f"deploy@{fleet.machines[host].address}", ["-F", "none", "-o", "BatchMode=yes"]
    with ssh_login.holding(private, "test") as held:
        by = ["-o", f"IdentityAgent={held.socket}", "-i", str(held.public)]
        argv = ["ssh", *options, *ssh_options(fleet.names), *by, target, "true"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0 or "Permission denied" in done.stderr, done.stderr
    return done.returncode == 0


def sleepers(fleet: Fleet) -> int:
    return fleet.run("app1", ["ps", "-eo", "args"]).stdout.count("sleep 30")
