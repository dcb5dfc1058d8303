# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies of the present values on a host: below the ``.env``, in the places where they usually are, and in processes.

Standard library only; Python 3.8. Names of settings and of files leave here, and no value.
"""

from __future__ import annotations

import glob
import os
import pwd
import re
from typing import Collection, Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes, safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import value_search
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_search import ValueSearch

PLACEHOLDERS = (".example", ".sample", ".template", ".dist", ".schema", ".vault", ".test")
"""Ends of names that hold no values of this environment."""
LEFT_OUT = frozenset((".git", "node_modules", "site-packages", "dist-packages", "__pycache__"))
"""Directories below the file that hold other people's code, or what the scan of a repository looks into."""
MOST = 20000
"""Files below the file's directory, those that are called like it first."""
MOST_ELSEWHERE = 50
"""Files of one place elsewhere, the newest first."""
LAST = 256 << 10
"""Bytes at the end of a file elsewhere."""
ELSEWHERE = (
    *("/etc/systemd/*", "/etc/systemd/system/*", "/etc/systemd/system/*/*", "/run/systemd/system/*"),
    *("/run/systemd/system/*/*", "/run/systemd/transient/*"),
    *("/etc/default/*", "/etc/sysconfig/*", "/etc/environment", "/etc/environment.d/*"),
    *("/etc/profile.d/*", "/etc/cron*/*", "/var/spool/cron/*", "/var/spool/cron/*/*", "/var/backups/*"),
    *("/tmp/*", "/tmp/*/*", "/var/tmp/*", "/var/tmp/*/*", "/dev/shm/*"),  # noqa: S108 - nothing is made there
    *("/opt/*", "/opt/*/*", "/srv/*", "/srv/*/*", "/usr/local/*/*"),
    *("/var/log/*", "/var/log/*/*"),
)
IN_HOMES = (
    *(".*_history", ".lesshst", ".viminfo", ".local/share/*/*history*", ".env*", "*.env", "*.sql", "*.dump"),
    *(".pgpass", ".netrc", ".my.cnf", ".bashrc", ".profile", ".bash_profile", ".zshrc", ".aws/credentials"),
)


_CONTAINER = re.compile(r"docker|containerd|libpod|kubepods|crio|lxc|machine\.slice")


class Found(NamedTuple):
    """Copies, and what was not looked into."""

    copies: List[Dict[str, str]]
    unread: List[str]


def plain(text: str) -> str:
    """A name that somebody else chose."""
    return "".join(name if name.isprintable() else "?" for name in text)


