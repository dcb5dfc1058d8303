# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A temporary bare repository that borrows the objects, references and index of a scanned one.

Every git that a scan starts works on such a view. The scanned repository's configuration, attributes and hooks name
commands (filters, drivers, monitors, helpers) that git would run. No git ever reads them.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import files as git_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import git_refs
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import printable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.files import content

SMALL = 64 * 1024
CONFIGURATION = 16 * 1024 * 1024
SUBMODULES = 1000
ALTERNATES = 64
"""Repositories whose objects are borrowed."""
LARGE_FILE = "64m"
"""The size from which git log does not compare a file line by line. gitleaks sees only that such a file exists."""
LISTED = 8
"""Bytes of memory that git needs for each byte of a pack's index, to list the objects."""
KNOWN = 4 * 1024 * 1024 * 1024
_SHA256 = re.compile(rb"^[ \t]*(?:\[[^]\n]*\][ \t]*)?objectformat[ \t]*=[ \t]*\"?sha256", re.I | re.M)
_PARTIAL = re.compile(rb"^[ \t]*(?:\[[^]\n]*\][ \t]*)?(promisor|partialclonefilter)\s*=", re.I | re.M)
_MODULES = "/.git/modules/"
_WORKTREE = re.compile(rb"^[ \t]*(?:\[[^]\n]*\][ \t]*)?worktree\s*=", re.I | re.M)
_TABLES = re.compile(rb"^[ \t]*(?:\[[^]\n]*\][ \t]*)?refstorage\s*=\s*\"?reftable", re.I | re.M)
_NOT_FETCHED = re.compile(
    rb"^[ \t]*(?:\[[^]\n]*\][ \t]*)?(?:fetch\s*=\s*\"?(?:\^|\+?refs/heads/(?!\*:))|tagopt\s*=\s*\"?--no-tags)",
    re.I | re.M,
)
_CONFIG = """[core]
repositoryFormatVersion = 1
bare = true
bigFileThreshold = {large}
fsmonitor = false
untrackedCache = false
hooksPath = /dev/null
attributesFile = /dev/null
[protocol]
allow = never
[gc]
auto = 0
[maintenance]
auto = false
[extensions]
objectFormat = {format}
"""


class NoRepository(ScanError):
    """Raised if a directory is in no repository."""


class RepositoryPath(NamedTuple):
    path: str
    """The path that was given."""
    directory: str
    """The git directory, as in ``GIT_DIR``."""
    common: str
    """The same, or the directory that linked working trees share, as in ``GIT_COMMON_DIR``."""
    top: str | None
    """The working tree, or None."""


def place_of(path: str) -> RepositoryPath:
    """The repository that contains a path. Raises ScanError."""
    if not os.path.isdir(path):
        raise ScanError(f"{path}: is not a directory; give a repository by -e scan_repositories=PATH")
    where = os.path.realpath(path)
    if _is_repository(where):
        return RepositoryPath(path, where, where, None)
    while True:
        entry = os.path.join(where, ".git")
        if os.path.lexists(entry):
            return _at(path, where, entry)
        if os.path.dirname(where) == where:
            raise NoRepository(f"{path}: not a git repository, nor any directory above it; give another path")
        where = os.path.dirname(where)


def _at(path: str, top: str, entry: str) -> RepositoryPath:
    if os.path.isdir(entry) and not os.path.islink(entry):
        if not _is_repository(entry):
            raise ScanError(f"{path}: not a git repository: .git lacks HEAD, objects or refs; clone it again")
        return RepositoryPath(path, entry, entry, top)
    data = content(entry, SMALL)
    target = os.path.realpath(entry)
    if data.startswith(b"gitdir:") and not os.path.islink(entry):
        target = os.path.realpath(os.path.join(top, os.fsdecode(data[len(b"gitdir:") :].strip())))
    common = _linked(target, entry)
    if common:
        return RepositoryPath(path, target, common, top)
    if _is_repository(target) and _is_submodule(top, target):
        return RepositoryPath(path, target, target, top)
    # A .git that is followed could lead to another user's repository.
    raise ScanError(
        f"{path}: .git leads to {printable(target)}, but this repository does not lead back to {path}; scan the "
        f"repository (-e scan_repositories) and the files of {path} (-e scan_paths)"
    )


