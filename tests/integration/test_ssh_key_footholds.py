# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The holder of a leaked deploy key leaves footholds on a systemd host, over SSH: the module names each of them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import login as ssh_login
from sandbox.hosts import Fleet, Plan, why_not
from sandbox.hosts._inventory import ssh_options
from sandbox.process import REPOSITORY
from tests.unit.plugins.module_utils._host.forensics.test_ways_in import HOME_FILES, OTHERS, SYSTEM_FILES

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.long,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: nobody left a foothold on a real host"),
]
HOST = "app1"
PLANT = """
for name; do
    mkdir -p "$(dirname "$name")"
    touch "$name"
    cp -p "$name" "$name.new"
    echo '# planted' >> "$name.new"
    mv "$name.new" "$name"
done
"""
"""A comment: the host keeps working. A running program cannot be written to, but replaced."""
ESCAPES = "/etc/cron.d/x\x1b[2K\n"
ACCOUNT = (
    "echo '{0}:x:{1}:0::/:/bin/sh' >> /etc/passwd; echo '{0}:{2}:'$(($(date +%s) / 86400))':0:::::' >> /etc/shadow"
)
PACKAGE = """
cd "$(mktemp -d)"
mkdir -p DEBIAN usr/bin
printf 'Package: tool\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' > DEBIAN/control
install -m 4755 /bin/true usr/bin/tool
md5sum usr/bin/tool > DEBIAN/md5sums
dpkg-deb --build --root-owner-group . /tmp/tool.deb
dpkg -i /tmp/tool.deb
"""
"""With a setuid program."""
CAPABILITY = """import os
os.setxattr("/home/deploy/.x", "security.capability", bytes.fromhex("0100000280000000000000000000000000000000"))"""
ACTS = {
    "an at job": (
        "install -D -o deploy /dev/null /var/spool/cron/atjobs/a0001",
        "is a job of at that runs as deploy: rm -- /var/spool/cron/atjobs/a0001",
    ),
    "a pipe": ("mkfifo /home/deploy/.bash_login", "/home/deploy/.bash_login changed "),
    "a link": ("ln -s /dev/shm/x /home/deploy/.zshenv", "/home/deploy/.zshenv changed "),
    "a link to a file that changed": (
        "touch /home/deploy/.y; ln -s .y /home/deploy/.zlogin",
        "/home/deploy/.zlogin changed ",
    ),
    "a unit that is elsewhere": (
        "ln -s /opt/x.service /etc/systemd/system/multi-user.target.wants/x.service",
        "/etc/systemd/system/multi-user.target.wants/x.service changed ",
    ),
    "setuid": ("install -m 4755 /bin/dash /tmp/sh", "chmod u-s,g-s -- /tmp/sh"),
    "setuid among the system's": ("install -m 4755 /bin/dash /usr/bin/.x", "chmod u-s,g-s -- /usr/bin/.x"),
    "a program of a package that is made setuid": (
        "chmod u+s /usr/bin/find",
        "/usr/bin/find changed ",
    ),
    "a capability": (
        f"touch /home/deploy/.x; python3 -c {shlex.quote(CAPABILITY)}",
        "setcap -r /home/deploy/.x",
    ),
    "PAM's common files": (
        "echo 'auth optional pam_exec.so /x' >> /etc/pam.d/common-auth",
        "/etc/pam.d/common-auth changed ",
    ),
    # Before the accounts: what changes groups keeps one copy.
    "a member of a group": ("gpasswd -a games sudo", "account games joined group sudo, whose members may become root"),
    "a number that int refuses": (ACCOUNT.format("number", "\u00b2", "$"), "account number was made, or got a"),
    "a second root": (ACCOUNT.format("toor", 0, "*"), "account toor is root under another name"),
    "an account without a shadow": (
        "echo 'unseen:x:3000:0::/:/bin/sh' >> /etc/passwd",
        "account unseen has no line in /etc/shadow",
    ),
    "no password": (ACCOUNT.format("open", 3001, ""), "account open needs no password"),
    "a new account": (ACCOUNT.format("person", 3002, "!"), "account person was made, or got a password"),
    "a name with escapes": (f"echo > {shlex.quote(ESCAPES)}", "/etc/cron.d/x?[2K? changed "),
}
"""As OTHERS, each with what names it. Another start file where a file of HOME_FILES has the name."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("fleet"), Plan(count=1)) as made:
        yield made


class Thief:
    """Has the leaked key, and nothing else."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self.private = fleet, key_pair.new_private_key()
        line = f"{key_pair.public_line(self.private, 'test')} deploy@ci\n"
        fleet.run(HOST, ["sh", "-c", "cat >> /home/deploy/.ssh/authorized_keys"], text=line)

    def run(self, command: str, script: str) -> None:
        options = ["-F", "none", "-o", "BatchMode=yes", *ssh_options(self._fleet.names)]
        with ssh_login.holding(self.private, "test") as held:
            key = ["-o", f"IdentityAgent={held.socket}", "-i", str(held.public)]
            argv = ["ssh", *options, *key, f"deploy@{self._fleet.machines[HOST].address}", command]
            done = subprocess.run(argv, input=script, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr


def evidence(fleet: Fleet, private: str, since: str) -> dict[str, Any]:
    """The module's result, as a leak response gets it."""
    key = {"fingerprint": key_pair.fingerprint(private, "test"), "credential": "deploy_ssh", "leaked": True}
    asked = {"path": "/srv/watchparty/.env", "since": since, "seconds": 20, "known_keys": [key], "only_ways_in": True}
    argv = [Path(sys.executable).with_name("ansible"), "-i", fleet.inventory, HOST]
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    env |= {
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections"),
        "ANSIBLE_HOME": str(fleet.names.state / "ansible"),
    }
    done = subprocess.run(
        [*map(str, argv), "-m", "watchparty.secrets.host_evidence", "-a", json.dumps(asked)],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout.partition("SUCCESS => ")[2])
    assert result["unfinished"] == ""
    return result


def test_each_foothold_that_the_leaked_key_leaves_is_named_with_its_path(fleet: Fleet) -> None:
    assert set(ACTS) ^ set(OTHERS) == {"PAM's common files, with a line far above the end"}
    thief = Thief(fleet)
    since = fleet.run(HOST, ["sh", "-c", "sleep 2; date --utc +%Y-%m-%dT%H:%M:%SZ; sleep 1"]).stdout.strip()
    fleet.run(HOST, ["sh", "-ec", PACKAGE])
    assert evidence(fleet, thief.private, since)["footholds"] == [], "the host as it was, and with a package more"

    thief.run(f"sh -es -- {shlex.join(HOME_FILES)}", PLANT)
    thief.run(f"sudo -n sh -es -- {shlex.join('/' + name for name in SYSTEM_FILES)}", PLANT)
    thief.run("sudo -n sh -es", "\n".join(script for script, _expected in ACTS.values()))

    result = evidence(fleet, thief.private, since)
    texts = [foothold["text"] for foothold in result["footholds"]]
    files = [f"/{name} changed " for name in (*(f"home/deploy/{name}" for name in HOME_FILES), *SYSTEM_FILES)]
    expected = [*files, *(text for _script, text in ACTS.values())]
    assert [text for text in expected if not any(text in found for found in texts)] == [], "\n".join(texts)
    subjects = {text.partition(" changed ")[0] for text in texts}
    assert len(subjects) == len(expected), "\n".join(texts)
    assert all(": " in text.partition("Z ")[2] for text in texts if " changed " in text), "the command that removes it"
    assert result["short"] == []
