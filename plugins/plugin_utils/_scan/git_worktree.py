# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The working tree of a repository: its changed and untracked files, and the files that git ignores.

Files are compared here, because git would run the filters that the repository names. git decides which files are
ignored, but sees only copies of the ignore files in an empty directory.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import bounded_program
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import files as _files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Running, records
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.files import (
    REPOSITORY,
    Directory,
    Opened,
    Passed,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git import LARGE, Repository

IGNORE = b".gitignore"
IGNORES = 1024 * 1024
"""Bytes of one file of patterns."""
ARGUMENT_BYTES = 32 * 1024
"""Bytes of names in one question to git, as many as a pipe holds."""
CHUNK = 1024 * 1024
BARE = {b"objects", b"refs"}


class Tree:
    def __init__(self, repository: Repository, top: str, passed: Passed) -> None:
        self._repository = repository
        self._top = top
        self._passed = passed
        self._index = repository.index()
        self._parents = {parent for path in self._index for parent in _parents(path)}

    def files(self, *, unchanged: bool, ignored: bool) -> Iterator[Opened]:
        """Untracked and changed files. ``unchanged`` adds the other tracked files, ``ignored`` the ignored files."""
        # A caller that stops early closes this generator, which ends git.
        # pylint: disable-next=contextmanager-generator-missing-cleanup
        with Ignores.of(self._repository, self._passed) as ignores:
            outside: set[bytes] = set()
            for directory in _files.directories(self._top, self._passed):
                self._pruned(directory)
                within = directory.path in outside
                left_out: set[bytes] = set()
                if not ignored and not within:
                    left_out = self._ignored(ignores, directory)
                    directory.folders[:] = self._entered(directory, left_out, outside)
                elif within:
                    directory.folders[:] = self._entered(directory, set(directory.folders), outside)
                for name in sorted(directory.files):
                    path = directory.below(name)
                    known = self._index.get(path)
                    if known is None and (within or name in left_out):
                        continue
                    for path_shown, stream in _files.opened(name, _files.shown(path), directory.handle):
                        if unchanged or known is None or isinstance(stream, str) or self._differs(stream, known):
                            yield path_shown, stream

    def _pruned(self, directory: Directory) -> None:
        """Removes other repositories from the walk, and reports them."""
        name = os.fsencode(REPOSITORY)
        if directory.path and (name in directory.folders or name in directory.files):
            if directory.path not in self._index:  # Repository.not_here reports submodules
                self._passed(directory.path + b"/", "is a repository of its own; scan it by its own path")
            directory.folders.clear()
            directory.files.clear()
        elif directory.path and b"HEAD" in directory.files and set(directory.folders) >= BARE:
            self._passed(directory.path + b"/", "looks like a repository; scan it by its own path")
        directory.folders[:] = [folder for folder in directory.folders if folder != name]

    def _ignored(self, ignores: Ignores, directory: Directory) -> set[bytes]:
        ignores.copy(directory)
        new = [name for name in directory.files if directory.below(name) not in self._index]
        names = [*new, *(name + b"/" for name in directory.folders)]
        results = ignores.of_these([directory.below(name) for name in names])
        return {name.rstrip(b"/") for name in names if directory.below(name) in results}

    def _entered(self, directory: Directory, left_out: set[bytes], outside: set[bytes]) -> list[bytes]:
        """The directories to enter. Of ignored ones, only those with files in the index."""
        names = []
        for name in directory.folders:
            path = directory.below(name)
            if name in left_out and path not in self._parents:
                continue
            if name in left_out:
                outside.add(path)
            names.append(name)
        return names

    def _differs(self, stream: IO[bytes], known: bytes) -> bool:
        """Whether a file differs from its blob, also with line ends as git stores them."""
        kind = "sha256" if len(known) == 64 else "sha1"
        size = os.fstat(stream.fileno()).st_size
        if _blob(kind, size, self._chunks(stream)) == known:
            return False
        stream.seek(0)
        data = stream.read() if size <= LARGE else b""
        stream.seek(0)
        plain = data.replace(b"\r\n", b"\n")
        return plain == data or _blob(kind, len(plain), [plain]) != known

    def _chunks(self, stream: IO[bytes]) -> Iterator[bytes]:
        for data in iter(lambda: stream.read(CHUNK), b""):
            self._repository.bounds.check()
            yield data


class Ignores:
    """A ``git check-ignore`` that sees only the ignore files."""

    def __init__(self, repository: Repository, passed: Passed, *, shared: bool) -> None:
        self._place = repository.view.inside("tree")
        self._passed = passed
        self._program: Running | None = None
        self._answers: Iterator[bytes] = iter(())
        os.mkdir(self._place)
        common = repository.view.place.common
        if not shared:
            self._written(repository.view.inside("info", "exclude"), os.path.join(common, "info", "exclude"))

    @classmethod
    @contextmanager
    def of(cls, repository: Repository, passed: Passed, *, shared: bool = False) -> Iterator[Ignores]:
        """A running ``git check-ignore``. ``shared`` excludes the patterns of this machine."""
        ignores = cls(repository, passed, shared=shared)
        options = ("-c", f"core.excludesFile={os.devnull if shared else _own_excludes(repository)}")
        arguments = ("check-ignore", "--no-index", "--stdin", "-z", "--verbose", "--non-matching")
        is_done = False
        try:
            with repository.running(*options, *arguments, talks=True, tree=ignores._place, codes=(0, 1)) as program:
                ignores._program, ignores._answers = program, records(program.output, b"\0")
                yield ignores
                is_done = True
        except ScanError:
            if not is_done or ignores._program is not None:  # else reported, and all files were searched
                raise

    def copy(self, directory: Directory) -> None:
        """Copies the ignore file of a directory into git's directory."""
        if IGNORE not in directory.files:
            return
        for _name, stream in _files.opened(IGNORE, "", directory.handle):
            data = b"" if isinstance(stream, str) else stream.read(IGNORES + 1)
            if len(data) > IGNORES:
                self._passed(directory.below(IGNORE), "is too large to be read, so its ignored files are scanned too")
                return
            self.show(directory.path, data)

    def show(self, path: bytes, data: bytes) -> None:
        """Writes the text of a directory's ignore file into git's directory."""
        place = os.path.join(os.fsencode(self._place), path)
        os.makedirs(place, exist_ok=True)
        with open(os.path.join(place, IGNORE), "wb") as handle:
            handle.write(data)

    def of_these(self, paths: Sequence[bytes]) -> set[bytes]:
        """The ignored paths. Empty after git has failed, which is reported."""
        results: set[bytes] = set()
        waiting: list[bytes] = []
        size = 0
        for path in paths:
            if waiting and size + len(path) > ARGUMENT_BYTES:
                results |= self._ignored(waiting)
                waiting, size = [], 0
            waiting.append(path)
            size += len(path) + 3
        return results | (self._ignored(waiting) if waiting else set())

    def _ignored(self, paths: Sequence[bytes]) -> set[bytes]:
        if self._program is None:
            return set()
        try:
            self._program.write(b"".join(b"./%s\0" % path for path in paths))  # else a colon would begin a pattern
            rules = [self._rule() for _path in paths]
        except (ScanError, OSError, StopIteration) as error:
            self._program = None
            reason = str(error) if isinstance(error, ScanError) else "git ended"
            self._passed(b"", f"ignored files are scanned too, because git did not list them: {reason}")
            return set()
        return {path for path, rule in zip(paths, rules, strict=False) if rule and not rule.startswith(b"!")}

    def _rule(self) -> bytes:
        """The pattern that decides about a path. Empty if no pattern matches."""
        _file, _line, rule, _path = [next(self._answers) for _field in range(4)]
        return rule

    def _written(self, target: str, source: str) -> None:
        try:
            data = _files.content(source, IGNORES)
        except ScanError as error:
            self._passed(b"", f"{error}; files that it ignores are scanned too")
            return
        with open(target, "wb") as handle:
            handle.write(data)


def _own_excludes(repository: Repository) -> str:
    """The user's own file of patterns for all repositories."""
    environment: dict[str, str] = {name: value for name, value in os.environ.items() if not name.startswith("GIT_DIR")}
    environment["GIT_DIR"] = repository.view.directory
    command = ["git", "config", "--global", "--includes", "--path", "--get", "core.excludesFile"]
    try:
        data = bounded_program.output_of(command, environment=environment, bounds=repository.bounds)
    except ScanError:
        data = b""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.fsdecode(data.strip()) or os.path.join(base, "git", "ignore")


def _parents(path: bytes) -> Iterator[bytes]:
    at = path.rfind(b"/")
    while at > 0:
        yield path[:at]
        at = path.rfind(b"/", 0, at)


def _blob(kind: str, size: int, parts: Any) -> bytes:
    """The id that git gives to a blob."""
    digest = hashlib.new(kind, b"blob %d\0" % size)
    for part in parts:
        digest.update(part)
    return digest.hexdigest().encode()