def below(env: atomic_file.EnvFile, values: ValueSearch, names: Sequence[str]) -> Found:
    """Below the file's directory. ``names`` are the settings that a copy of an earlier file would assign."""
    found = Found([], [])
    try:
        files = _files(env, found.unread)
    except (OSError, HostError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Found([], ["%s cannot be listed: %s" % (env.file.folder, reason)])
    if len(files) > MOST:
        found.unread.append("%d files in %s were not searched" % (len(files) - MOST, env.file.folder))
    for number, (_size, folder, name) in enumerate(files[:MOST]):
        try:
            found.copies.extend(_copy(env, folder, name, values, names))
        except value_search.OutOfTime:
            rest = len(files[:MOST]) - number
            found.unread.append("%d files in %s were not searched: no time was left" % (rest, env.file.folder))
            break
        except value_search.FileTooLarge:
            found.unread.append("%s is too large to be searched" % plain(os.path.join(folder, name)))
        except (FileNotFoundError, safe_files.NoDirectory):
            continue
        except (HostError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            found.unread.append("%s cannot be read: %s" % (plain(os.path.join(folder, name)), plain(str(reason))))
    return found


def _files(env: atomic_file.EnvFile, unread: List[str]) -> List[Tuple[int, str, str]]:
    """Size, folder and name of each file, those that are called alike first and then the smallest."""
    result = []
    device = os.fstat(env.file.directory).st_dev
    handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=env.file.directory)
    try:
        for root, folders, names, here in os.fwalk(".", dir_fd=handle, onerror=lambda e: unread.append(_denied(e))):
            folder = os.path.normpath(os.path.join(env.file.folder, root))
            folders[:] = [name for name in folders if name not in LEFT_OUT and not _is_mount(here, name, device)]
            own = env.own_names if root == "." else frozenset()
            for name in names:
                if name not in own:
                    result.append((_size(here, name), folder, name))
            if len(result) > 2 * MOST:
                break
    finally:
        os.close(handle)
    base = env.file.name
    return sorted(result, key=lambda item: (not is_called_alike(item[2], base), item))


def _denied(error: OSError) -> str:
    return "%s cannot be listed: %s" % (plain(str(error.filename)), error.strerror)


def _is_mount(here: int, name: str, device: int) -> bool:
    try:
        return os.stat(name, dir_fd=here, follow_symlinks=False).st_dev != device
    except OSError:
        return True


def _size(here: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=here, follow_symlinks=False).st_size
    except OSError:
        return 0


def _copy(
    env: atomic_file.EnvFile, folder: str, name: str, values: ValueSearch, names: Sequence[str]
) -> Iterator[Dict[str, str]]:
    with safe_files.place(os.path.join(folder, name)) as at:
        held, mode = value_search.in_file(at, values)
        if mode is None:
            return
        alike = is_called_alike(name, env.file.name) and not name.endswith(PLACEHOLDERS)
        # Another application's .env below this one is its own matter, unless it assigns what is secret here.
        if alike and not held and folder != env.file.folder:
            alike = _assigns(at, names)
    if held:
        why = "holds %s" % ", ".join(held[:3]) + (" and %d more" % (len(held) - 3) if held[3:] else "")
    elif alike:
        why = "looks like a copy"
    else:
        return
    yield {"path": plain(os.path.join(folder, name)), "mode": "%04o" % mode, "why": why}


def _assigns(at: safe_files.OpenPath, names: Sequence[str]) -> bool:
    with os.fdopen(safe_files.opened(at), "rb") as stream:
        text = stream.read(value_search.CHUNK).decode("utf-8", "replace")
    return any(re.search(r"^\s*(?:export\s+)?%s\s*=\s*\S" % re.escape(name), text, re.MULTILINE) for name in names)


def is_called_alike(name: str, base: str) -> bool:
    """``.env.bak``, ``.env~``, ``..env.swp``, ``#.env#``, ``env.old``; neither ``.envrc`` nor ``env.py``."""
    bare = re.escape(base.lstrip("."))
    hidden = r"[#~_.]*\.%s(?![A-Za-z0-9])" % bare
    plain_name = r"%s(~|[._-](bak|backup|old|orig|save|copy|tmp|swp|[0-9]+)\b)" % bare
    return bool(re.match(hidden, name) or re.match(plain_name, name))


def elsewhere(env: atomic_file.EnvFile, values: ValueSearch, places: Sequence[str]) -> Found:
    """In units, histories, temporary files, backups and logs: the end of each, the newest first."""
    found = Found([], [])
    seen: Set[str] = set()
    own = os.path.normpath(env.file.folder) + os.sep
    try:
        for path in _usual(places):
            if path in seen or path.startswith(own):
                continue
            seen.add(path)
            found.copies.extend(_one(path, values))
    except value_search.OutOfTime:
        found.unread.append("units, histories, temporary files and logs: the time limit was reached")
    return found


def _one(path: str, values: ValueSearch) -> Iterator[Dict[str, str]]:
    try:
        with safe_files.place(path) as at:
            held, mode = value_search.in_file(at, values, last=LAST)
    except (HostError, OSError, value_search.FileTooLarge):
        return
    if held and mode is not None:
        yield {"path": plain(path), "mode": "%04o" % mode, "why": "holds %s" % ", ".join(held[:3])}


def _usual(places: Sequence[str]) -> Iterator[str]:
    homes = sorted({entry.pw_dir for entry in pwd.getpwall() if entry.pw_dir.count("/") > 0} - {"/", "/nonexistent"})
    for pattern in (*places, *(os.path.join(glob.escape(home), name) for home in homes for name in IN_HOMES)):
        paths = [path for path in glob.glob(pattern) if not os.path.islink(path) and os.path.isfile(path)]
        yield from sorted(paths, key=_age)[:MOST_ELSEWHERE]


def _age(path: str) -> float:
    try:
        return -os.lstat(path).st_mtime
    except OSError:
        return 0.0


def in_processes(values: ValueSearch, own: Sequence[int], accounts: Collection[str]) -> List[Dict[str, str]]:
    """Arguments of every process, which every account reads, and the environments of other accounts' processes.

    ``own`` are the application's processes. ``accounts`` may read the file, so their processes may hold what is in it,
    and so may a container's. What this account may not look at is left out.
    """
    result = []
    for pid in processes.pids():
        if pid in (os.getpid(), os.getppid()):
            continue
        named = values.named(processes.words(pid))
        if named:
            result.append({"process": _described(pid), "why": "has %s in its arguments" % ", ".join(named[:3])})
        if pid in own or processes.account(pid) in accounts or _CONTAINER.search(processes.control_groups(pid)):
            continue
        texts = "\0".join(processes.environment(pid, value_search.CHUNK).values())
        named = values.named(texts.encode("utf-8", "surrogateescape"))
        if named:
            result.append({"process": _described(pid), "why": "has %s in its environment" % ", ".join(named[:3])})
    return result


def _described(pid: int) -> str:
    return plain("%d (%s)" % (pid, os.path.basename(processes.title(pid))[:40] or "unnamed"))
