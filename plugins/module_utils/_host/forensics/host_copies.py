# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds copies of the present values on a host: below the ``.env``, in usual places, and in processes.

Returns names of settings and files, and no value.
"""

from __future__ import annotations

import fnmatch
import functools
import glob
import os
import pwd
import re
import stat
from typing import Callable, Collection, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes, safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import value_search
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.unread_paths import UnreadPaths
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_matcher import OutOfTime
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_search import ValueSearch

PLACEHOLDERS = (".example", ".sample", ".template", ".dist", ".schema", ".vault", ".test")
"""Ends of names without values of this environment."""
CODE = (".py", ".pyc", ".js", ".ts", ".rb", ".php", ".go", ".md", ".rst", ".html", ".j2", ".tmpl", ".tpl")
"""Ends of names of code and documents, which may assign a secret's name."""
LEFT_OUT = frozenset((".git", "node_modules", "site-packages", "dist-packages", "__pycache__"))
"""Directories with other people's code, or covered by the scan of a repository."""
MOST = 20000
"""Files below the file's directory, similar names first."""
MOST_ELSEWHERE = 500
"""Files of each place elsewhere, the newest first."""
LAST = 256 << 10
"""Bytes at the end of an unpacked file elsewhere."""
ELSEWHERE = (
    *("/etc/systemd/*", "/etc/systemd/system/*", "/etc/systemd/system/*/*", "/run/systemd/system/*"),
    *("/run/systemd/system/*/*", "/run/systemd/transient/*"),
    *("/etc/default/*", "/etc/sysconfig/*", "/etc/environment", "/etc/environment.d/*"),
    *("/etc/crontab", "/etc/profile", "/etc/*/*.conf", "/etc/*/*/*.conf", "/var/lib/cloud/instances/*/user-data.txt*"),
    *("/etc/profile.d/*", "/etc/cron*/*", "/var/spool/cron/*", "/var/spool/cron/*/*", "/var/backups/*"),
    *("/tmp/*", "/tmp/*/*", "/var/tmp/*", "/var/tmp/*/*", "/dev/shm/*"),  # noqa: S108 - nothing is made there
    *("/opt/*", "/opt/*/*", "/srv/*", "/srv/*/*", "/usr/local/*/*", "/var/www/*", "/var/www/*/*", "/var/lib/*/.env*"),
    *("/opt/*/*/*.y*ml", "/srv/*/*/*.y*ml", "/opt/*/*/.env*", "/srv/*/*/.env*", "/etc/php/*/*/pool.d/*"),
    *("/etc/*/conf.d/*", "/etc/*/*.txt", "/etc/*/envvars", "/etc/credstore*/*"),
    *("/etc/*.conf", "/etc/*.env", "/etc/*.ini", "/etc/*/*env", "/etc/*/*/*.ini", "/etc/rc.local", "/etc/init.d/*"),
    *("/etc/nginx/*/*", "/etc/apache2/*/*", "/etc/sudoers.d/*", "/var/mail/*", "/var/spool/mail/*", "/run/*.env"),
    *("/var/log/*", "/var/log/*/*"),
)
IN_HOMES = (
    *(".*_history", ".lesshst", ".viminfo", ".local/share/*/*history*", ".env*", "*.env", "*.sql", "*.dump"),
    *(".config/*/*history*", ".ssh/environment", ".docker/config.json", ".kube/config"),
    *(".pgpass", ".netrc", ".my.cnf", ".bashrc", ".profile", ".bash_profile", ".zsh*", ".aws/*", ".pam_environment"),
    *("*.txt", "*.tar*", "*.tgz", "*.zip", "*.gz", "*.json", "*.y*ml", "*.sh", "*.bak", ".npmrc", ".pypirc", ".s3cfg"),
    *("*/.env*", ".config/environment.d/*", ".config/systemd/user/*", ".config/systemd/user/*/*"),
    *(".config/rclone/*", ".local/state/*history*", ".local/state/*/history", ".gitconfig", ".vim/undo/*"),
    *("*.out", "*.log", "screenlog*", "typescript", "*/*.y*ml", ".emacs.d/*/*", ".ipython/*/history.sqlite"),
)