def _linked(target: str, entry: str) -> str | None:
    """The repository of a linked working tree. None if the two do not refer to each other."""
    back = os.fsdecode(content(os.path.join(target, "gitdir"), SMALL).strip())
    common = os.path.dirname(os.path.dirname(target))
    if not back or os.path.realpath(os.path.join(target, back)) != os.path.realpath(entry):
        return None
    return common if os.path.basename(os.path.dirname(target)) == "worktrees" and _is_repository(common) else None


def other_trees(place: RepositoryPath) -> list[str]:
    """Other working trees of the repository, if both refer to each other."""
    tops = []
    for admin in git_refs.worktrees(place.common):
        entry = os.path.join(admin, os.fsdecode(content(os.path.join(admin, "gitdir"), SMALL).strip()))
        if _linked(admin, entry):
            tops.append(os.path.dirname(entry))
    if place.common != place.directory and os.path.basename(place.common) == ".git":
        tops.append(os.path.dirname(place.common))
    return [top for top in tops if os.path.realpath(top) != place.top]


def modules(place: RepositoryPath) -> list[str]:
    """The names of the repositories of submodules in ``.git/modules``, also of removed submodules."""
    root, names = os.path.join(place.common, "modules"), []
    for directory in git_files.directories(root, lambda _path, _why: None):
        if _is_repository(os.path.join(root, os.fsdecode(directory.path))):
            names.append(git_files.shown(directory.path))
            directory.folders.clear()
        if len(names) == SUBMODULES:
            break
    return names


def _is_submodule(top: str, target: str) -> bool:
    try:
        outer = place_of(os.path.dirname(top))
    except ScanError:
        return False
    return any(target.startswith(os.path.join(name, "modules", "")) for name in (outer.directory, outer.common))


def _is_repository(path: str) -> bool:
    folders = all(os.path.isdir(os.path.join(path, name)) for name in ("objects", "refs"))
    return folders and os.path.lexists(os.path.join(path, "HEAD"))


