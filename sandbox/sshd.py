# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An unprivileged sshd on loopback, with its own keys: the demo's host."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from .binaries import SBIN, embedded_only
from .process import Process, SandboxError, Server, User, write_private

PRIVILEGE_SEPARATION = Path("/run/sshd")


def find(program: str) -> str | None:
    """Path of an OpenSSH program; sshd is often outside an ordinary user's PATH."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *SBIN]))


def unavailable() -> str | None:
    """The reason why no sshd can run here, or None."""
    if embedded_only():
        return "SANDBOX_SERVERS=embedded, and no package carries sshd"
    missing = [program for program in ("sshd", "ssh", "ssh-keygen") if find(program) is None]
    if missing:
        return f"{' and '.join(missing)} not installed"
    # sshd runs every command through the login shell, which nologin is too.
    me = pwd.getpwuid(os.geteuid())
    shell = me.pw_shell or "/bin/sh"
    try:
        runs = subprocess.run([shell, "-c", "true"], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        runs = False
    return None if runs else f"the login shell of {me.pw_name}, {shell}, runs no commands"


class Sshd(Server):
    """An sshd that authorizes one key, for the user who runs it.

    As root it runs as root: a user without a shell, such as nobody, could run no command over it.
    """

    @property
    def user(self) -> User | None:
        return None

    @property
    def key(self) -> Path:
        return self.directory / "client_key"

    @property
    def origin(self) -> str:
        answer = subprocess.run([str(find("ssh")), "-V"], capture_output=True, text=True, check=False)
        return "installed " + answer.stderr.partition(",")[0].strip()

    def host_vars(self) -> dict[str, str | int]:
        """Inventory variables of a host behind this sshd."""
        return {
            "ansible_connection": "ssh",
            "ansible_host": self.host,
            "ansible_port": self.port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": " ".join(self._options()),
            "ansible_python_interpreter": sys.executable,
        }

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(find("ssh")),
                *self._options(),
                *("-i", str(self.key), "-p", str(self.port), "-l", getpass.getuser()),
                *("-o", "BatchMode=yes", "-o", "ConnectTimeout=5", self.host, command),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def _options(self) -> list[str]:
        return [
            *("-F", "none", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes"),
            *("-o", f"UserKnownHostsFile={self.directory / 'known_hosts'}"),
        ]

    def _prepare(self) -> None:
        reason = unavailable()
        if reason:
            raise SandboxError(f"No sshd can be started: {reason}.")
        for key in (self.key, self.directory / "host_key"):
            self._keygen(key)
        public = self.key.with_suffix(".pub").read_text(encoding="utf-8")
        write_private(self.directory / "authorized_keys", public)
        if os.geteuid() == 0 and not PRIVILEGE_SEPARATION.exists():
            # A root sshd requires it; usually its service file makes it. It stays, because another sshd may need it.
            PRIVILEGE_SEPARATION.mkdir(exist_ok=True)
            PRIVILEGE_SEPARATION.chmod(0o755)

    def _keygen(self, key: Path) -> None:
        for old in (key, key.with_suffix(".pub")):
            old.unlink(missing_ok=True)
        subprocess.run(
            [str(find("ssh-keygen")), "-q", "-t", "ed25519", "-N", "", "-C", "sandbox", "-f", str(key)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )

    def _launch(self) -> Process:
        # StrictModes checks every parent folder, and the system's temporary folder is open to all. Below the first
        # level bash reads no .bashrc: the user's own is no part of a host, and takes its time.
        write_private(
            self.directory / "sshd_config",
            f"ListenAddress {self.host}:{self.port}\n"
            f"HostKey {self.directory / 'host_key'}\n"
            f"AuthorizedKeysFile {self.directory / 'authorized_keys'}\n"
            f"PidFile none\nStrictModes no\nUsePAM no\nAllowUsers {getpass.getuser()}\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "AuthenticationMethods publickey\nPermitUserEnvironment no\nX11Forwarding no\nAllowTcpForwarding no\n"
            "SetEnv SHLVL=1\nPrintMotd no\nPrintLastLog no\nMaxStartups 100\nSubsystem sftp internal-sftp\n",
        )
        host_key = (self.directory / "host_key.pub").read_text(encoding="utf-8")
        write_private(self.directory / "known_hosts", f"[{self.host}]:{self.port} {host_key}")
        return self._process(
            str(find("sshd")),
            "-D",
            "-e",
            "-f",
            str(self.directory / "sshd_config"),
        )

    def _ready(self) -> bool:
        try:
            return self.run("true").returncode == 0
        except subprocess.TimeoutExpired:
            return False