NO_HOMES = ("//", "/bin/", "/sbin/", "/usr/", "/dev/", "/proc/", "/nonexistent/")
"""Homes of system accounts, which hold no personal files."""

_CONTAINER = re.compile(r"docker|containerd|libpod|kubepods|crio|lxc|machine\.slice")


LATE = "units, histories, temporary files and logs: the time limit was reached"
SILENT = "process %d: the kernel did not show its arguments and environment; run: ps -o pid,stat,wchan -p %d"
Shown = Dict[str, str]
File = Tuple[bool, int, str, str]
"""False for a name similar to ``.env``; then size, folder and name."""


class Found(NamedTuple):
    """Copies, and paths that were not searched."""

    copies: List[Dict[str, str]]
    unread: List[str]
    closed: Sequence[str] = ()
    """Paths that only root could search; empty for root."""


def plain(text: str) -> str:
    """A foreign name with ``?`` for unprintable characters."""
    return "".join(name if name.isprintable() else "?" for name in text)


def below(env: atomic_file.EnvFile, values: ValueSearch, names: Sequence[str]) -> Found:
    """Copies below the file's directory. ``names``: settings that a copy of an earlier file would assign."""
    findings = Found([], [])
    try:
        files = _files(env, findings.unread)
    except (OSError, HostError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Found([], ["%s cannot be listed: %s" % (env.file.folder, reason)])
    if len(files) > MOST:
        findings.unread.append("%d files in %s were not searched" % (len(files) - MOST, env.file.folder))
    with safe_files.LastFolder(lambda folder: safe_files.below(env.file, folder)) as folders:
        for number, (folder, name) in enumerate(_by_folder(files[:MOST])):
            try:
                findings.copies.extend(_copy(folders.at(folder, name), env, values, names))
            except OutOfTime:
                rest = len(files[:MOST]) - number - 1
                others = " and %d more files" % rest if rest else ""
                findings.unread.append("%s%s: the time limit was reached" % (_path(env, folder, name), others))
                break
            except value_search.UnsearchedFile as error:
                findings.unread.append("%s: was not searched completely: it %s" % (_path(env, folder, name), error))
            except FileNotFoundError:
                continue
            except (HostError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                findings.unread.append("%s cannot be read: %s" % (_path(env, folder, name), plain(str(reason))))
    return findings


def _path(env: atomic_file.EnvFile, folder: str, name: str) -> str:
    return plain(os.path.normpath(os.path.join(env.file.folder, folder, name)))


def _by_folder(files: Sequence[File]) -> List[Tuple[str, str]]:
    """Folder and name, large files last. Other files of a folder follow each other, so that it is opened once."""
    order = sorted((other, size // value_search.CHUNK, folder, name) for other, size, folder, name in files)
    return [(folder, name) for _other, _size, folder, name in order]


def _files(env: atomic_file.EnvFile, unread: List[str]) -> List[File]:
    """Files with similar names first, then the smallest."""
    result = []
    base, device = env.file.name, os.fstat(env.file.directory).st_dev
    handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=env.file.directory)
    try:
        for root, folders, names, opened in os.fwalk(".", dir_fd=handle, onerror=lambda e: unread.append(_denied(e))):
            folders[:] = [name for name in folders if name not in LEFT_OUT and not _is_mount(opened, name, device)]
            own = env.own_names if root == "." else frozenset()
            for name in names:
                is_own = name in own or _path(env, root, name) in env.others
                size = None if is_own else _size(opened, name)
                if size is not None:
                    result.append((not is_called_alike(name, base), size, root, name))
            if len(result) > 2 * MOST:
                break
    finally:
        os.close(handle)
    return sorted(result)


def _denied(error: OSError) -> str:
    return "%s cannot be listed: %s" % (plain(str(error.filename)), error.strerror)


def _is_mount(directory: int, name: str, device: int) -> bool:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False).st_dev != device
    except OSError:
        return True


def _size(directory: int, name: str) -> Optional[int]:
    """None unless it is a regular file."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return 0  # opening the file reports the reason
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _copy(
    at: safe_files.OpenPath, env: atomic_file.EnvFile, values: ValueSearch, names: Sequence[str]
) -> Iterator[Dict[str, str]]:
    names_inside, mode = value_search.in_file(at, values)
    alike = is_called_alike(at.name, env.file.name) and not at.name.endswith(PLACEHOLDERS)
    # Ignores another application's .env below this one, unless it assigns a secret of this one.
    if alike and not names_inside and at.folder != env.file.folder:
        alike = _assigns(at, names)
    if not alike and not names_inside and "env" in at.name.lower():
        alike = not at.name.endswith((*CODE, *PLACEHOLDERS)) and _assigns(at, names)
    if names_inside:
        why = "holds %s" % ", ".join(names_inside[:3]) + (
            " and %d more" % (len(names_inside) - 3) if names_inside[3:] else ""
        )
    elif alike:
        why = "looks like a copy"
    else:
        return
    yield {"path": plain(at.path), "mode": "%04o" % mode, "why": why}


def _assigns(at: safe_files.OpenPath, names: Sequence[str]) -> bool:
    with os.fdopen(safe_files.opened(at), "rb") as stream:
        text = stream.read(value_search.CHUNK).decode("utf-8", "replace")
    return any(re.search(r"^\s*(?:export\s+)?%s\s*=\s*\S" % re.escape(name), text, re.MULTILINE) for name in names)


def is_called_alike(name: str, base: str) -> bool:
    """True for ``.env.bak``, ``.env~``, ``..env.swp``, ``#.env#``, ``env.old``; not for ``.envrc`` or ``env.py``."""
    if base.lstrip(".") not in name:
        return False
    bare = re.escape(base.lstrip("."))
    hidden = r"[#~_.]*\.%s(?![A-Za-z0-9])" % bare
    plain_name = r"%s(~|[._-](bak|backup|old|orig|save|copy|tmp|swp|[0-9]+)\b)" % bare
    return bool(re.match(hidden, name) or re.match(plain_name, name))


def elsewhere(env: atomic_file.EnvFile, values: ValueSearch, places: Sequence[str]) -> Found:
    """Copies in units, histories, temporary files, backups and logs: at the end of each, the newest first.

    Packed files are searched whole and last, because they take the most time.
    """
    copies: List[Dict[str, str]] = []
    late, unread, packed = [LATE], UnreadPaths(), []
    seen: Set[str] = set()
    own = os.path.realpath(env.file.folder) + os.sep
    real = functools.lru_cache(maxsize=None)(os.path.realpath)
    try:
        with safe_files.LastFolder(lambda folder: safe_files.place(os.path.join(folder, "any"))) as folders:
            for path in _usual(places, unread):
                if path in seen or path in env.others or (real(os.path.dirname(path)) + os.sep).startswith(own):
                    continue
                seen.add(path)
                try:
                    copies.extend(_one(folders, path, values, unread, LAST))
                except value_search.PackedFile:
                    packed.append(path)
            late.clear()
            while packed:
                copies.extend(_one(folders, packed[0], values, unread))
                del packed[0]
    except OutOfTime:
        for path in packed:
            unread.add(path, "was not searched completely: the time limit was reached")
    return Found(copies, [*late, *unread.messages()], unread.closed)


def _one(
    folders: safe_files.LastFolder, path: str, values: ValueSearch, unread: UnreadPaths, last: int = 0
) -> Iterator[Dict[str, str]]:
    try:
        names_inside, mode = value_search.in_file(folders.at(*os.path.split(path)), values, last=last)
    except safe_files.NotReadable:
        unread.add_closed(path)
        return
    except HostError:  # removed meanwhile, or replaced by a link
        return
    except OSError as error:
        unread.add_error(path, error)
        return
    except value_search.UnsearchedFile as error:
        unread.add(path, "was not searched completely: it %s" % error)
        return
    if names_inside:
        yield {"path": plain(path), "mode": "%04o" % mode, "why": "holds %s" % ", ".join(names_inside[:3])}


def _usual(places: Sequence[str], unread: UnreadPaths) -> Iterator[str]:
    folders = {entry.pw_dir for entry in pwd.getpwall() if not (entry.pw_dir + "/").startswith(NO_HOMES)} - {"/"}
    homes = sorted(folder for folder in folders if not _is_gone(folder))
    names_in: Dict[str, List[str]] = {}
    for pattern in (*places, *(os.path.join(glob.escape(home), name) for home in homes for name in IN_HOMES)):
        names_in.setdefault(os.path.dirname(pattern), []).append(os.path.basename(pattern))
    for folder, names in names_in.items():
        matching = _matching(*names)
        paths = sorted(path[:-1] for path in glob.glob(folder + "/")) if glob.has_magic(folder) else [folder]
        entries = [entry for path in paths for entry in _plain_files(unread, path) if matching(entry.name)]
        if len(entries) > MOST_ELSEWHERE:
            places_of = ([entry for entry in entries if fnmatch.fnmatchcase(entry.name, name)] for name in names)
            entries = [entry for place in places_of for entry in sorted(place, key=_age)[:MOST_ELSEWHERE]]
        yield from sorted(entry.path for entry in entries)


def _is_gone(home: str) -> bool:
    try:
        os.stat(home)
    except OSError as error:
        return isinstance(error, (FileNotFoundError, NotADirectoryError))
    return False


@functools.lru_cache(maxsize=None)
def _matching(*names: str) -> Callable[[str], object]:
    """Each home has the same names."""
    return re.compile("|".join(map(fnmatch.translate, names))).match


def _plain_files(unread: UnreadPaths, folder: str) -> List[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.is_file(follow_symlinks=False)]
    except OSError as error:
        unread.add_error(folder, error)
        return []


def _age(entry: os.DirEntry[str]) -> float:
    try:
        return -entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0


def in_processes(
    values: ValueSearch, own: Sequence[int], accounts: Collection[str]
) -> Tuple[List[Shown], List[str], List[str]]:
    """Values in arguments of all processes, which every account reads, and in environments of other accounts'
    processes.

    ``own``: the application's processes. Processes of ``accounts``, which may read the file, and containers may hold
    its values. Also returns processes that did not answer, and those that only root could search.
    """
    closed = UnreadPaths()
    others = [pid for pid in processes.pids() if pid not in (os.getpid(), os.getppid())]
    try:
        rows_of, silent = processes.each(
            others, lambda pid: list(_shown(pid, values, pid not in own, accounts, closed))
        )
    except OutOfTime:
        return [], ["processes: the time limit was reached"], []
    if processes.are_hidden():
        closed.add_closed("processes of other accounts (hidepid)")
    unread = [*(SILENT % (pid, pid) for pid in silent), *closed.messages()]
    return [row for rows in rows_of.values() for row in rows], unread, closed.closed


def _shown(
    pid: int, values: ValueSearch, is_other: bool, accounts: Collection[str], closed: UnreadPaths
) -> Iterator[Shown]:
    named = values.named(processes.words(pid))
    if named:
        yield _row(pid, named, "arguments")
    if is_other and processes.account(pid) not in accounts and not _CONTAINER.search(processes.control_groups(pid)):
        if processes.hides_environment(pid):
            closed.add_closed("environment of process %s" % _described(pid))
        texts = "\0".join(processes.environment(pid, value_search.CHUNK).values())
        named = values.named(texts.encode("utf-8", "surrogateescape"))
        if named:
            yield _row(pid, named, "environment")


def _row(pid: int, named: Sequence[str], where: str) -> Shown:
    why = "has %s in its %s" % (", ".join(named[:3]), where)
    return {"process": _described(pid), "setting": named[0], "why": why}


def _described(pid: int) -> str:
    return plain("%d (%s)" % (pid, os.path.basename(processes.title(pid))[:40] or "unnamed"))
