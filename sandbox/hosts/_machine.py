# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host: a private root over this machine's, its own processes and its own network.

``systemd``: a booted container. ``plain``: only an sshd, for fleets of up to a hundred. Both live in their own mount
namespace, so the end of their first process leaves no mount behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox.hosts._cgroups import groups
from sandbox.hosts._commands import SYSTEM_PATH, run
from sandbox.hosts._files import make_directory
from sandbox.hosts._image import VENV
from sandbox.hosts._names import Names
from sandbox.process import Process, SandboxError, clean_environment, wait_until

KINDS = ("systemd", "plain")
NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root")

# $0 is the host's disk, $1 its network namespace, $2 the common layer, $3 the application's packages.
ROOT = 'mount -t overlay overlay -o "lowerdir=$2:/,upperdir=$0/upper,workdir=$0/work" "$0/root"'
SYSTEMD = f"""set -e
{ROOT}
exec systemd-nspawn --quiet --directory="$0/root" --machine="$1" --boot --register=no --keep-unit --console=pipe \\
    --network-namespace-path="/run/netns/$1" --bind-ro="$3:{VENV}" --resolv-conf=off --timezone=off --link-journal=no
"""
PLAIN = f"""set -e
{ROOT}
hostname "${{1#*-}}"
mount -t proc proc "$0/root/proc"
mount -t devpts devpts "$0/root/dev/pts" -o newinstance,ptmxmode=0666,mode=0620
mount --bind "$3" "$0/root{VENV}"
mount -o remount,bind,ro "$0/root{VENV}"
exec chroot "$0/root" /usr/sbin/sshd -D -e -o UsePAM=no
"""


@dataclass(frozen=True)
class Machine:
    """A started host. ``supervisor`` is this side's process; the host's first process is its child."""

    name: str
    kind: str
    address: str
    supervisor: Process

    @classmethod
    def start(cls, names: Names, *, name: str, kind: str, address: str, venv: Path) -> Machine:
        machine, disk = names.machine(name), names.disk(name)
        for part in ("upper", "work", "root"):
            make_directory(disk / part)
        enter = ["unshare", "--mount", "--propagation=private"]
        script = SYSTEMD
        if kind == "plain":
            enter = ["nsenter", f"--net=/run/netns/{machine}", *enter, "--uts", "--ipc", "--pid", "--fork"]
            script = PLAIN
        # Joins the group first: all processes of the host stay inside.
        join = "".join(f'echo $$ > "{group}/cgroup.procs"; ' for group in groups(names, name))
        arguments = [str(disk), machine, str(names.scratch / "base"), str(venv)]
        supervisor = Process.start(
            ["sh", "-c", f'{join}exec "$@"', "sh", *enter, "sh", "-c", script, *arguments],
            log=names.logs / f"{name}.log",
            environment=clean_environment(PATH=SYSTEM_PATH),
            survives=True,
        )
        return cls(name, kind, address, supervisor)

    @property
    def leader(self) -> int:
        """Pid of the host's first process, seen from here; 0 without one."""
        pid = self.supervisor.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        except OSError:
            return 0
        return int(children[0]) if children and self.supervisor.running() else 0

    @property
    def root(self) -> Path:
        """The running host's file system, seen from here."""
        return Path(f"/proc/{self.leader}/root")

    def command(self, argv: list[str]) -> list[str]:
        """The command that runs *argv* inside as root."""
        if not (leader := self.leader):
            raise SandboxError(f"The host {self.name} does not run.")
        return ["nsenter", f"--target={leader}", *NAMESPACES, f"--wd=/proc/{leader}/root", "--", *argv]

    def wait(self, *, seconds: float = 60) -> None:
        """Waits until the SSH port answers and, with systemd, the host has booted without failed units."""
        if not wait_until(lambda: self._answers() or not self.supervisor.running(), seconds=seconds):
            raise SandboxError(f"The host {self.name} does not answer on {self.address} port 22.")
        if not self.supervisor.running():
            raise SandboxError(f"The host {self.name} ended while it started; see its log.")
        if self.kind == "systemd":
            self._wait_booted(seconds=seconds)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=0.5) as link:
                link.settimeout(2)
                return link.recv(4) == b"SSH-"
        except OSError:
            return False

    def _wait_booted(self, *, seconds: float) -> None:
        asked = subprocess.run(
            self.command(["systemctl", "is-system-running", "--wait"]),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        state = asked.stdout.strip()
        if state != "running":
            failed = run(self.command(["systemctl", "list-units", "--failed", "--plain", "--no-legend"]))
            raise SandboxError(f"The host {self.name} is {state or asked.stderr.strip()}: {failed.strip()}")

    def kill(self) -> None:
        """Ends the host like a power cut."""
        if leader := self.leader:
            with contextlib.suppress(ProcessLookupError):
                os.kill(leader, signal.SIGKILL)
            wait_until(lambda: not self.supervisor.running(), seconds=10, interval=0.01)
        self.supervisor.stop()

    def power_off(self, *, seconds: float = 60) -> None:
        """Shuts the host down in order, like a logged-in user; services are stopped."""
        if self.kind != "systemd":
            raise SandboxError(f"The host {self.name} has no systemd that could shut it down.")
        run(self.command(["systemctl", "poweroff", "--no-block"]))
        if not wait_until(lambda: not self.supervisor.running(), seconds=seconds):
            raise SandboxError(f"The host {self.name} did not shut down in {seconds:g} seconds.")


def remove_leftovers(names: Names, host: str = "*") -> None:
    """Removes leftovers of a killed container in systemd-nspawn's own directory."""
    for leftover in Path("/run/systemd/nspawn").glob(f"*/{names.machine(host)}"):
        leftover.rmdir() if leftover.is_dir() else leftover.unlink()
