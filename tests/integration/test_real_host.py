# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A systemd host that is deployed to by a user with one restricted key and two commands as root."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import interpreter
from sandbox.aws import Moto
from sandbox.hosts import Fleet, Plan, why_not
from sandbox.wheels import make_wheels
from tests.integration.fetch_lab import HOST, FetchLab, pinned

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.long,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no host was prepared for deploys"),
]

RESTART = "/usr/bin/systemctl restart shop.service"
KEYS = "/home/shipper/.ssh/authorized_keys"


class PushLab(FetchLab):
    """The same host, prepared for deploys without become."""

    def prepare(self) -> None:
        self.key = self.place / "ci"
        self.public = self.new_key("ci").strip()
        pinned = self.fleet.names.known_hosts.read_text(encoding="ascii").split(maxsplit=1)
        self.known_hosts = self.place / "known_hosts"
        self.variables |= {
            "app_host_fetch": False,
            "app_host_sudo": "restart",
            "app_host_keys": [self.public],
            "app_host_from": [self.fleet.gateway],
            "app_host_known_hosts": str(self.known_hosts),
            "ssh_host_keys": [pinned[1].strip()],
            "env_deploy_group": "watchparty",
        }
        self.shell("sed -i 's/^AllowUsers .*/AllowUsers deploy shipper/' /etc/ssh/sshd_config; systemctl reload ssh")
        self.shell("echo '@includedir /etc/sudoers.d' >> /etc/sudoers")
        self.shell("git init --quiet /srv/watchparty; chown -R watchparty: /srv/watchparty")

    def new_key(self, name: str) -> str:
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.place / name)]
        subprocess.run(argv, check=True)
        return (self.place / f"{name}.pub").read_text(encoding="ascii")

    def own(self) -> dict[str, object]:
        """As the user, without become, with the pinned host key."""
        options = f"-o UserKnownHostsFile={self.known_hosts} -o GlobalKnownHostsFile=/dev/null"
        return {
            "ansible_user": "shipper",
            "ansible_become": False,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": f"{options} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes",
            "env_deploy_owner": "shipper",
            "env_deploy_mode": "0640",
            "env_deploy_restart_command": f"sudo -n {RESTART}",
        }

    def deploy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("deploy", "-e", json.dumps(self.own()), *arguments)

    def ssh(self, command: str, *additions: str) -> subprocess.CompletedProcess[str]:
        options = ["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", str(self.key)]
        options += ["-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "StrictHostKeyChecking=yes"]
        target = f"shipper@{self.fleet.machines[HOST].address}"
        argv = ["ssh", *options, *additions, target, *([command] if command else [])]
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushLab]:
    place = tmp_path_factory.mktemp("push")
    with Fleet(place / "fleet", Plan(count=1)) as fleet, Moto(place / "moto") as moto:
        made = PushLab(fleet, moto, "", place, "/srv/watchparty/.env")
        made.prepare()
        yield made


def test_the_role_prepares_it_and_a_second_run_changes_nothing(lab: PushLab) -> None:
    looked = lab.run("host", "--check", "--diff")
    assert looked.returncode == 0, looked.stdout
    assert not lab.known_hosts.exists()
    assert "shipper" not in lab.shell("cat /etc/passwd; ls /etc/sudoers.d")
    first = lab.run("host", "--diff")
    assert first.returncode == 0, first.stdout
    second = lab.run("host", "--diff")
    assert re.search(r"changed=0 .*failed=0", second.stdout), second.stdout

    assert lab.shell(f"cat {KEYS}") == f'restrict,from="{lab.fleet.gateway}" {lab.public}'
    assert lab.shell("stat -c '%U %G %a' /srv/watchparty") == "shipper watchparty 750"
    git = "cd /srv/watchparty; git -c safe.directory='*' check-ignore"
    ignored = lab.shell(f"{git} .env .env.mark .env.example", check=False)
    assert ignored.split() == [".env", ".env.mark"]
    pinned = lab.fleet.names.known_hosts.read_text(encoding="ascii").split()
    assert lab.known_hosts.read_text(encoding="ascii").split()[:3] == pinned[:3]


def test_rotations_get_an_interpreter_that_belongs_to_root(lab: PushLab) -> None:
    wheels = lab.place / "drivers"
    make_wheels("redis", wheels)
    listed = lab.place / "drivers.txt"
    listed.write_text("".join(pinned(wheel) for wheel in sorted(wheels.glob("*.whl"))))
    files = {"app_host_rotation_wheels": str(wheels), "app_host_rotation_requirements": str(listed)}
    given = ("-e", json.dumps({"app_host_rotation": True, **files}))
    first = lab.run("host", *given)
    assert first.returncode == 0, first.stdout
    python = re.search(r"set rotation_python: ([\w./-]+)", first.stdout)
    assert python is not None
    second = lab.run("host", *given, "-e", f"rotation_python={python[1]}")
    assert re.search(r"changed=0 .*failed=0", second.stdout), second.stdout
    assert "set rotation_python" not in second.stdout
    start = interpreter.command(python[1], "-I", "-c", "import redis; print(redis.__name__)", private=True)
    assert lab.shell(start) == "redis"


