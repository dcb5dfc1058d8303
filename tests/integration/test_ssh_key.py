# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deploy key's rotation from end to end, over a real sshd."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sandbox import sshd as sandbox_sshd
from sandbox.process import free_port, write_private
from sandbox.sshd import Sshd
from tests import background
from tests.integration.access_key_lab import own_secrets
from tests.integration.canaries import Canaries, Watch, in_files
from tests.integration.github_server import REPOSITORY, TOKEN, GitHub
from tests.integration.harness import Lab
from tests.integration.ssh_key_lab import (
    OPTIONS,
    file_of,
    in_store,
    is_let_in,
    let_in,
    logs_in,
    prepare,
    rotate,
)

CALLBACKS = Path(__file__).resolve().parent / "callback_plugins"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(sandbox_sshd.unavailable()), reason=f"{sandbox_sshd.unavailable()}: no SSH key was rotated"
    ),
]


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    with Sshd() as server:
        yield server


@pytest.fixture
def own(lab: Lab, sshd: Sshd) -> Lab:
    """The lab behind this test's own sshd."""
    lab.connection = sshd.host_vars()
    return lab


def learn(canaries: Canaries, name: str, private: str) -> None:
    """Each line of the key by itself: JSON spells line breaks in its own way. The first is everybody's."""
    for number, line in enumerate(private.splitlines()[2:-2]):
        canaries.add(f"{name} {number}", line)


@contextmanager
def learning(lab: Lab, canaries: Canaries) -> Iterator[None]:
    """Inside, the new key is looked for as soon as it is made."""
    manager = lab.moto.client("secretsmanager")

    def look(over: threading.Event) -> None:
        known: set[str] = set()
        while not over.wait(0.2):
            for name in own_secrets(lab.moto):
                with suppress(manager.exceptions.ClientError):
                    made = json.loads(manager.get_secret_value(SecretId=name)["SecretString"])["credentials"]
                    if name not in known:
                        learn(canaries, "new", made["deploy_ssh"]["password"])
                        known.add(name)

    with background.running(look):
        yield


def test_a_key_rotates_from_end_to_end(own: Lab, sshd: Sshd) -> None:
    old = prepare(own, sshd)
    before = file_of(sshd).read_text().splitlines()
    shown = rotate(own, "--check", "--diff")
    assert shown.code == 0, shown.output
    assert file_of(sshd).read_text().splitlines() == before

    canaries = Canaries()
    learn(canaries, "old", old)
    roots = [own.directory / name for name in ("local-temp", "remote-temp", "tmp")]
    shown_too = {"ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1", "ANSIBLE_LOG_PATH": str(own.directory / "log")}
    with learning(own, canaries), Watch(canaries, roots) as watch:
        run = rotate(own, "-vvvv", "--diff", environment=shown_too)
    assert run.code == 0, run.output
    assert watch.rounds > 5
    assert watch.hits == set()
    (own.directory / "output").write_text(run.output)
    assert in_files([own.directory, own.moto.directory, sshd.directory], canaries) == []
    new = in_store(own)
    assert canaries.found(new.encode()), "the new key was not looked for"
    assert new != old
    assert logs_in(sshd, new)
    assert not logs_in(sshd, old)
    after = file_of(sshd).read_text().splitlines()
    assert after[:2] == before[:2]
    assert after[2].startswith(f"{OPTIONS} ssh-ed25519 ")
    assert after[2].endswith(" shop/production/deploy_ssh")
    assert len(after) == 3
    assert file_of(sshd).stat().st_mode & 0o777 == 0o600


def test_github_gets_the_new_key_too(own: Lab, sshd: Sshd) -> None:
    """It shows nobody what it holds; where it alone holds the key, the refusal says what to do."""
    old = prepare(own, sshd, hosts=1)
    with GitHub() as github:
        own.catalog["github"] = {"repository": REPOSITORY, "api_url": github.url}
        places = own.catalog["credentials"]["deploy_ssh"]["appears_in"]
        places.append({"github": "SSH_PRIVATE_KEY"})
        run = rotate(own, environment={"GITHUB_TOKEN": TOKEN})
        assert run.code == 0, run.output
        new = in_store(own)
        assert github.repository.values["SSH_PRIVATE_KEY"] == new
        assert (logs_in(sshd, new), logs_in(sshd, old)) == (True, False)
        assert not [line for line in new.splitlines()[2:-2] if line in run.output + github.log()]
        del places[0]
        run = rotate(own, environment={"GITHUB_TOKEN": TOKEN})
    assert run.code != 0, run.output
    remedy = 'add {secret: "shop/{environment}/deploy-ssh", key: private_key} to its appears_in'
    assert remedy in run.text
    assert in_store(own) == new


