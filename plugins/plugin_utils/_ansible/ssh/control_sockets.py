# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds control sockets of SSH that another account of the controller may replace.

ssh sends its standard input, with every value, to any process that listens there, and checks no owner.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
from typing import Any

ARGUMENTS = ("ssh_args", "ssh_common_args", "ssh_extra_args")
_NAMED = re.compile(r"controlpath[= \t]+[\"']?([^\"'\s]+)", re.IGNORECASE)
_PERSISTS = re.compile(r"controlpersist", re.IGNORECASE)
_VARIABLE = re.compile(r"%(?!\()")


def problem(connection: Any) -> str | None:
    """The problem with sending values over this connection, with the remedy. None without a problem."""
    directory = _directory(connection)
    path = _writable_by_others(directory) if directory else None
    if path is None:
        return None
    return (
        f"other accounts may write to {path}, where SSH's control sockets are, and could receive the values "
        "that are sent to the host. Set ANSIBLE_SSH_CONTROL_PATH_DIR to a directory of your own, such as "
        "~/.ansible/cp"
    )


def _directory(connection: Any) -> str | None:
    """The directory of ssh's control socket, as Ansible starts ssh. None if ssh uses none."""
    if connection.transport != "ssh":
        return None
    arguments = " ".join(str(connection.get_option(name) or "") for name in ARGUMENTS)
    named = _NAMED.search(arguments)
    if named:
        path = named.group(1)
    elif _PERSISTS.search(arguments):
        folder = str(connection.get_option("control_path_dir"))
        path = str(connection.get_option("control_path") or "%(directory)s/name").replace("%(directory)s", folder)
    else:
        return None
    if path.lower() == "none":
        return None
    # ssh expands its variables below this directory.
    return os.path.dirname(os.path.realpath(os.path.expanduser(_VARIABLE.split(path)[0] + "name")))


def _writable_by_others(directory: str) -> str | None:
    """The first directory, from the inside out, that another account may change."""
    inside = True
    while True:
        try:
            status = os.stat(directory)
        except OSError:
            pass  # missing, so its parent must be ours alone
        else:
            writers = status.st_mode & (0o002 | (0 if _is_own_group(status.st_gid) else 0o020))
            if status.st_uid not in (0, os.geteuid()) or (writers and (inside or not status.st_mode & stat.S_ISVTX)):
                return directory
            inside = False
        if directory == os.path.dirname(directory):
            return None
        directory = os.path.dirname(directory)


def _is_own_group(number: int) -> bool:
    """Whether the group is this account's own, as many systems make one for each account."""
    try:
        user = pwd.getpwuid(os.geteuid())
        return user.pw_gid == number and grp.getgrgid(number).gr_name == user.pw_name
    except KeyError:
        return False
