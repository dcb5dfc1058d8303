# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Chooses the account for a program: root only if no other account can change the program's files."""

from __future__ import annotations

import os
import pwd
import stat
from typing import Any, Dict, Iterable, Iterator, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class HostAccount(NamedTuple):
    name: str
    uid: int
    gid: int
    home: str


def named(name: str) -> HostAccount:
    """The account with this name or number. Raises HostError."""
    try:
        entry = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        raise HostError("this host has no account %s" % name) from None
    return HostAccount(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


def application(name: str, label: str) -> HostAccount:
    """The account that runs an application's code. Raises HostError for root, or if this process cannot become it."""
    account, own = named(name), os.geteuid()
    if account.uid == 0:
        raise HostError(
            "%s would run as root; set user of this service in the catalog to the application's account" % label
        )
    if own not in (0, account.uid):
        raise HostError("%s runs as %s; deploy with become, or log in as %s" % (label, account.name, account.name))
    return account


def responsible(paths: Iterable[str], label: str) -> HostAccount:
    """Root if only root can change or create these files, else the one account that can. Without root's rights, this
    process's account.

    Raises HostError if further accounts can.
    """
    own = os.geteuid()
    uids = {path: {*_makers(path, safe_files.LINKS)} - {0, own} for path in paths}
    others = {uid for path in uids for uid in uids[path]}
    if (own and others) or len(others) > 1:
        owners = {path: ", ".join(map(safe_files.account, sorted(uids[path]))) for path in uids if uids[path]}
        files = ", ".join("%s (%s)" % owner for owner in owners.items())
        remedy = "deploy with become" if own else "make one account the owner of these files and their directories"
        raise HostError("%s: its commands use files that other accounts may change: %s; %s" % (label, files, remedy))
    return named(str(others.pop() if others else own))


def _makers(path: str, links: int) -> Iterator[int]:
    """Uids that may change a file or, if its directory does not exist, create it."""
    try:
        yield from _owners(path, links)
    except safe_files.NoDirectory:
        yield from _makers(os.path.dirname(path), links)


def _owners(path: str, links: int) -> Iterator[int]:
    """Uids of the owners of a file, of its parent directories, and of a link's target."""
    with safe_files.place(path) as at:
        for component in at.components:
            if component.is_shared:
                raise _shared(component.path, component.mode)
            yield component.uid
        status = safe_files.status(at)
        target = os.readlink(at.name, dir_fd=at.directory) if status and stat.S_ISLNK(status.st_mode) else ""
    if status is None and at.components[-1].mode & 0o022:  # other accounts may create it
        raise _shared(at.folder, at.components[-1].mode)
    if status:
        yield status.st_uid
        if status.st_mode & 0o022 and (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise _shared(at.path, status.st_mode)
    if target:
        if not links:
            raise HostError("%s: leads through too many symbolic links" % path)
        yield from _makers(os.path.join(at.folder, target), links - 1)


def _shared(path: str, mode: int) -> HostError:
    return HostError(
        "other accounts may write to %s (mode %04o); run: chmod go-w %s" % (path, stat.S_IMODE(mode), path)
    )


def start_options(account: HostAccount, folder: str) -> Dict[str, Any]:
    """Arguments of Popen that give the account's rights and a clean environment."""
    groups = os.getgrouplist(account.name, account.gid) if os.geteuid() == 0 else []

    def become() -> None:
        if groups:
            os.setgroups(groups)
            os.setgid(account.gid)
            os.setuid(account.uid)
        os.umask(0o022)
        os.chdir(folder)  # with the account's rights, not root's

    environment = {"PATH": PATH, "HOME": account.home, "USER": account.name, "LOGNAME": account.name, "LANG": "C.UTF-8"}
    runtime = "/run/user/%d" % account.uid
    if os.path.isdir(runtime):
        environment["XDG_RUNTIME_DIR"] = runtime
    return {"env": environment, "preexec_fn": become}