@pytest.mark.parametrize("password", ["", "left-over"])
def test_ansibles_own_key_is_refused_before_anything_is_written(own: Lab, sshd: Sshd, password: str) -> None:
    """The run comes by the deploy key itself, as a pipeline would; a plan and a leak's plan name it.

    A password that nobody uses any more changes nothing: ssh tries keys first.
    """
    old = prepare(own, sshd, hosts=1)
    if password:
        own.host_vars["web1"]["ansible_password"] = password
    file_of(sshd).write_text("")
    let_in(sshd, old)
    write_private(sshd.key, old)
    sshd.key.with_suffix(".pub").unlink()
    before = file_of(sshd).read_bytes()
    since = own.moto.count()
    for run in (rotate(own), rotate(own, "--check")):
        assert run.code != 0
        assert (
            "Refused, old values unchanged: deploy_ssh: web1: Ansible itself logs in to web1 with the key" in run.text
        )
    result = own.run(
        *("-e", "leak_credentials=deploy_ssh", "-e", "leak_confirm=yes", "--check"),
        playbook="playbooks/leak_response.yml",
    )
    assert "with the key to revoke, and would be locked out" in result.text
    assert file_of(sshd).read_bytes() == before
    assert not {"PutParameter", "PutSecretValue", "CreateSecret"} & set(own.moto.operations(since=since))


def test_a_key_that_may_not_come_from_here_is_rolled_back(own: Lab, sshd: Sshd) -> None:
    old = prepare(own, sshd, hosts=1)
    lines = file_of(sshd).read_text().replace('from="127.0.0.0/8,::1"', 'from="192.0.2.1"')
    file_of(sshd).write_text(lines)
    run = rotate(own)
    assert run.code != 0
    assert "The rotation was rolled back" in run.text
    assert "web1 rejects the new key from the controller; check sshd's log, and from= in the old key's line" in run.text
    assert file_of(sshd).read_text() == lines
    assert in_store(own) == old
    assert own_secrets(own.moto) == []


def test_a_host_that_is_down_is_waited_for_or_skipped(own: Lab, sshd: Sshd) -> None:
    old = prepare(own, sshd)
    own.host_vars["web2"] |= {"ansible_port": free_port(), "ansible_ssh_retries": 0}
    before = file_of(sshd).read_bytes()
    run = rotate(own)
    assert run.code != 0
    assert "web2 cannot be reached, and would still authorize the old key" in run.text
    assert file_of(sshd).read_bytes() == before
    run = rotate(own, "-e", "rotation_skip_hosts=web2")
    assert run.code == 0, run.output
    second = in_store(own)
    assert logs_in(sshd, second)
    assert not is_let_in(sshd, old)
    run = rotate(own, "--limit", "web1")
    assert run.code != 0
    assert "web2: not in this run (--limit), so they would not authorize the new key" in run.text
    assert in_store(own) == second
    own.host_vars["web2"]["app_environment"] = "staging"
    run = rotate(own, "--limit", "web1")
    assert run.code == 0, run.output
    assert logs_in(sshd, in_store(own))
    assert not is_let_in(sshd, second)


@pytest.mark.parametrize("task", ["Update authorized SSH keys", "kinds test", "kinds revoke"])
def test_killed_on_the_way_the_same_command_ends_it(own: Lab, sshd: Sshd, task: str) -> None:
    old = prepare(own, sshd, hosts=1)
    environment = {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "kill_in",
        "KILL_IN": task,
    }
    chosen = ("-e", "rotation_credentials=deploy_ssh", "-e", "rotation_force=true")
    killed = own.run(*chosen, playbook="playbooks/rotate.yml", environment=environment)
    assert killed.code == -signal.SIGKILL, killed.output
    assert logs_in(sshd, old)
    run = rotate(own)
    assert run.code == 0, run.output
    assert logs_in(sshd, in_store(own))
    assert not logs_in(sshd, old)
