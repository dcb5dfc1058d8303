# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts of a host: the operating system's, one that deploys and one for the application."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sandbox.hosts._files import write

FIRST_PERSON = 1000
NOBODY = 65534


@dataclass(frozen=True)
class Account:
    name: str
    number: int
    home: str
    shell: str


DEPLOY = Account("deploy", 2000, "/home/deploy", "/bin/bash")
APPLICATION = Account("watchparty", 2001, "/srv/watchparty", "/usr/sbin/nologin")
SUDOERS = f"""\
Defaults env_reset
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
{DEPLOY.name} ALL=(ALL:ALL) NOPASSWD: ALL
"""


def add_users(base: Path, *, public_key: str) -> None:
    """Writes the account files, without passwords and this machine's people, and both home directories."""
    added = (DEPLOY, APPLICATION)
    passwd = _system_entries(Path("/etc/passwd"))
    passwd += [[who.name, "x", str(who.number), str(who.number), "", who.home, who.shell] for who in added]
    group = [[*entry[:3], ""] for entry in _system_entries(Path("/etc/group"))]
    group += [[who.name, "x", str(who.number), ""] for who in added]
    files = {
        "passwd": (passwd, 0o644),
        "group": (group, 0o644),
        "shadow": ([[entry[0], "*", "19700", "0", "99999", "7", "", "", ""] for entry in passwd], 0o600),
        "gshadow": ([[entry[0], "*", "", ""] for entry in group], 0o600),
    }
    for name, (entries, mode) in files.items():
        write(base / "etc" / name, "".join(":".join(entry) + "\n" for entry in entries), mode=mode)
    write(base / "etc/sudoers", SUDOERS, mode=0o440)
    for who in added:
        _own(base / who.home[1:], who, mode=0o750)
    _own(base / DEPLOY.home[1:] / ".ssh", DEPLOY, mode=0o700)
    keys = base / DEPLOY.home[1:] / ".ssh/authorized_keys"
    write(keys, public_key, mode=0o600)
    os.chown(keys, DEPLOY.number, DEPLOY.number)


def _system_entries(file: Path) -> list[list[str]]:
    """The operating system's lines of /etc/passwd or /etc/group."""
    entries = [line.split(":") for line in file.read_text(encoding="utf-8").splitlines()]
    names = {DEPLOY.name, APPLICATION.name}
    return [
        entry
        for entry in entries
        if len(entry) >= 4 and entry[0] not in names and (int(entry[2]) < FIRST_PERSON or int(entry[2]) == NOBODY)
    ]


def _own(directory: Path, who: Account, *, mode: int) -> None:
    directory.mkdir()
    directory.chmod(mode)
    os.chown(directory, who.number, who.number)
