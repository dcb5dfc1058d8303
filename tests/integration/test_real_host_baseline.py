# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Systemd hosts and their baseline: what a thief leaves is a difference; what operators and packages do is not."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from sandbox.hosts import Fleet, Plan, why_not
from tests import planted
from tests.integration.real_lab import ENV_FILE, RealLab, Run

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.long,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no real host was compared with its baseline"),
]
SSH_SECRET = "watchparty/production/deploy-ssh"
SSH_KEY = {
    "kind": "ssh_key",
    "appears_in": [{"secret": "watchparty/{environment}/deploy-ssh", "key": "private_key"}],
}
CANARY = "canary-of-a-unit"
UNIT = f"[Service]\nEnvironment=TOKEN={CANARY}\nExecStart=/usr/bin/sleep infinity --token={CANARY}\n"
PACKAGE = """
set -e
rm -rf /tmp/p && mkdir /tmp/p && cd /tmp/p
mkdir -p DEBIAN usr/bin usr/lib/systemd/system etc/cron.d etc/sudoers.d
printf 'Package: shop-tool\nVersion: %(version)s\nArchitecture: all\nMaintainer: x <x@x>\n' > DEBIAN/control
printf 'Description: x\n' >> DEBIAN/control
printf '/etc/cron.d/shop-tool\n/etc/sudoers.d/shop-tool\n' > DEBIAN/conffiles
printf '#!/bin/sh\nadduser --system --group shop-tool; systemctl enable shop-tool.timer\n' > DEBIAN/postinst
chmod 755 DEBIAN/postinst
printf '[Service]\nExecStart=/usr/bin/shop-tool %(version)s\n' > usr/lib/systemd/system/shop-tool.service
printf '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n' > usr/lib/systemd/system/shop-tool.timer
printf '# %(version)s\n' > etc/cron.d/shop-tool
printf '# %(version)s\n' > etc/sudoers.d/shop-tool
printf '#!/bin/sh\necho %(version)s\n' > usr/bin/shop-tool
chmod 755 usr/bin/shop-tool
find . -type f -not -path './DEBIAN/*' -printf '%%P\n' | xargs md5sum > DEBIAN/md5sums
dpkg-deb --build --root-owner-group /tmp/p /tmp/shop-tool.deb > /dev/null
dpkg --force-confnew -i /tmp/shop-tool.deb
rm -rf /tmp/p /tmp/shop-tool.deb
"""
THIEF = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJzRXYuqN4QOxXmGDnh0KUWLxGJeyqVSDU7ZzgWqHg7N thief"
PLANTED = {
    "account thief": "useradd --no-create-home thief; systemd-run --uid=thief sleep 9999",
    "account toor": "useradd --non-unique --uid 0 --no-create-home toor",
    "authorized key SHA256:": f"mkdir -p /root/.ssh; echo {shlex.quote(THIEF)} >> /root/.ssh/authorized_keys",
    "sudoers file /etc/sudoers.d/x": "echo 'thief ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/x",
    "cron file /etc/cron.d/x": "echo '* * * * * root /tmp/x' > /etc/cron.d/x",
    "unit /etc/systemd/system/x.timer": "printf '[Timer]\nOnBootSec=1\n' > /etc/systemd/system/x.timer",
    "unit /etc/systemd/system/watchparty-web.service.d/x.conf": (
        "mkdir -p /etc/systemd/system/watchparty-web.service.d;"
        "printf '[Service]\nExecStartPre=+/tmp/x\n' > /etc/systemd/system/watchparty-web.service.d/x.conf"
    ),
    "setuid file /usr/bin/find": "chmod u+s /usr/bin/find",
    "listener tcp 127.0.0.1:4444": (
        "systemd-run --unit=listens python3 -c "
        "'import socket, time; s = socket.create_server((\"127.0.0.1\", 4444)); time.sleep(9999)'; sleep 1"
    ),
    "start file /etc/ld.so.preload": "ls /usr/lib/*/libm.so.6 > /etc/ld.so.preload",
    "PAM file /etc/pam.d/sshd": "echo 'auth optional pam_exec.so /tmp/x' >> /etc/pam.d/sshd",
    "SSH daemon file /etc/ssh/sshd_config.d/x.conf": (
        "mkdir -p /etc/ssh/sshd_config.d; echo '# X' > /etc/ssh/sshd_config.d/x.conf"
    ),
    "SSH daemon file /etc/ssh/sshd_config is": "echo '# PermitRootLogin yes' >> /etc/ssh/sshd_config",
}
CHANGED = ("PAM file ", "SSH daemon file /etc/ssh/sshd_config is")
"""A person mends these: a baseline has only digests of their content."""


