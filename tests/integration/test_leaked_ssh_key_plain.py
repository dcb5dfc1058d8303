# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leaked deploy key on hosts without systemd: sessions of which no log tells, lost hosts, and other accounts."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import login as ssh_login
from sandbox.aws import Moto
from sandbox.hosts import Fleet, Plan, why_not
from sandbox.hosts._inventory import ssh_options
from sandbox.process import wait_until
from sandbox.seed import Layout
from tests.integration import harness, leak_lab
from tests.integration.harness import Lab
from tests.integration.ssh_key_lab import opens

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no leaked SSH key was replaced on real hosts"),
]
SMALL = "shop/production/deploy-ssh"


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
        assert "2 sessions of deploy continue, because no log names the key that opened them" in run.text
        assert sleepers(plain) == 4
        rotated = in_force(small)

        plain.kill("app2")
        arguments = ("-e", "leak_credentials=deploy_ssh", "-e", "leak_sessions=false")
        run = leak_lab.respond(small, *arguments, "-e", "leak_containment=immediate")
        before = run.text.partition("new values staged in 1 secret")[0]
        assert "web1: 2 sessions of deploy ended, from unknown" in before, run.output
        assert "not blocked: web2: " in before
        assert sleepers(plain) == 0
        assert [process.wait(10) for process in open_ones.values()] == [255, 255]
    assert run.code != 0, run.output
    message = (
        "deploy_ssh: the new value is in force, but the leaked value still works on web2. Deploy "
        "nothing there. Run the same command again once it answers, or give it up with "
        "-e leak_compromised_hosts=web2"
    )
    assert message in run.text
    assert message in leak_lab.newest_post_mortem(small)

    assert not [delivery for delivery in deliveries(run.output) if "web2" in delivery], run.output

    plain.boot("app2")
    assert opens(plain, "app2", rotated)
    run = small.run(playbook="playbooks/deploy.yml")
    assert run.code != 0, run.output
    assert "Nothing was sent: web2 still authorizes the leaked key of deploy_ssh." in run.text
    run = leak_lab.respond(small, "-e", "leak_credentials=deploy_ssh", "-e", "leak_sessions=false")
    assert run.code == 0, run.output
    assert "its leaked key is still authorized on web2" in run.text
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
        todo = "remove the key from these files, then run the same command again"
        message = f"is still authorized: web1. {roots} still holds the leaked key of deploy_ssh; {todo}"
        assert message in run.text
        assert (
            "the new value is in force, but the leaked value still works on web1"
            in run.text.partition("NOT contained")[2]
        )
        written = leak_lab.newest_post_mortem(small)
        fingerprint = key_pair.fingerprint(private, "test")
        assert (
            f"web1: LEAKED key {fingerprint} of deploy_ssh (root@ci) in {roots}, in addition to its own file" in written
        )
        assert plain.run("app1", ["cat", roots]).stdout == line
        assert [opens(plain, host, private) for host in plain.machines] == [False, False]
    finally:
        plain.run("app1", ["rm", "-f", roots])
    run = leak_lab.respond(small, *arguments)
    assert run.code == 0, run.output
    assert "still holds the leaked key" not in leak_lab.post_mortem(small)


ADD_AGAIN = """
while grep -qF "$1" ~/.ssh/authorized_keys; do sleep 0.1; done
until [ -e /tmp/over ]; do
    grep -qF "$2" ~/.ssh/authorized_keys || echo "$2" >> ~/.ssh/authorized_keys
    sleep 0.01
done
sed -i "s|$2||" ~/.ssh/authorized_keys
"""


@pytest.mark.parametrize("of_thief", [True, False], ids=["his own key", "the leaked key"])
def test_a_process_that_adds_a_key_again_and_again_closes_no_incident(
    plain: Fleet, small: Lab, *, of_thief: bool
) -> None:
    """It starts during the response, and no SSH session holds it. When the exposure began is unknown."""
    private, thief = prepare(plain, small), key_pair.new_private_key()
    leaked, added = (key_pair.public_line(key, "test") for key in (private, thief if of_thief else private))
    program = ADD_AGAIN.replace("$1", leaked).replace("$2", added)
    process = subprocess.Popen(plain.machines["app1"].command(["su", "-", "deploy", "-c", program]))
    try:
        run = leak_lab.respond(small, "-e", "leak_credentials=deploy_ssh", "-e", "leak_sessions=false")
    finally:
        plain.run("app1", ["touch", "/tmp/over"])
        process.wait(10)
        plain.run("app1", ["rm", "/tmp/over"])
    assert run.code != 0, run.output
    left = "possible foothold: deploy_ssh: web1: unknown key " if of_thief else "the leaked value still works on web1"
    assert left in run.text


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
    assert "the leaked value still works on web2" in run.text
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


def sleepers(fleet: Fleet) -> int:
    return fleet.run("app1", ["ps", "-eo", "args"]).stdout.count("sleep 30")


PLANT = """
set -e
echo 'alias sudo=/tmp/sudo' >> ~/.bashrc
echo '* * * * * root true' | sudo tee /etc/cron.d/thief > /dev/null
echo "$1" >> ~/.ssh/authorized_keys
"""
PLANT_LATE = """
while grep -q "$1" ~/.ssh/authorized_keys; do sleep 0.1; done
echo late >> ~/.profile
"""


