# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sources of a scan: a repository, its staged changes, a directory, a file, a stream.

A source is a class and an entry in ``TARGETS``, which makes it an option of leak_scan. No other list names it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import files as scan_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import (
    git,
    git_bundle,
    git_history,
    git_view,
    gitleaks,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.archives import BEHIND, Ending, Rest
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import records
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.files import Opened, Passed, shown
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.formats import (
    BROTLI,
    HEAD,
    TAIL,
    ZIP,
    ends_as_zip,
    kind_of,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git import ENTRIES, Interrupted, Repository
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git_objects import Search
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git_worktree import Tree
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan import Scanning, Source, finding
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import WORKING_TREE, Finding
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.stream_search import Spots

GIT_FILES = "(git's own files)"


class GitSource:
    """A repository: every object, the other files in ``.git``, and the working tree."""

    def __init__(self, path: str, *, history: bool = True, tree: bool = True, ignored: bool = False) -> None:
        self.path = path
        self.history = history
        self.tree = tree
        self.ignored = ignored

    def check(self) -> None:
        _exists(self.path)

    def __call__(self, scanning: Scanning) -> Iterator[Finding]:
        with git.repository(self.path, scanning.bounds) as repository:
            if self.history:
                for reason in repository.not_here():
                    scanning.passed(self.path, "", reason)
                yield from self.objects(repository, scanning)
                yield from self._own(repository, scanning)
                yield from self.names(repository, scanning)
            place = repository.view.place
            if self.tree and place.top:
                yield from self._tree(repository, place.top, scanning)
            for path in git_view.other_trees(place) if self.tree else ():
                yield from self._other_tree(path, scanning)

    def objects(self, repository: Repository, scanning: Scanning) -> Iterator[Finding]:
        search = Search(repository, scanning, self.path)
        try:
            search.look()
        except Interrupted:  # git ended at a broken object, or at one that is too large
            search = Search(repository, scanning, self.path)
            search.look(careful=True)
        yield from search.attributed()

    def _own(self, repository: Repository, scanning: Scanning) -> Iterator[Finding]:
        """Findings in configuration, logs and messages in ``.git``. A remote's URL often holds a token."""
        common = repository.view.place.common
        passed = _passed(scanning, self.path, f"{GIT_FILES} ")
        files = scan_files.walk(common, but=("objects", "modules", "lfs"), passed=passed)
        yield from _files(files, scanning, self.path, f"{GIT_FILES} ")

    def names(self, repository: Repository, scanning: Scanning) -> Iterator[Finding]:
        """Findings in names of branches and tags, and in the compressed reflogs of reftables. No object holds them."""
        yield from self._lines(repository, scanning, "(name of %s)", "for-each-ref", "--format=%(refname)")
        if os.path.isdir(repository.view.inside("reftable")):
            yield from self._lines(
                repository, scanning, "(reflog: %s)", "log", "--walk-reflogs", "--all", "--format=%gs"
            )

    def _lines(self, repository: Repository, scanning: Scanning, form: str, *arguments: str) -> Iterator[Finding]:
        with repository.reading(*arguments) as output:
            for line in records(output):
                for value_match in scanning.found(Spots(scanning.searcher.in_bytes(line))):
                    yield finding(value_match, source=self.path, path=form % shown(line))

    def _other_tree(self, path: str, scanning: Scanning) -> Iterator[Finding]:
        before = f"(working tree {shown(os.fsencode(path))}) "
        try:
            with git.repository(path, scanning.bounds) as repository:
                yield from self._tree(repository, path, scanning, before)
        except ScanError as error:
            scanning.passed(self.path, before.strip(), str(error))

    def _tree(self, repository: Repository, top: str, scanning: Scanning, before: str = "") -> Iterator[Finding]:
        """Findings in changed and untracked files. The objects hold the others, unless the history is not scanned."""
        tree = Tree(repository, top, _passed(scanning, self.path, before))
        files = tree.files(unchanged=not self.history, ignored=self.ignored)
        yield from _files(files, scanning, self.path, before, reach=WORKING_TREE)


class StagedSource:
    """Staged changes, which the next commit would add."""

    def __init__(self, path: str) -> None:
        self.path = path

    def check(self) -> None:
        _exists(self.path)

    def __call__(self, scanning: Scanning) -> Iterator[Finding]:
        with git.repository(self.path, scanning.bounds) as repository:
            paths = self._staged(repository)
            search = Search(repository, scanning, self.path)
            search.look(list(paths))
            search.note_unopened(paths)
            for blob, hit in search.hits.items():
                for value_match in hit.value_matches:
                    yield finding(value_match, source=self.path, blob=blob, path=paths[blob], reach=git_history.STAGED)

    def _staged(self, repository: Repository) -> dict[str, str]:
        base = repository.head() or repository.empty_tree()
        arguments = ("diff-index", "--cached", "--raw", "--no-abbrev", "--no-renames", "-z", base)
        paths: dict[str, str] = {}
        fields: list[bytes] = []
        with repository.reading(*arguments) as output:
            for record in records(output, b"\0"):
                if record.startswith(b":") and not fields:
                    fields = record.split()
                    continue
                if fields[4:5] != [b"D"] and fields[1] != b"160000":
                    paths.setdefault(fields[3].decode(), shown(record))
                fields = []
                if len(paths) > ENTRIES:
                    raise ScanError(f"more than {ENTRIES} files are staged")
        return paths


class DirectorySource:
    """Every file below a directory, except in ``.git``."""

    def __init__(self, path: str) -> None:
        self.path = path

    def check(self) -> None:
        if not os.path.isfile(self.path) and not os.path.isdir(self.path):
            raise ScanError(f"{self.path}: does not exist; give a file or a directory by -e scan_paths=PATH")

    def __call__(self, scanning: Scanning) -> Iterator[Finding]:
        if os.path.isfile(self.path):
            files = scan_files.opened(os.path.realpath(self.path), os.path.basename(self.path))
            yield from _files(files, scanning, self.path)
            return
        files = scan_files.walk(self.path, passed=_passed(scanning, self.path))
        yield from _files(files, scanning, self.path)


class StreamSource:
    """A stream that can be read once, such as standard input."""

    def __init__(self, stream: IO[bytes], name: str = "standard input") -> None:
        self.stream = stream
        self.path = name

    @classmethod
    def opened(cls, path: str) -> StreamSource:
        """The source of a pipe or another file that can be read once. Raises ScanError."""
        try:
            if stat.S_ISDIR(os.stat(path).st_mode):
                raise ScanError(f"{path}: is a directory; give it as one of paths")
            return cls(open(path, "rb"), path)
        except OSError as error:
            raise ScanError(f"{path}: cannot be read: {error.strerror}") from None

    def close(self) -> None:
        self.stream.close()

    def __call__(self, scanning: Scanning) -> Iterator[Finding]:
        scanning.objects += 1
        head = self.stream.read(HEAD)
        stream = Rest(self.stream, head)
        if kind_of(head) is not None:
            spots = scanning.unpacked(stream, scanning.noting(self.path, ""))
        else:
            ending = Ending(stream)
            spots = Spots(scanning.searcher.in_stream(ending.read))
            if ends_as_zip(ending.tail):
                scanning.passed(self.path, "", BEHIND)
        for value_match in scanning.found(spots):
            yield finding(value_match, source=self.path, path=self.path)


@dataclass(frozen=True)
class Scope:
    history: bool = True
    tree: bool = True
    ignored: bool = False


@dataclass(frozen=True)
class Target:
    """An option of leak_scan: a list of paths, each a source."""

    source: Callable[[str, Scope], Source]
    """Makes the source. May raise ScanError. A method ``close`` of the source is called after the scan."""
    patterns: Callable[[Scope], str] = lambda _scope: ""
    """The mode in which gitleaks scans such a path. Empty if gitleaks does not scan it."""


TARGETS: Mapping[str, Target] = {
    "repositories": Target(
        lambda path, scope: GitSource(path, history=scope.history, tree=scope.tree, ignored=scope.ignored),
        lambda scope: gitleaks.HISTORY if scope.history else gitleaks.FILES,
    ),
    "staged": Target(lambda path, _scope: StagedSource(path), lambda _scope: gitleaks.STAGED),
    "paths": Target(lambda path, _scope: DirectorySource(path), lambda _scope: gitleaks.FILES),
    "streams": Target(lambda path, _scope: StreamSource.opened(path)),
}


def _exists(path: str) -> None:
    if not os.path.isdir(path):
        raise ScanError(f"{path}: is not a directory; give a repository by -e scan_repositories=PATH")


def _passed(scanning: Scanning, source: str, before: str = "") -> Passed:
    return lambda path, reason: scanning.passed(source, f"{before}{shown(path)}", reason)


def _files(
    files: Iterator[Opened], scanning: Scanning, source: str, before: str = "", **extra: Any
) -> Iterator[Finding]:
    before_them = scanning.objects
    for path, stream in files:
        scanning.bounds.check()
        matches = list(_file(scanning, source, f"{before}{path}", stream, **extra))
        yield from matches or _named(scanning, source, before, path)
        scanning.progress.searched(scanning.objects - before_them)


def _named(scanning: Scanning, source: str, before: str, path: str) -> Iterator[Finding]:
    """Findings in the name of a file. Objects hold the names of committed files only."""
    for value_match in scanning.found(Spots(scanning.searcher.in_bytes(os.fsencode(path)))):
        yield finding(value_match, source=source, path=f"{before}(name of {path})")


def _file(scanning: Scanning, source: str, path: str, stream: Any, **extra: Any) -> Iterator[Finding]:
    if isinstance(stream, str):
        scanning.passed(source, path, stream)
        return
    scanning.objects += 1
    try:
        head = stream.read(HEAD)
        stream.seek(0)
        if head.startswith(git_bundle.STARTS):
            yield from _bundle(scanning, source, path, stream, **extra)
            return
        spots = Spots(scanning.searcher.in_stream(stream.read))
        value_matches = scanning.found(spots)
        kind = kind_of(head) or (ZIP if ends_as_zip(_tail(stream)) else None)
        if kind is not None:
            stream.seek(0)
            spots.join(scanning.unpacked(stream, scanning.noting(source, path), kind))
            value_matches = scanning.found(spots)
        elif path.endswith(BROTLI):
            scanning.passed(source, path, "not scanned: packed as brotli")
    except OSError as error:
        scanning.passed(source, path, f"cannot be read: {error.strerror}")
        return
    for value_match in value_matches:
        yield finding(value_match, source=source, path=path, **extra)


def _bundle(scanning: Scanning, source: str, path: str, stream: IO[bytes], **extra: Any) -> Iterator[Finding]:
    """Findings in a git bundle, which is scanned as a bare repository."""
    bundled = GitSource(source, tree=False)
    try:
        with (
            git_bundle.unbundled(stream, scanning.bounds) as directory,
            git.repository(directory, scanning.bounds) as repository,
        ):
            for finding in (*bundled.objects(repository, scanning), *bundled.names(repository, scanning)):
                inside = f"{finding.path}!{finding.inside}" if finding.inside else finding.path
                yield replace(finding, path=path, inside=inside, **extra)
    except ScanError as error:
        scanning.passed(source, path, f"packed as a git bundle, which cannot be opened: {error}")


def _tail(stream: IO[bytes]) -> bytes:
    stream.seek(max(0, stream.seek(0, os.SEEK_END) - TAIL))
    return stream.read(TAIL)
