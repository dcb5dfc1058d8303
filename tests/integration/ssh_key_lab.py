# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application whose deploy key rotates, on an unprivileged sshd that lets an operator's key in beside it.

Never with a leak declared: sessions of which no log tells would be ended, and here they may be anybody's.
"""

from __future__ import annotations

import getpass
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import authorized_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import login as ssh_login
from sandbox.hosts import Fleet
from sandbox.hosts._inventory import ssh_options
from sandbox.seed import Layout
from sandbox.sshd import Sshd
from tests.integration import harness
from tests.integration.harness import Lab, Run

SECRET = "shop/production/deploy-ssh"
OPTIONS = 'from="127.0.0.0/8,::1",no-port-forwarding,environment="WHO=\\"deploy, ci\\""'
"""What the deploy key's line is restricted by."""


def file_of(sshd: Sshd) -> Path:
    return sshd.directory / "authorized_keys"


def let_in(sshd: Sshd, private: str, options: str = OPTIONS) -> None:
    """One more line of authorized_keys, after the operator's own."""
    with file_of(sshd).open("a", encoding="utf-8") as handle:
        handle.write(f"# of the pipeline\n{options} {key_pair.public_line(private, 'test')} deploy@ci\n")


def is_let_in(sshd: Sshd, private: str) -> bool:
    blob = authorized_keys.blob_of(key_pair.public_line(private, "test"))
    return authorized_keys.holds(file_of(sshd).read_bytes(), blob)


def logs_in(sshd: Sshd, private: str) -> bool:
    """Whether sshd takes the key, asked apart from what is tested."""
    with ssh_login.holding(private, "test") as held:
        done = subprocess.run(
            [
                *("ssh", *sshd._options(), "-o", f"IdentityAgent={held.socket}", "-o", "BatchMode=yes"),
                *("-i", str(held.public), "-p", str(sshd.port), "-l", getpass.getuser(), sshd.host, "true"),
            ],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=30,
            check=False,
        )
    assert done.returncode == 0 or "Permission denied" in done.stderr, done.stderr
    return done.returncode == 0


def prepare(lab: Lab, sshd: Sshd, *, hosts: int = 2, **options: Any) -> str:
    """Hosts that were deployed to, and the deploy key in a secret; its private half."""
    credential = {
        "kind": "ssh_key",
        "options": {"user": getpass.getuser(), "authorized_keys": str(file_of(sshd)), **options},
        "appears_in": [{"secret": "shop/{environment}/deploy-ssh", "key": "private_key"}],
    }
    lab.catalog = harness.catalog(credentials={"deploy_ssh": credential})
    lab.add_hosts(hosts)
    private = key_pair.new_private_key()
    base = harness.layout()
    lab.seed(Layout({**base.secrets, SECRET: {"private_key": private, "note": "of the pipeline"}}, base.parameters))
    lab.moto.client("logs").create_log_group(logGroupName="/shop/audit")
    let_in(sshd, private)
    lab.deploy()
    return private


def in_store(lab: Lab) -> str:
    text = lab.moto.client("secretsmanager").get_secret_value(SecretId=SECRET, VersionStage="AWSCURRENT")
    private_key: str = json.loads(text["SecretString"])["private_key"]
    return private_key


def rotate(lab: Lab, *arguments: str, environment: Mapping[str, str] | None = None) -> Run:
    chosen = ("-e", "rotation_credentials=deploy_ssh", "-e", "rotation_force=true", *arguments)
    return lab.run(*chosen, playbook="playbooks/rotate.yml", environment=environment)


def opens(fleet: Fleet, host: str, private: str) -> bool:
    """Whether the host takes the key."""
    target, options = f"deploy@{fleet.machines[host].address}", ["-F", "none", "-o", "BatchMode=yes"]
    with ssh_login.holding(private, "test") as held:
        by = ["-o", f"IdentityAgent={held.socket}", "-i", str(held.public)]
        argv = ["ssh", *options, *ssh_options(fleet.names), *by, target, "true"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0 or "Permission denied" in done.stderr, done.stderr
    return done.returncode == 0