def with_signing_key(lab: Lab) -> None:
    """What is replaced after the SSH key, which reveals it."""
    lab.catalog["settings"]["SECRET_KEY_FALLBACKS"] = {"group": "core", "type": "list"}
    about = {"fallbacks": "SECRET_KEY_FALLBACKS", "used_for": ["signing"], "appears_in": [{"setting": "SECRET_KEY"}]}
    lab.catalog["credentials"]["signing"] = {"kind": "django_secret_key", **about}


def a_second_later() -> str:
    """When the exposure begins, after all that was made so far."""
    since = int(time.time()) + 1
    time.sleep(max(0, since + 0.1 - time.time()))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))


def test_what_a_thief_left_is_named_and_the_host_gets_nothing_new(plain: Fleet, small: Lab) -> None:
    """Before the response on web1, and during it on web2. An added key goes with the leaked one."""
    private, thief = prepare(plain, small), key_pair.new_private_key()
    with_signing_key(small)
    leaked, added = (key_pair.public_line(key, "test") for key in (private, thief))
    since = a_second_later()
    as_deploy = ["su", "-", "deploy", "-c"]
    plain.run("app1", [*as_deploy, PLANT.replace("$1", added)])
    late = subprocess.Popen(plain.machines["app2"].command([*as_deploy, PLANT_LATE.replace("$1", leaked)]))
    before = {host: plain.run(host, ["cat", "/srv/watchparty/.env"]).stdout for host in plain.machines}
    arguments = ("-e", "leak_credentials=deploy_ssh", "-e", "leak_sessions=false", "-e", f"leak_exposed_since={since}")
    try:
        run = leak_lab.respond(small, *arguments, "-e", "leak_evict=true")
    finally:
        late.terminate()
        late.wait()
    assert run.code != 0, run.output
    fingerprint = key_pair.fingerprint(thief, "test")

    for line in (
        "possible foothold: deploy_ssh: web1: /home/deploy/.bashrc changed ",
        "possible foothold: deploy_ssh: web1: /etc/cron.d/thief changed ",
        f"deploy_ssh: web1: unknown key {fingerprint} was added to /home/deploy/.ssh/authorized_keys at ",
        "no new values are sent to web1. Check each possible foothold and remove what is not yours. Then run ",
        "the same command with -e leak_footholds_checked=deploy_ssh",
        "added keys were removed from /home/deploy/.ssh/authorized_keys: ",
        "possible foothold: deploy_ssh: web2: /home/deploy/.profile changed ",
    ):
        assert line in run.text, run.text
    written = leak_lab.newest_post_mortem(small)
    for line in (
        "left: deploy_ssh: web1: /etc/cron.d/thief",
        "removed: deploy_ssh: web1: unknown key ",
        "checked in the end: web1, web2",
    ):
        assert f"- {line}" in written
    assert not opens(plain, "app1", thief)
    now = {host: plain.run(host, ["cat", "/srv/watchparty/.env"]).stdout for host in plain.machines}
    assert [now[host] == before[host] for host in ("app1", "app2")] == [True, False], run.text
    deploy = small.run(playbook="playbooks/deploy.yml")
    assert deploy.code != 0, deploy.output
    assert "an attacker may have left a foothold on web1" in deploy.text

    run = leak_lab.respond(small, *arguments, "-e", "leak_footholds_checked=deploy_ssh")
    assert run.code == 0, run.output
    after = plain.run("app1", ["cat", "/srv/watchparty/.env"]).stdout
    assert after not in before.values()
    assert "- checked by the operator: deploy_ssh: web2: /home/deploy/.profile " in leak_lab.post_mortem(small)


def test_with_what_a_thief_left_on_each_host_the_key_is_revoked_all_the_same(plain: Fleet, small: Lab) -> None:
    private = prepare(plain, small)
    with_signing_key(small)
    since = a_second_later()
    plain.run("app1", ["sh", "-c", "echo '* * * * * root true' > /etc/cron.d/thief"])
    before = plain.run("app1", ["cat", "/srv/watchparty/.env"]).stdout
    arguments = ("-e", "leak_credentials=deploy_ssh", "-e", "leak_sessions=false", "-e", f"leak_exposed_since={since}")
    alone = ("-e", "leak_compromised_hosts=web2")
    run = leak_lab.respond(small, *arguments, *alone)
    assert run.code != 0, run.output
    assert "No other host is left, so this run replaces only SSH keys" in run.text
    left = run.text.partition("NOT contained")[2]
    assert "no new values are sent to web1, and no other host is left. Check each possible foothold" in left
    assert "run the same command with -e leak_footholds_checked=deploy_ssh" in left
    assert [opens(plain, "app1", key) for key in (private, in_force(small))] == [False, True]
    assert plain.run("app1", ["cat", "/srv/watchparty/.env"]).stdout == before
    plain.run("app1", ["rm", "/etc/cron.d/thief"])
    run = leak_lab.respond(small, *arguments, *alone, "-e", "leak_footholds_checked=deploy_ssh")
    assert run.code == 0, run.output
    assert plain.run("app1", ["cat", "/srv/watchparty/.env"]).stdout != before
    leak_lab.post_mortem(small)