def test_a_deploy_needs_no_more(lab: PushLab) -> None:
    first = lab.deploy()
    assert first.returncode == 0, first.stdout
    assert "services restarted and healthy" in first.stdout
    assert lab.shell("stat -c '%U %G %a' /srv/watchparty/.env") == "shipper watchparty 640"
    assert lab.started_on_the_present_file()
    assert "unchanged, healthy before" in lab.deploy().stdout
    lab.store("2")
    # Without pipelining Ansible asks for a terminal, is refused, and does without; secrets are not sent then.
    ping = lab.place / "ping.yml"
    ping.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.ping": {}}]}]))
    without = {**lab.own(), "ansible_pipelining": False}
    pinged = lab.run("ping", "-e", json.dumps(without), "-vvv", path=ping)
    assert pinged.returncode == 0, pinged.stdout
    assert " -tt " in pinged.stdout
    refused = lab.run("deploy", "-e", json.dumps(without))
    assert refused.returncode != 0
    assert "pipelining is off" in " ".join(refused.stdout.split())
    assert lab.deploy().returncode == 0
    assert lab.generation() == "2"


def test_the_key_opens_nothing_else(lab: PushLab) -> None:
    assert lab.ssh(f"sudo -n {RESTART}").returncode == 0
    for command in ("id", "systemctl restart ssh.service", f"{RESTART} ssh.service", "sh -c id", "cat /etc/shadow"):
        done = lab.ssh(f"sudo -n {command}")
        assert done.returncode != 0, command
        assert "a password is required" in done.stderr, command
    assert "PTY allocation request failed" in lab.ssh("true", "-tt").stderr
    assert "administratively prohibited" in lab.ssh("", "-W", "127.0.0.1:22").stderr


def test_why_become_cannot_be_narrowed(lab: PushLab) -> None:
    """What Ansible runs as root is a shell with a random word in it, and Python on what comes in: no rule fits less."""
    log = lab.shell("journalctl --no-pager --output=cat _COMM=sudo | sed -n 's/.*USER=root ; COMMAND=//p'")
    asked = [command for command in log.splitlines() if "BECOME-SUCCESS" in command]
    assert len(set(asked)) > 5, "each is another"
    assert all(re.match(r"/bin/sh -c '?echo BECOME-SUCCESS-[a-z]{32} ; ", command) for command in asked), asked[:3]


def test_a_key_that_a_rotation_took_out_stays_out(lab: PushLab) -> None:
    own = lab.public.rsplit(" ", 1)[0]
    new = lab.new_key("new")
    before = lab.shell(f"cat {KEYS}")
    lab.shell(f"cat > {KEYS}", text=new)
    run = lab.run("host")
    assert run.returncode == 0, run.stdout
    assert "so these were not added: ci." in " ".join(run.stdout.split())
    assert own not in lab.shell(f"cat {KEYS}")
    assert lab.run("host", "-e", "app_host_add_keys=true").returncode == 0
    assert before in lab.shell(f"cat {KEYS}")


def test_from_elsewhere_the_key_is_refused(lab: PushLab) -> None:
    assert lab.ssh("true").returncode == 0
    lab.variables["app_host_from"] = ["192.0.2.1"]
    assert lab.run("host").returncode == 0
    done = lab.ssh("true")
    assert done.returncode == 255
    assert "Permission denied" in done.stderr


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"app_host_user": "root"}, "app_host_user must be the name of an account without root rights"),
        ({"app_host_user": "deploy"}, "deploy cannot prepare hosts"),
        ({"env_deploy_owner": "watchparty"}, "env_deploy_owner must be shipper, not watchparty"),
        ({"env_deploy_group": "root"}, "shipper would join the group root; set env_deploy_group"),
        ({"app_host_units": ["shop.service, /bin/sh"]}, "app_host_units must be full unit names"),
        ({"app_host_keys": ['command="x" ssh-ed25519 AAAA']}, "must be public keys"),
        ({"app_host_from": ['1.2.3.4",command="x']}, "app_host_from must be addresses"),
        ({"app_host_fetch_environment": {"AWS_SECRET_ACCESS_KEY": "canary"}}, "must hold no credential"),
        ({"app_host_fetch_environment": {"HTTPS_PROXY": "http://me:canary@proxy:3128"}}, "must hold no credential"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_stops_before_the_first_write(
    lab: PushLab, variables: dict[str, object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "variables", {**lab.variables, **variables})
    run = lab.run("host")
    assert run.returncode != 0
    assert message in " ".join(run.stdout.split())
    assert "changed=0" in run.stdout
    assert "canary" not in run.stdout
