# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets a process import only files that no other account may change.

The interpreter starts with ``-S``, so no package was imported and no ``.pth`` file ran.
"""

from __future__ import annotations

import os
import site
import stat
import sys
from importlib.machinery import ExtensionFileLoader, PathFinder
from typing import Any, List, Set

SYSTEM = ("/usr/lib/", "/usr/lib64/")
UNTRUSTED = "untrusted interpreter: "
"""Start of the line on standard error that names a file which another account may change. The shell check writes it
too.
"""
_LINKS = 40


class Untrusted(SystemExit):
    """Raised if another account may change a file to import.

    It ends the program: an ImportError would look like a missing driver.
    """


def own_accounts() -> Set[int]:
    """Accounts whose files this process may import: root, itself, and the account that used sudo. Root trusts root."""
    own = os.geteuid()
    by = os.environ.get("SUDO_UID", "")
    return {0} if own == 0 else {0, own, int(by) if by.isdigit() else own}


def check(path: str, owners: Set[int], seen: Set[str]) -> None:
    """Checks every component of a path and of its links. Raises Untrusted."""
    _walk(os.path.abspath(path), owners, seen, 0)


def _walk(path: str, owners: Set[int], seen: Set[str], links: int) -> None:
    if links > _LINKS:
        raise Untrusted("%s%s has too many links" % (UNTRUSTED, path))
    current = "/"
    parts = [part for part in path.split("/") if part]
    for at, part in enumerate(parts):
        current = os.path.join(current, part)
        if os.path.islink(current):
            _owned(current, owners, seen)
            target = os.path.join(os.path.dirname(current), os.readlink(current), *parts[at + 1 :])
            return _walk(os.path.normpath(target), owners, seen, links + 1)
        _owned(current, owners, seen)
    return None


def _owned(path: str, owners: Set[int], seen: Set[str]) -> None:
    if path in seen:
        return
    status = os.lstat(path)
    mode = status.st_mode
    shared = not stat.S_ISLNK(mode) and mode & 0o022 and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX)
    if status.st_uid not in owners or (shared and (mode & 0o002 or not _own_group(status.st_gid))):
        raise Untrusted("%s%s" % (UNTRUSTED, path))
    seen.add(path)


def _own_group(gid: int) -> bool:
    """Whether a group is the account's own, by the convention that it has the account's name.

    Root's is not: other accounts become its members.
    """
    import grp
    import pwd

    if os.geteuid() == 0:
        return False
    try:
        return gid == os.getegid() and grp.getgrgid(gid).gr_name == pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False


class TrustedFinder:
    """Replaces PathFinder, and checks each file before its execution."""

    # Needed for metadata of packages, such as a driver's version.
    find_distributions = staticmethod(PathFinder.find_distributions)
    invalidate_caches = staticmethod(PathFinder.invalidate_caches)

    def __init__(self, owners: Set[int]) -> None:
        self._owners = owners
        self._seen: Set[str] = set()

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or not spec.has_location or not spec.origin:
            return spec
        self.check(spec.origin)
        if spec.cached and os.path.exists(spec.cached):
            self.check(spec.cached)
        if isinstance(spec.loader, ExtensionFileLoader):
            self._libraries(spec.origin)
        return spec

    def check(self, path: str) -> None:
        if not path.startswith(SYSTEM):
            check(path, self._owners, self._seen)

    def _libraries(self, origin: str) -> None:
        """Checks the libraries that a wheel has for its extensions, in a folder next to its packages."""
        for entry in sys.path:
            if not origin.startswith(entry + "/"):
                continue
            for folder in sorted(os.listdir(entry)):
                if folder.endswith(".libs"):
                    for file in sorted(os.listdir(os.path.join(entry, folder))):
                        self.check(os.path.join(entry, folder, file))


def enable(*, checked: bool) -> None:
    """Adds the interpreter's packages to the path; if ``checked``, only trusted files. Raises Untrusted."""
    if not checked:
        site.main()
        return
    finder = TrustedFinder(own_accounts())
    at = sys.meta_path.index(PathFinder)
    sys.meta_path[at] = finder
    for directory in _packages():
        finder.check(directory)
        for name in sorted(os.listdir(directory)):
            if name.endswith(".pth"):
                finder.check(os.path.join(directory, name))
    site.main()
    for entry in sys.path:
        if os.path.exists(entry):
            finder.check(entry)


def _packages() -> List[str]:
    """Directories where ``site`` will look for packages."""
    root = os.path.dirname(os.path.dirname(sys.executable))
    config = os.path.join(root, "pyvenv.cfg")
    if not os.path.exists(config):
        return [folder for folder in site.getsitepackages() if os.path.isdir(folder)]
    with open(config, encoding="utf-8") as lines:
        shares = any(line.split() == ["include-system-site-packages", "=", "true"] for line in lines)
    # Debian's getsitepackages knows no virtual environment before site has run.
    version = "python%d.%d" % sys.version_info[:2]
    own = [os.path.join(root, lib, version, "site-packages") for lib in ("lib", "lib64")]
    return [folder for folder in (*own, *(site.getsitepackages() if shares else ())) if os.path.isdir(folder)]