class BaselineLab:
    """Two hosts, of which one is changed."""

    def __init__(self, fleet: Fleet) -> None:
        self.real = RealLab(fleet)
        self.host, self.other = self.real.hosts
        self.private = key_pair.new_private_key()
        line = f"no-pty {key_pair.public_line(self.private, 'test')} deploy@ci\n"
        for host in self.real.hosts:
            self.shell(f"printf %s {shlex.quote(line)} >> /home/deploy/.ssh/authorized_keys", host)
            self.shell(f"printf %s {shlex.quote(UNIT)} > /etc/systemd/system/own.service", host)
        manager = self.real.client("secretsmanager")
        manager.create_secret(Name=SSH_SECRET, SecretString=json.dumps({"private_key": self.private}))
        self.deploy()

    def shell(self, script: str, host: str = "") -> str:
        return self.real.fleet.run(host or self.host, ["sh", "-c", script]).stdout

    def deploy(self) -> None:
        run = self.real.run("deploy", "-e", "env_deploy_serial=100%")
        assert run.code == 0, run.output

    def record(self, *arguments: str) -> Run:
        run = self.real.run("baseline", "-e", f"rotation_host={self.host}", *arguments)
        assert CANARY not in run.output
        return run

    def found(self) -> dict[str, list[str]]:
        """By host the findings of WPS211."""
        result: dict[str, list[str]] = {}
        for outcome in self.findings():
            result.setdefault(outcome["place"], []).append(outcome["message"])
        return result

    def findings(self) -> list[dict[str, str]]:
        report = self.real.fleet.names.state / "verification"
        run = self.real.run("verify", "-e", "verify_only=WPS211", "-e", f"verify_report_path={report}")
        assert CANARY not in run.output
        planted.ended(run.code)
        text = (report / "partial.json").read_text(encoding="utf-8")
        assert CANARY not in text
        (check,) = json.loads(text)["checks"]
        failed = [outcome for outcome in check["outcomes"] if outcome["status"] != "pass"]
        assert check["status"] == ("fail" if failed else "pass"), check
        return failed

    def stored(self) -> str:
        client = self.real.client("s3")
        (bucket,) = [item["Name"] for item in client.list_buckets()["Buckets"] if "secrets" in item["Name"]]
        names = [item["Key"] for item in client.list_objects_v2(Bucket=bucket)["Contents"]]
        (name,) = [key for key in names if key.endswith("baseline.json")]
        return str(client.get_object(Bucket=bucket, Key=name)["Body"].read().decode())


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaselineLab]:
    with Fleet(tmp_path_factory.mktemp("fleet"), Plan(count=2, services=True)) as fleet:
        made = BaselineLab(fleet)
        with made.real.with_credential("deploy_ssh", **SSH_KEY):
            run = made.record()
            assert run.code == 0, run.output
            yield made


def rotated(lab: BaselineLab, *names: str) -> None:
    run = lab.real.rotate(*names)
    assert run.code == 0, run.output


def restarted(lab: BaselineLab) -> None:
    """A deploy restarts services if the file was changed."""
    process = "systemctl show --property MainPID watchparty-web"
    before = lab.shell(f"{process}; echo '# by hand' >> /{ENV_FILE}")
    lab.deploy()
    assert lab.shell(process) != before


def package(version: str) -> str:
    return PACKAGE % {"version": version}


ORDINARY: dict[str, Callable[[BaselineLab], Any]] = {
    "a deploy": lambda lab: lab.deploy(),
    "a deploy that restarts": lambda lab: restarted(lab),
    "a password of PostgreSQL": lambda lab: rotated(lab, "database"),
    "a password of Valkey": lambda lab: rotated(lab, "cache"),
    "a signing key": lambda lab: rotated(lab, "django_key"),
    "the deploy key": lambda lab: rotated(lab, "deploy_ssh"),
    "the deploy key again": lambda lab: rotated(lab, "deploy_ssh"),
    "a new package": lambda lab: lab.shell(package("1")),
    "the same package": lambda lab: lab.shell(package("1")),
    "an upgrade": lambda lab: lab.shell(package("2")),
    "a package that is removed": lambda lab: lab.shell("dpkg --purge shop-tool"),
    "pam-auth-update": lambda lab: lab.shell("pam-auth-update --package --force"),
    "ldconfig": lambda lab: lab.shell("ldconfig"),
    "a restart": lambda lab: lab.shell("systemctl restart watchparty-web watchparty-celery ssh"),
    "a service that is down": lambda lab: lab.shell("systemctl stop watchparty-web"),
    "a service that is up again": lambda lab: lab.shell("systemctl start watchparty-web"),
    "a unit is enabled": lambda lab: lab.shell("systemctl enable --quiet ssh.service watchparty-web.service"),
    "systemd reads its units": lambda lab: lab.shell("systemctl daemon-reload"),
    "clean up": lambda lab: lab.shell("systemd-tmpfiles --clean --create"),
    "a login": lambda lab: lab.real.fleet.ssh(lab.host, "true"),
    "a boot": lambda lab: (lab.real.fleet.power_off(lab.other), lab.real.fleet.boot(lab.other)),
}


