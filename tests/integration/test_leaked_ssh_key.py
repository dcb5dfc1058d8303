# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The leaked deploy key, with a thief who was there before: he never sees a new value."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import login as ssh_login
from sandbox.hosts import Fleet, Plan, why_not
from sandbox.hosts._inventory import ssh_options
from sandbox.process import wait_until
from tests.integration.counts import Record, loaded
from tests.integration.real_lab import CORE, RealLab, Run
from tests.integration.ssh_key_lab import opens
from tests.integration.thief import Thief

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no leaked SSH key was replaced on real hosts"),
]
SSH_SECRET, STORAGE_SECRET = "watchparty/production/deploy-ssh", "watchparty/production/storage"
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
            assert all(thief.is_out(seconds=30) for thief in thieves), run.output
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
