# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The layer between this machine's root and a host's disk: what hosts see of the machine, and their own files.

One layer serves the whole fleet. It shows only the operating system's directories, so hosts see neither a checkout nor
a home directory nor another service's data.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from sandbox.hosts._files import make_directory, open_to_all, write
from sandbox.hosts._units import UNITS
from sandbox.hosts._users import DEPLOY, add_users
from sandbox.process import REPOSITORY

CODE = "/opt/watchparty/app"
VENV = "/opt/watchparty/venv"

# This machine's directories that a host sees; everything else in them is hidden.
VISIBLE = {
    "": {"bin", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr", "var"},
    "var": {"lib", "local", "lock", "run"},
    "var/lib": {"dbus", "dpkg", "pam"},
}
# A host's own directories, empty at first, with these modes.
OWN_DIRECTORIES = {
    "boot": 0o755, "dev": 0o755, "home": 0o755, "media": 0o755, "mnt": 0o755, "opt": 0o755, "proc": 0o555,
    "root": 0o700, "run": 0o755, "srv": 0o755, "sys": 0o555, "tmp": 0o1777,
    "etc/cron.d": 0o755, "etc/cron.daily": 0o755, "etc/cron.hourly": 0o755, "etc/init.d": 0o755,
    "etc/rc2.d": 0o755, "etc/rc3.d": 0o755, "etc/rc4.d": 0o755, "etc/rc5.d": 0o755, "etc/rcS.d": 0o755,
    "etc/ssh": 0o755, "etc/sudoers.d": 0o750, "etc/systemd/system": 0o755,
    "var/cache": 0o755, "var/lib/sudo": 0o700, "var/lib/systemd": 0o755, "var/log": 0o755, "var/spool": 0o755,
    "var/tmp": 0o1777,
}  # fmt: skip
DEVICES = {"full": 7, "null": 3, "random": 8, "urandom": 9, "zero": 5}
# Units of the machine are never enabled; these units of systemd are useless in a host.
MASKED = ("console-getty.service", "getty@.service", "systemd-timesyncd.service")

SSHD_CONFIG = f"""\
HostKey /etc/ssh/ssh_host_ed25519_key
AllowUsers {DEPLOY.name}
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
UseDNS no
PrintMotd no
MaxStartups 200
Subsystem sftp internal-sftp
"""


def build_base(base: Path, *, public_key: str, hosts: dict[str, str]) -> None:
    """Writes the common layer. *hosts* are the names and addresses that every host knows."""
    for parent, visible in VISIBLE.items():
        make_directory(base / parent)
        for entry in Path("/", parent).iterdir():
            if entry.name not in visible and str(Path(parent, entry.name)) not in OWN_DIRECTORIES:
                _hide(base / parent / entry.name)
    for name, mode in OWN_DIRECTORIES.items():
        _own_directory(base / name, mode)
    _devices(base / "dev")
    add_users(base, public_key=public_key)
    write(base / "etc/ssh/sshd_config", SSHD_CONFIG)
    make_directory(base / "run/sshd")
    _systemd(base)
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in hosts.items())]
    write(base / "etc/hosts", "\n".join(lines) + "\n")
    for name in ("environment", "motd", "resolv.conf"):
        write(base / "etc" / name, "")
    shutil.copytree(
        REPOSITORY / "tests" / "app",
        base / CODE[1:],
        ignore=shutil.ignore_patterns("__pycache__", ".env*", "*.sqlite3"),
    )
    open_to_all(base / "opt")
    make_directory(base / VENV[1:])


def personalise(upper: Path, *, name: str, machine_id: str, host_key: Path) -> None:
    """Writes a host's own files: its name, its identity, its SSH host key."""
    write(upper / "etc/hostname", name + "\n")
    write(upper / "etc/machine-id", machine_id + "\n", mode=0o444)
    key = upper / "etc/ssh/ssh_host_ed25519_key"
    write(key, host_key.read_text(encoding="ascii"), mode=0o600)
    write(key.with_suffix(".pub"), host_key.with_suffix(".pub").read_text(encoding="ascii"))


def _hide(path: Path) -> None:
    """Overlayfs's mark for a missing file."""
    os.mknod(path, stat.S_IFCHR | 0o000, os.makedev(0, 0))


def _own_directory(path: Path, mode: int) -> None:
    """A directory that hides the one below it."""
    make_directory(path)
    path.chmod(mode)
    os.setxattr(path, "trusted.overlay.opaque", b"y")


def _devices(dev: Path) -> None:
    for name, minor in DEVICES.items():
        os.mknod(dev / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
        (dev / name).chmod(0o666)
    os.mknod(dev / "tty", stat.S_IFCHR | 0o666, os.makedev(5, 0))
    (dev / "tty").chmod(0o666)
    for name, target in {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1"}.items():
        (dev / name).symlink_to(target)
    (dev / "pts").mkdir()
    (dev / "shm").mkdir()
    (dev / "shm").chmod(0o1777)


def _systemd(base: Path) -> None:
    """Enables only sshd and the application, and tells systemd that this system is up to date."""
    units = base / "etc/systemd/system"
    for name in MASKED:
        (units / name).symlink_to("/dev/null")
    (units / "default.target").symlink_to("/usr/lib/systemd/system/multi-user.target")
    wanted = units / "multi-user.target.wants"
    make_directory(wanted)
    (wanted / "ssh.service").symlink_to("/usr/lib/systemd/system/ssh.service")
    for name, text in UNITS.items():
        write(units / name, text)
        (wanted / name).symlink_to(f"/etc/systemd/system/{name}")
    newer = max(Path("/usr").stat().st_mtime_ns, 1) + 1_000_000_000
    for stamp in ("etc/.updated", "var/.updated"):
        write(base / stamp, "")
        os.utime(base / stamp, ns=(newer, newer))