@planted.variations("Ordinary work on a host with a baseline", planted.HOST, planted.PLAYBOOK, rows=ORDINARY)
def test_what_operators_and_packages_do_is_no_difference(lab: BaselineLab) -> None:
    assert lab.found() == {}
    wrong = {}
    for name, act in ORDINARY.items():
        act(lab)
        found = lab.found()
        if found:
            wrong[name] = found
    assert wrong == {}, f"{len(wrong)} of {len(ORDINARY)}"


@planted.mistakes(
    "What an attacker leaves on a host", planted.HOST, planted.PLAYBOOK, rows=dict.fromkeys(PLANTED, "211")
)
def test_whatever_a_thief_leaves_is_named_with_its_place(lab: BaselineLab) -> None:
    before = lab.stored()
    for script in PLANTED.values():
        lab.shell(script)
    found = lab.found()
    assert set(found) == {lab.host}, "the other host is as it was"
    for name in PLANTED:
        assert [text for text in found[lab.host] if text.startswith(name)], (name, found)
    assert len(found[lab.host]) == len(PLANTED), "\n".join(found[lab.host])
    for outcome in lab.findings():
        program, host, *_options, script = shlex.split(outcome["command"])
        if program == "ansible":
            lab.shell(script, host)
    rest = lab.found()[lab.host]
    assert len(rest) == len(CHANGED), rest
    assert all(any(text.startswith(name) for text in rest) for name in CHANGED)
    refused = lab.record()
    assert refused.code != 0
    assert lab.stored() == before, "what is not accepted changes nothing"
    ids = re.findall(r"^([0-9a-f]{16})  host ", refused.output, re.MULTILINE)
    assert len(ids) == len(CHANGED)
    given = ("-e", f"baseline_accept={','.join(ids)}", "-e", "baseline_reason=a test")
    drill = lab.record(*given, "--check")
    assert drill.code == 0, drill.output
    assert lab.stored() == before, "--check writes nothing"
    assert lab.record(*given).code == 0
    assert lab.found() == {}


def test_a_leak_names_what_was_there_before_its_beginning(lab: BaselineLab) -> None:
    """The search by time alone names nothing of it."""
    lab.shell("printf '[Timer]\nOnBootSec=1\n' > /etc/systemd/system/y.timer; echo y > /etc/profile.d/y.sh")
    since = lab.shell("sleep 2; date --utc +%Y-%m-%dT%H:%M:%SZ; sleep 1").strip()
    lab.shell("echo z > /etc/profile.d/z.sh")
    report = lab.real.fleet.names.state / "post-mortems"
    leaked = ("-e", "leak_credentials=deploy_ssh", "-e", "leak_confirm=yes", "-e", "leak_sessions=false")
    leaked += ("-e", f"leak_trusted_host={lab.host}")
    run = lab.real.run(
        "leak_response", *leaked, "-e", f"leak_exposed_since={since}", "-e", f"leak_report_path={report}"
    )
    assert run.code != 0, run.output
    for name in ("unit /etc/systemd/system/y.timer", "start file /etc/profile.d/y.sh"):
        assert f"{name} is not in the baseline" in run.text, run.output
    assert run.text.count("/etc/profile.d/z.sh changed") >= 1
    assert "start file /etc/profile.d/z.sh" not in run.text, "the search by time names it already"
    assert f"no new values are sent to {lab.host}" in run.text
    (page,) = report.glob("*-evidence.md")
    assert "not as in the baseline of" in page.read_text(encoding="utf-8")
    whole = "\n".join(path.read_text(encoding="utf-8") for path in report.glob("*.md"))
    assert (
        f"{lab.other} compared with the baseline of" in whole or f"{lab.host}, {lab.other} compared with the" in whole
    )
    assert CANARY not in run.output + whole


def test_the_object_holds_no_value(lab: BaselineLab) -> None:
    stored = lab.stored()
    assert "/etc/systemd/system/own.service" in stored
    assert CANARY not in stored
    assert THIEF.split()[1] not in stored
    assert key_pair.public_line(lab.private, "x").split()[1] not in stored
