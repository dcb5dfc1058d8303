# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts that may read or write a file, from its owner, mode and access list."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import struct
from typing import Any, Dict, Iterator, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file

ACL = "system.posix_acl_access"
_USER, _GROUP_OBJECT, _GROUP, _MASK = 0x02, 0x04, 0x08, 0x10
_READ, _WRITE = 4, 2


def described(at: atomic_file.OpenPath) -> Dict[str, Any]:
    status = os.lstat(at.name, dir_fd=at.directory)
    mode = stat.S_IMODE(status.st_mode)
    entries = list(_entries(at))
    if entries:
        # With an access list, the mode shows its mask instead of the group's rights.
        mask = next((may for tag, may, _id in entries if tag == _MASK), 7)
        rights = next((may for tag, may, _id in entries if tag == _GROUP_OBJECT), 0)
        mode = (mode & ~0o070) | ((rights & mask) << 3)
    return {"path": at.path, "mode": "%04o" % mode, "owner": user_name(status.st_uid), "uid": status.st_uid}


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def attribute(at: atomic_file.OpenPath, name: str) -> bytes:
    """Raises OSError if the file has no such attribute, HostError if it cannot be opened."""
    handle = safe_files.opened(at)
    try:
        return os.getxattr(handle, name)
    finally:
        os.close(handle)


def _entries(at: atomic_file.OpenPath) -> Iterator[Tuple[int, int, int]]:
    """Tag, rights and id of each entry of the file's access list."""
    try:
        raw = attribute(at, ACL)
    except (HostError, OSError, AttributeError):
        return
    for start in range(4, len(raw) - 7, 8):
        yield struct.unpack_from("<HHI", raw, start)


def widened(at: atomic_file.OpenPath) -> Iterator[Dict[str, str]]:
    entries = list(_entries(at))
    mask = next((may for tag, may, _id in entries if tag == _MASK), 7)
    for tag, may, number in entries:
        effective = may & mask
        if tag in (_USER, _GROUP) and effective & (_READ | _WRITE):
            rights = " and ".join(word for bit, word in ((_READ, "read it"), (_WRITE, "write it")) if effective & bit)
            who = "user %s" % user_name(number) if tag == _USER else "group %s" % group_name(number)
            yield {"path": at.path, "who": who, "may": rights}


def group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
