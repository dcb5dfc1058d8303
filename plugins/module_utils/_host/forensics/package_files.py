# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds files that are as the package manager installed them, so that an upgrade is not a finding.

Root can change the package manager's records too.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import math
import os
import stat
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._host import bounded_command

LARGEST = 64 << 20
"""Bytes of the largest file to digest."""
SECONDS = 5.0
SLACK = 600.0
"""Seconds after the record of an installation in which the package's scripts may change files."""
NO_DIGEST, UNHASHED = "", "none"
"""Digest of a file whose package has no digests, and of a file whose package has digests of other files."""
RPM_OWNERS = ("rpm", "-qf", "--qf", "%{INSTALLTIME} %{NVRA}\\n")
RPM = ("rpm", "-q", "--qf", "%{INSTALLTIME}\\n[%{FILEDIGESTS} %{FILENAMES}\\n]")
_MD5 = 32
"""Characters of an MD5 digest."""
UNANSWERED = "rpm did not answer completely within %.0f s" % SECONDS
UNCOMPARED = "files of packages were not compared with their digests: this host forbids MD5"
MERGED = ("/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/")

Record = Tuple[str, str, float]
"""Digest and path of a package's file, and when the package was installed; infinity if unknown."""


def unchanged(
    paths: Iterable[str], short: List[str], root: str = "/", *, by_name: bool = False, since: float = 0
) -> Set[str]:
    results = compared(paths, short, root, by_name=by_name, since=since)
    return {path for path, is_same in results.items() if is_same}


def compared(
    paths: Iterable[str], short: List[str], root: str = "/", *, by_name: bool = False, since: float = 0
) -> Dict[str, bool]:
    """Paths of packages, and whether their content is as in the package, or cannot be compared. ``short`` says that,
    and whether rpm did not answer: its files may be missing then.

    ``by_name`` adds files of packages without digests, as in some images. ``since`` requires a later installation, and
    a file that changed no later than its package. ``root`` is the directory of the host.
    """
    result, has_md5 = {}, _md5() is not None
    for path, known in _recorded(paths, root, since, short).items():
        is_compared = has_md5 or not any(len(digest) == _MD5 for digest in known)
        is_accepted = (by_name and known == {NO_DIGEST}) or not is_compared
        result[path] = is_accepted or bool(_digests(os.path.join(root, path[1:])) & known)
        if not is_compared and UNCOMPARED not in short:
            short.append(UNCOMPARED)
    return result


def owned(paths: Iterable[str], root: str = "/") -> Set[str]:
    """Paths that a package has, with any content."""
    return set(_recorded(paths, root, 0, []))


def _recorded(paths: Iterable[str], root: str, since: float, short: List[str]) -> Dict[str, Set[str]]:
    """Digests that packages have of the paths."""
    wanted: Dict[str, Set[str]] = {}
    for path in paths:
        for alias in _aliases(path):
            wanted.setdefault(alias, set()).add(path)
    digests: Dict[str, Set[str]] = {}
    if wanted:
        records = (*_of_dpkg(root, since), *_of_rpm(root, sorted(set().union(*wanted.values())), since, short))
        for digest, name, at in records:
            for path in (path for path in wanted.get(name, ()) if not since or _changed(root, path) <= at + SLACK):
                digests.setdefault(path, set()).add(digest)
    return digests


def _aliases(path: str) -> Tuple[str, ...]:
    """Possible names of a path: a package may omit /usr, to which / has links."""
    short = path[len("/usr") :] if path.startswith("/usr/") else path
    return (short, "/usr" + short) if short.startswith(MERGED) else (path,)


def _md5() -> Optional[Any]:
    """None if the host forbids MD5, as FIPS does."""
    choices: Tuple[Dict[str, Any], ...] = ({"usedforsecurity": False}, {})  # Python 3.8 knows no such option
    for options in choices:
        with contextlib.suppress(TypeError, ValueError):
            return hashlib.md5(**options)  # noqa: S324 - the package manager's choice
    return None


def _changed(root: str, path: str) -> float:
    """Kernel's time of the last write or change of mode."""
    try:
        return os.lstat(os.path.join(root, path[1:])).st_ctime
    except OSError:
        return math.inf


def _of_dpkg(root: str, since: float) -> Iterator[Record]:
    for file in glob.glob(os.path.join(root, "var/lib/dpkg/info/*.list")):
        at = _changed("/", file)  # dpkg writes it after the package's files
        if since and not since <= at < math.inf:
            continue
        lines = _lines(file[: -len("list")] + "md5sums")
        for line in lines:
            yield line[:_MD5], "/" + line[_MD5 + 2 :], at
        for line in () if lines else _lines(file):
            yield NO_DIGEST, line, at
    # Configuration files are in dpkg's status, or in ucf's list.
    for line in _lines(os.path.join(root, "var/lib/dpkg/status")):
        if line.startswith(" /"):
            name, digest = [*line.split(), UNHASHED][:2]
            yield digest, name, math.inf
    for line in _lines(os.path.join(root, "var/lib/ucf/hashfile")):
        yield line[:_MD5], line[_MD5 + 2 :], math.inf


def _lines(path: str) -> List[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(LARGEST).splitlines()
    except OSError:
        return []


def _of_rpm(root: str, paths: List[str], since: float, short: List[str]) -> Iterator[Record]:
    if not any(os.path.isdir(os.path.join(root, folder)) for folder in ("var/lib/rpm", "usr/lib/sysimage/rpm")):
        return
    with contextlib.suppress(OSError):
        # One query for each package: the answer has all of its files.
        answers = [line.partition(" ") for line in _rpm([*RPM_OWNERS, *paths], short)]
        owners = sorted({owner for at, _blank, owner in answers if at.isdecimal() and int(at) >= since})
        package: List[Tuple[str, str]] = []
        at = 0.0
        for line in (*(_rpm([*RPM, *owners], short) if owners else ()), "0"):
            digest, blank, name = line.partition(" ")
            if blank:
                package.append((digest, name))
            elif digest.isdecimal():  # a package begins
                unhashed = UNHASHED if any(digest for digest, _name in package) else NO_DIGEST
                yield from ((digest or unhashed, name, at) for digest, name in package)
                package, at = [], float(line)


def _rpm(command: List[str], short: List[str]) -> List[str]:
    """Output lines. Another program may lock rpm's database beyond the time limit."""
    answer = bounded_command.output(command, seconds=SECONDS, largest=LARGEST)
    if (answer.code is None or answer.is_cut) and UNANSWERED not in short:
        short.append(UNANSWERED)
    return answer.content.decode("utf-8", "replace").splitlines()


def _digests(path: str) -> Set[str]:
    """Digests of a regular file, in the forms that packages use."""
    digests = [each for each in (_md5(), hashlib.sha256()) if each]
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return set()
            for block in iter(lambda: stream.read(1 << 20), b""):
                for each in digests:
                    each.update(block)
    except OSError:
        return set()
    return {each.hexdigest() for each in digests}
