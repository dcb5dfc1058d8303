# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host keys are pinned before the first connection, from the inventory, and none is taken on trust."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import sshd
from sandbox.process import REPOSITORY, clean_environment
from tests.integration import prefork

pytestmark = pytest.mark.skipif(bool(sshd.unavailable()), reason=f"{sshd.unavailable()}: no host key was pinned")

PIN = [{"hosts": "app_hosts", "gather_facts": False, "tasks": [
    {"ansible.builtin.import_role": {"name": "watchparty.secrets.app_host", "tasks_from": "pin.yml"}}]}]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[sshd.Sshd]:
    with sshd.Sshd() as running:
        yield running


def key_of(server: sshd.Sshd) -> str:
    return (server.directory / "host_key.pub").read_text(encoding="ascii").strip()


def run(
    place: Path,
    server: sshd.Sshd,
    *arguments: str,
    playbook: Path | None = None,
    env: dict[str, str] | None = None,
    **extra: Any,
) -> tuple[int, str]:
    address = {"ansible_host": server.host, "ansible_port": server.port}
    variables = {"app_host_known_hosts": str(place / "known_hosts"), **extra}
    hosts = {"app_hosts": {"hosts": {"app1": address, "app2": {**address, "ansible_port": 2222}}, "vars": variables}}
    (place / "hosts.json").write_text(json.dumps(hosts), encoding="utf-8")
    (place / "pin.yml").write_text(json.dumps(PIN), encoding="utf-8")
    path = playbook or place / "pin.yml"
    argv = [Path(sys.executable).with_name("ansible-playbook"), "-i", place / "hosts.json", path, *arguments]
    places = {"HOME": str(server.directory), "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections")}
    variables = clean_environment(**places, ANSIBLE_NOCOLOR="1", **(env or {}))
    return prefork.play([str(item) for item in argv], REPOSITORY, variables)


def test_what_the_inventory_declares_is_pinned_once(server: sshd.Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    code, shown = run(tmp_path, server, "--check", "--diff", ssh_host_keys=[key_of(server)])
    assert code == 0, shown
    assert not known.exists()
    assert run(tmp_path, server, ssh_host_keys=[key_of(server)])[0] == 0
    lines = known.read_text(encoding="ascii").splitlines()
    own = " ".join(key_of(server).split()[:2])
    assert sorted(" ".join(line.split()[:3]) for line in lines) == sorted(
        [f"[{server.host}]:{server.port} {own}", f"[{server.host}]:2222 {own}"]
    )
    assert "changed=1" not in run(tmp_path, server, ssh_host_keys=[key_of(server)])[1]
    # A host that was made anew: the key of the inventory takes the old one's place.
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    new = other.with_suffix(".pub").read_text(encoding="ascii").strip()
    assert run(tmp_path, server, ssh_host_keys=[new])[0] == 0
    assert own not in known.read_text(encoding="ascii")


def test_a_host_that_is_known_nowhere_stops_the_run(server: sshd.Sshd, tmp_path: Path) -> None:
    before = server.log.read_text(encoding="utf-8")
    code, output = run(tmp_path, server)
    assert code != 0
    message = " ".join(output.split())
    assert "app1: its SSH host key is in neither ssh_host_keys nor" in message
    assert "app2: its SSH host key" in message
    assert server.log.read_text(encoding="utf-8") == before, "nobody connected"
    assert not (tmp_path / "known_hosts").exists()


@pytest.mark.parametrize("playbook", ["host", "host_keys"])
def test_a_run_on_no_host_fails(server: sshd.Sshd, tmp_path: Path, playbook: str) -> None:
    code, output = run(
        tmp_path,
        server,
        *("-e", "app_hosts=app1", "--limit", "app2", "-e", "app_environment=production"),
        playbook=REPOSITORY / "playbooks" / f"{playbook}.yml",
    )
    assert code != 0
    assert "Nothing was done: no host of this run matches app1" in " ".join(output.split())


@pytest.mark.parametrize(
    ("env", "variables"),
    [
        ({"ANSIBLE_HOST_KEY_CHECKING": "False"}, {}),
        ({}, {"ansible_host_key_checking": False}),
        ({}, {"ansible_ssh_common_args": "-o StrictHostKeyChecking=no"}),
        ({}, {"ansible_ssh_extra_args": "-o stricthostkeychecking=accept-new"}),
    ],
    ids=["environment", "variable", "arguments", "on first use"],
)
def test_where_host_keys_are_not_looked_at_it_stops(
    server: sshd.Sshd, tmp_path: Path, env: dict[str, str], variables: dict[str, Any]
) -> None:
    code, output = run(tmp_path, server, env=env, ssh_host_keys=[key_of(server)], **variables)
    assert code != 0
    assert "SSH does not check host keys" in " ".join(output.split())
    assert not (tmp_path / "known_hosts").exists()


def test_what_a_host_answers_with_is_shown_and_not_trusted(server: sshd.Sshd, tmp_path: Path) -> None:
    code, output = run(tmp_path, server, "--limit", "app1", playbook=REPOSITORY / "playbooks" / "host_keys.yml")
    assert code == 0, output
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(server.directory / "host_key.pub")], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert shown in output
    assert f"- {' '.join(key_of(server).split()[:2])}" in output
    assert "Not trusted yet" in output
    assert not (tmp_path / "known_hosts").exists()


def test_a_host_that_does_not_answer_fails_and_is_named(server: sshd.Sshd, tmp_path: Path) -> None:
    code, output = run(tmp_path, server, playbook=REPOSITORY / "playbooks" / "host_keys.yml")
    assert code != 0, output
    message = " ".join(output.split())
    assert f"app2: no SSH server answers at {server.host} port 2222" in message
    assert f"- {' '.join(key_of(server).split()[:2])}" in output, "app1's keys are shown all the same"
    assert "failed=1" in output