class View:
    def __init__(self, place: RepositoryPath, directory: str) -> None:
        self.place = place
        self.directory = directory
        self.not_checked: list[str] = []
        self.known = 0
        """Bytes of memory that git needs to list the objects."""
        configuration = content(os.path.join(place.common, "config"), CONFIGURATION)
        self.sha256 = bool(_SHA256.search(configuration))
        self.partial = bool(_PARTIAL.search(configuration))
        # The configuration of a submodule has core.worktree, too.
        own = place.directory == os.path.join(place.top, ".git") if place.top else _MODULES not in place.directory
        of_this_tree = content(os.path.join(place.directory, "config.worktree"), CONFIGURATION)
        if own and _WORKTREE.search(configuration + b"\n" + of_this_tree):
            self.not_checked.append(
                "core.worktree names another working tree; scan this directory: -e scan_paths=DIRECTORY"
            )
        if _NOT_FETCHED.search(configuration) and not self.shallow():
            self.not_checked.append(
                "some branches or tags are missing, because the configuration of a remote leaves them out. For this "
                "remote, run git remote set-branches REMOTE '*' and git config --unset remote.REMOTE.tagOpt, then git "
                "fetch --all --tags, then scan again"
            )
        self._configured(tables=bool(_TABLES.search(configuration)))
        self._borrowed()
        _link_files(place.directory, directory, re.compile(r"index|sharedindex\.[0-9a-f]+"))

    def inside(self, *names: str) -> str:
        return os.path.join(self.directory, *names)

    def _configured(self, *, tables: bool) -> None:
        text = _CONFIG.format(large=LARGE_FILE, format="sha256" if self.sha256 else "sha1")
        os.makedirs(self.inside("refs"))
        os.makedirs(self.inside("info"))
        if tables:
            text += "refStorage = reftable\n"
            os.mkdir(self.inside("reftable"))
            _link_files(os.path.join(self.place.common, "reftable"), self.inside("reftable"), re.compile(r"[\w.-]+"))
            head = b"ref: refs/heads/.invalid\n"
        else:
            references = git_refs.references(self.place.directory, self.place.common)
            head = references.head
            self._write("packed-refs", git_refs.packed(references))
        self._write("config", text.encode())
        self._write("HEAD", head)
        shallow = b"\n".join(self.shallow())
        if shallow:
            self._write("shallow", shallow + b"\n")

    def shallow(self) -> list[bytes]:
        """The commits at which a shallow clone's history ends."""
        return git_refs.IDS.findall(content(os.path.join(self.place.common, "shallow"), CONFIGURATION))

    def logged(self) -> list[bytes]:
        return git_refs.logged(self.place.directory, self.place.common)

    def _write(self, name: str, data: bytes) -> None:
        with open(self.inside(name), "wb") as handle:
            handle.write(data)

    def _borrowed(self) -> None:
        """Links the object stores of the repository and of its alternates."""
        waiting = [(os.path.join(self.place.common, "objects"), 0)]
        seen: dict[str, str] = {}
        while waiting:
            source, depth = waiting.pop(0)
            if source in seen:
                continue
            if len(seen) == ALTERNATES or depth > 5:  # git's own bound of depth
                self.not_checked.append(
                    f"objects borrowed from more than {ALTERNATES} places, or through more than five of them"
                )
                break
            seen[source] = self.inside("objects") if not seen else self.inside(f"borrowed-{len(seen)}")
            self._linked_objects(source, seen[source])
            for line in content(os.path.join(source, "info", "alternates"), CONFIGURATION).splitlines():
                other = os.path.realpath(os.path.join(source, os.fsdecode(line.strip())))
                if not line.strip() or line.startswith(b"#"):
                    continue
                if os.path.isdir(other):
                    waiting.append((other, depth + 1))
                else:
                    path = printable(os.fsdecode(line.strip()))
                    self.not_checked.append(
                        f"objects borrowed from {path}, which does not exist; restore this directory, or clone again"
                    )
        os.makedirs(self.inside("objects", "info"))
        self._write("objects/info/alternates", "".join(f"{name}\n" for name in list(seen.values())[1:]).encode())

    def _linked_objects(self, source: str, target: str) -> None:
        os.makedirs(os.path.join(target, "pack"))
        _link_files(os.path.join(source, "pack"), os.path.join(target, "pack"), re.compile(r"[\w.-]+\.(pack|idx)"))
        size = sum(path.stat().st_size for path in Path(target, "pack").glob("*.idx"))
        self.known = min(self.known + LISTED * size, KNOWN)
        with os.scandir(source) as entries:
            folders = sorted(
                entry.name for entry in entries if re.fullmatch("[0-9a-f]{2}", entry.name) and entry.is_dir()
            )
        for name in folders:
            folder, link = os.path.join(source, name), os.path.join(target, name)
            with os.scandir(folder) as entries:
                plain = all(entry.is_file(follow_symlinks=False) for entry in entries)
            if plain:
                os.symlink(folder, link)
            else:  # git would wait for a pipe
                os.mkdir(link)
                _link_files(folder, link, re.compile("[0-9a-f]+"))


def _link_files(source: str, target: str, named: re.Pattern[str]) -> None:
    """Links the regular files whose names match."""
    if not os.path.isdir(source):
        return
    with os.scandir(source) as entries:
        names = [entry.name for entry in entries if named.fullmatch(entry.name)]
    for name in names:
        path = os.path.join(source, name)
        if os.path.exists(path) and stat.S_ISREG(os.stat(path).st_mode):
            os.symlink(path, os.path.join(target, name))


@contextmanager
def view(path: str) -> Iterator[View]:
    """A view of the repository that contains a path, removed at the end. Raises ScanError if there is no repository."""
    place = place_of(path)
    with tempfile.TemporaryDirectory(prefix="leak-scan-") as directory:
        try:
            new_view = View(place, directory)
        except OSError as error:
            raise ScanError(f"{path}: cannot be read: {error.strerror}") from None
        yield new_view
