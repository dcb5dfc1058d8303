# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The layer between this machine's root and a host's disk: what hosts see of the machine, and what they have of their own.

One layer serves the whole fleet. It hides everything but the operating system's own directories, so neither a
checkout nor a home directory nor another service's data is visible inside.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from sandbox.hosts._units import UNITS
from sandbox.process import REPOSITORY

DEPLOY_USER = "deploy"
APPLICATION_USER = "watchparty"
APPLICATION = "/opt/watchparty/app"
VENV = "/opt/watchparty/venv"
DEPLOY_DIRECTORY = "/srv/watchparty"

# What of this machine a host sees, directory by directory; everything else in them is hidden.
VISIBLE = {
    "": frozenset("bin etc lib lib32 lib64 libx32 sbin usr var".split()),
    "var": frozenset("lib local lock run".split()),
    "var/lib": frozenset("dbus dpkg pam".split()),
}
# What a host has of its own: empty at first, with these modes.
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
# No unit of the machine's own is enabled; of those that come with systemd, these have no use in a host.
MASKED = ("console-getty.service", "getty@.service", "systemd-timesyncd.service")

SSHD_CONFIG = f"""\
HostKey /etc/ssh/ssh_host_ed25519_key
AllowUsers {DEPLOY_USER}
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
UseDNS no
PrintMotd no
MaxStartups 200
Subsystem sftp internal-sftp
"""
SUDOERS = f"""\
Defaults env_reset
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
{DEPLOY_USER} ALL=(ALL:ALL) NOPASSWD: ALL
"""


def build_base(base: Path, *, public_key: str, hosts: dict[str, str]) -> None:
    """Write the common layer. *hosts* are the names and addresses that every host knows."""
    base.mkdir(mode=0o755, parents=True)
    for parent, visible in VISIBLE.items():
        (base / parent).mkdir(mode=0o755, exist_ok=True)
        for entry in Path("/", parent).iterdir():
            if entry.name not in visible and str(Path(parent, entry.name)) not in OWN_DIRECTORIES:
                _hide(base / parent / entry.name)
    for name, mode in OWN_DIRECTORIES.items():
        _own_directory(base / name, mode)
    _devices(base / "dev")
    _users(base, public_key=public_key)
    _sshd_and_sudo(base)
    _systemd(base)
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in hosts.items())]
    write(base / "etc/hosts", "\n".join(lines) + "\n")
    for name in ("environment", "motd", "resolv.conf"):
        write(base / "etc" / name, "")
    shutil.copytree(
        REPOSITORY / "tests" / "app",
        base / APPLICATION[1:],
        ignore=shutil.ignore_patterns("__pycache__", ".env*", "*.sqlite3"),
    )
    open_to_all(base / "opt")
    (base / VENV[1:]).mkdir(mode=0o755)


def personalise(upper: Path, *, name: str, address: str, machine_id: str, host_key: Path) -> None:
    """Write what is a host's own on its disk: its name, its identity, its SSH host key."""
    write(upper / "etc/hostname", name + "\n")
    write(upper / "etc/machine-id", machine_id + "\n", mode=0o444)
    key = upper / "etc/ssh/ssh_host_ed25519_key"
    write(key, host_key.read_text(encoding="ascii"), mode=0o600)
    write(key.with_suffix(".pub"), host_key.with_suffix(".pub").read_text(encoding="ascii"))
    for directory in (upper, upper / "etc", upper / "etc/ssh"):
        directory.chmod(0o755)


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def open_to_all(top: Path) -> None:
    """Let every user read a tree, whatever umask it was written under."""
    for directory, names, files in os.walk(top):
        for name in (".", *names, *files):
            path = Path(directory, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def _hide(path: Path) -> None:
    """Overlayfs's mark for "not there"."""
    os.mknod(path, stat.S_IFCHR | 0o000, os.makedev(0, 0))


def _own_directory(path: Path, mode: int) -> None:
    """A directory that shows nothing of the one below it."""
    path.mkdir(parents=True, exist_ok=True)
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


def _users(base: Path, *, public_key: str) -> None:
    """Add the two users to the machine's own; nobody has a password."""
    entries = [line.split(":") for line in Path("/etc/passwd").read_text(encoding="utf-8").splitlines()]
    added = {DEPLOY_USER: ("/bin/bash", f"/home/{DEPLOY_USER}"), APPLICATION_USER: ("/usr/sbin/nologin", DEPLOY_DIRECTORY)}
    kept = [entry for entry in entries if len(entry) == 7 and entry[0] not in added and int(entry[2]) < 1000]
    groups = [line.split(":") for line in Path("/etc/group").read_text(encoding="utf-8").splitlines()]
    kept_groups = [group for group in groups if len(group) == 4 and group[0] not in added and int(group[2]) < 1000]
    for number, (name, (shell, home)) in enumerate(added.items(), start=2000):
        kept.append([name, "x", str(number), str(number), "", home, shell])
        kept_groups.append([name, "x", str(number), ""])
    write(base / "etc/passwd", "".join(":".join(entry) + "\n" for entry in kept))
    write(base / "etc/group", "".join(":".join([*group[:3], ""]) + "\n" for group in kept_groups))
    write(base / "etc/shadow", "".join(f"{entry[0]}:*:19700:0:99999:7:::\n" for entry in kept), mode=0o600)
    write(base / "etc/gshadow", "".join(f"{group[0]}:*::\n" for group in kept_groups), mode=0o600)

    home = base / "home" / DEPLOY_USER
    write(home / ".ssh/authorized_keys", public_key, mode=0o600)
    (home / ".ssh").chmod(0o700)
    home.chmod(0o750)
    for path in (home, home / ".ssh", home / ".ssh/authorized_keys"):
        os.chown(path, 2000, 2000)
    directory = base / DEPLOY_DIRECTORY[1:]
    directory.mkdir()
    directory.chmod(0o750)
    os.chown(directory, 2001, 2001)


def _sshd_and_sudo(base: Path) -> None:
    write(base / "etc/ssh/sshd_config", SSHD_CONFIG)
    write(base / "etc/sudoers", SUDOERS, mode=0o440)
    (base / "run/sshd").mkdir(mode=0o755)


def _systemd(base: Path) -> None:
    """Enable sshd and the application, nothing else, and tell systemd that this system is up to date."""
    units = base / "etc/systemd/system"
    for name in MASKED:
        (units / name).symlink_to("/dev/null")
    (units / "default.target").symlink_to("/usr/lib/systemd/system/multi-user.target")
    wanted = units / "multi-user.target.wants"
    wanted.mkdir()
    (wanted / "ssh.service").symlink_to("/usr/lib/systemd/system/ssh.service")
    for name, text in UNITS.items():
        write(units / name, text)
        (wanted / name).symlink_to(f"/etc/systemd/system/{name}")
    newer = max(Path("/usr").stat().st_mtime_ns, 1) + 1_000_000_000
    for stamp in ("etc/.updated", "var/.updated"):
        write(base / stamp, "")
        os.utime(base / stamp, ns=(newer, newer))
