# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be scanned: a repository, what is staged in it, a directory, a file, a stream."""

from __future__ import annotations

import io
import os
from typing import IO, Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import ScanError
from ansible_collections.watchparty.secrets.plugins.module_utils._scans import _scan_files, _scan_history
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan import Found, Scanning, finding
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_git import (
    BLOB,
    COMMIT,
    TREE,
    Large,
    Repository,
    Slab,
    State,
    shown,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_report import WORKING_TREE, Finding
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_search import Spot
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_unpack import (
    HEAD,
    STARTS,
    TAR_AT,
    ZIP,
    kind_of,
)

MESSAGES = {COMMIT: "(commit message)", TREE: "(name of a file)", "tag": "(tag message)"}
LFS = b"version https://git-lfs.github.com/spec/"
OWN = "(git's own files)"


class Hit(NamedTuple):
    """An object that holds values."""

    kind: str
    found: Sequence[Found]


class GitSource:
    """A repository: every object that is there, what git keeps beside them, and the working tree."""

    def __init__(self, path: str, *, history: bool = True, tree: bool = True, ignored: bool = False) -> None:
        self.path = path
        self.history = history
        self.tree = tree
        self.ignored = ignored

    def __call__(self, scanning: Scanning) -> Iterator[Finding]:
        repository = Repository(self.path)
        state = repository.state()
        if self.history:
            for reason in state.not_checked:
                scanning.passed(self.path, "", reason)
            yield from self._objects(repository, scanning)
            yield from self._own(state, scanning)
        if self.tree and state.top:
            yield from self._tree(Repository(state.top), state.top, scanning)

    def _objects(self, repository: Repository, scanning: Scanning) -> Iterator[Finding]:
        commits = bytearray()  # one id a line: as texts, a million of them would take 90 MB
        hits: Dict[str, Hit] = {}
        try:
            _searched(repository, None, scanning, self.path, hits, commits)
        except ScanError as error:  # what it told before it failed still counts
            scanning.passed(self.path, "some objects", f"{error}; see what git fsck says")
        if hits:
            yield from _attributed(repository, hits, bytes(commits), scanning, self.path)

    def _own(self, state: State, scanning: Scanning) -> Iterator[Finding]:
        """Configuration, logs and messages in .git: a remote's URL often holds a token."""
        for directory in dict.fromkeys((state.directory, state.common)):
            for told, stream in _scan_files.walk(directory, without=("objects", "modules", "lfs", "worktrees")):
                yield from _file(scanning, self.path, f"{OWN} {told}", stream)

    def _tree(self, repository: Repository, top: str, scanning: Scanning) -> Iterator[Finding]:
        """What differs from the index, and what is not in it; the rest is in the objects."""
        which = ["-m"] if self.history else ["-c"]
        ask = ["ls-files", *which, "-o", "-z", *([] if self.ignored else ["--exclude-standard"])]
        for path in sorted(set(repository.output(*ask).split(b"\0")) - {b""}):
            full = os.path.join(os.fsencode(top), path)
            if full.endswith(b"/"):
                scanning.passed(self.path, shown(path), "is a repository of its own; scan it by its own path")
                continue
            for told, stream in _scan_files.opened(os.fsdecode(full), shown(path)):
                yield from _file(scanning, self.path, told, stream, reach=WORKING_TREE)


class StagedSource:
    """What the next commit would add."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, scanning: Scanning) -> Iterator[Finding]:
        repository = Repository(self.path)
        base = repository.text("rev-parse", "-q", "--verify", "HEAD", codes=(0, 1)) or _empty_tree(repository)
        found = repository.output("diff-index", "--cached", "--raw", "--no-abbrev", "--no-renames", "-z", base)
        parts = found.split(b"\0")
        paths: Dict[str, str] = {}
        for head, path in zip(parts[::2], parts[1::2]):
            words = head.split()
            if words[4] != b"D" and words[1] != b"160000":
                paths.setdefault(words[3].decode(), shown(path))
        hits: Dict[str, Hit] = {}
        _searched(repository, list(paths), scanning, self.path, hits)
        for blob, hit in hits.items():
            for one in hit.found:
                yield finding(one, source=self.path, blob=blob, path=paths[blob], reach=_scan_history.STAGED)


class DirectorySource:
    """Every file below a directory, repositories' own folders left out."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, scanning: Scanning) -> Iterator[Finding]:
        if os.path.isfile(self.path):
            for _told, stream in _scan_files.opened(os.path.realpath(self.path), ""):
                yield from _file(scanning, self.path, os.path.basename(self.path), stream)
            return
        if not os.path.isdir(self.path):
            raise ScanError(f"{self.path}: is not there; give a file or a directory")
        if os.path.isdir(os.path.join(self.path, _scan_files.REPOSITORY)):
            scanning.passed(self.path, "", "its history: give it as the repository")
        for told, stream in _scan_files.walk(self.path, without=(_scan_files.REPOSITORY,)):
            yield from _file(scanning, self.path, told, stream)


class StreamSource:
    """Something that can be read once, such as standard input."""

    def __init__(self, stream: IO[bytes], name: str = "standard input") -> None:
        self.stream = stream
        self.name = name

    def __call__(self, scanning: Scanning) -> Iterator[Finding]:
        scanning.objects += 1
        head = self.stream.read(HEAD)
        stream = _Joined(head, self.stream)
        if kind_of(head) is not None:
            spots = scanning.unpacked(stream, self.name, "")
        else:
            spots = list(scanning.searcher.in_stream(stream.read))
        for one in scanning.found(spots):
            yield finding(one, source=self.name, path=self.name)


class _Joined:
    """A stream with its beginning put back."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head = head
        self._stream = stream

    def seekable(self) -> bool:
        return False

    def read(self, count: int) -> bytes:
        if self._head:
            data, self._head = self._head[:count], self._head[count:]
            return data
        return self._stream.read(count)


def _file(scanning: Scanning, source: str, told: str, stream: Any, **more: Any) -> Iterator[Finding]:
    if isinstance(stream, str):
        scanning.passed(source, told, stream)
        return
    scanning.objects += 1
    try:
        head = stream.read(HEAD)
        stream.seek(0)
        spots = list(scanning.searcher.in_stream(stream.read))
        if kind_of(head) is not None:
            stream.seek(0)
            spots += scanning.unpacked(stream, source, told)
    except OSError as error:
        scanning.passed(source, told, f"cannot be read: {error.strerror}")
        return
    for one in scanning.found(spots):
        yield finding(one, source=source, path=told, **more)


def _searched(
    repository: Repository,
    ids: Optional[Sequence[str]],
    scanning: Scanning,
    source: str,
    hits: Dict[str, Hit],
    commits: Optional[bytearray] = None,
) -> None:
    """Adds the objects that hold values, of these or of all. What lies in git-lfs is counted: it is not in git."""
    pointers = 0
    for part in repository.contents(ids):
        if isinstance(part, Large):
            scanning.objects += 1
            found = {(part.kind, part.id): _large(repository, part, scanning, source)}
        else:
            scanning.objects += len(part.objects)
            if commits is not None:
                commits += b"".join(name.encode() + b"\n" for _at, _end, kind, name in part.objects if kind == COMMIT)
            pointers += sum(part.data.startswith(LFS, begin) for begin, _end, _kind, _name in part.objects)
            found = _in_slab(part, scanning, source)
        hits.update({name: Hit(kind, scanning.found(spots)) for (kind, name), spots in found.items() if spots})
    if repository.missing:
        reason = "are missing or broken; see what git fsck says, and clone again"
        scanning.passed(source, f"{len(repository.missing)} objects", reason)
    if pointers:
        reason = "are pointers of git-lfs; git lfs fetch --all, then scan .git/lfs as a directory"
        scanning.passed(source, f"{pointers} files", reason)


def _in_slab(part: Slab, scanning: Scanning, source: str) -> Dict[Tuple[str, str], List[Spot]]:
    """What stands in each object of a slab, and in what it packs."""
    data = part.data
    by_object = _by_object(scanning, data, part.objects)
    for at, (begin, end, kind, name) in enumerate(part.objects):
        packed = data.startswith(STARTS, begin) or (end - begin > HEAD and data.startswith(b"ustar", begin + TAR_AT))
        if packed and kind == BLOB:
            spots = scanning.unpacked(io.BytesIO(data[begin:end]), source, f"blob {name[:12]}")
            by_object.setdefault(at, []).extend(spots)
    return {(part.objects[at][2], part.objects[at][3]): spots for at, spots in by_object.items()}


def _by_object(scanning: Scanning, data: bytes, objects: Sequence[Tuple[int, int, str, str]]) -> Dict[int, List[Spot]]:
    """One search over many objects; what reaches over an object's edge is in none of them."""
    found: Dict[int, List[Spot]] = {}
    at = 0
    needles = scanning.searcher.sought.needles
    for begin, needle in scanning.searcher.hits(data):
        while objects[at][1] <= begin:
            at += 1
            if at == len(objects):
                return found
        start, end, _kind, _name = objects[at]
        if start <= begin and begin + len(needles[needle].whole) <= end:
            found.setdefault(at, []).append(Spot(needle, begin - start, data.count(b"\n", start, begin) + 1))
    return found


def _large(repository: Repository, part: Large, scanning: Scanning, source: str) -> List[Spot]:
    head = part.stream.read(HEAD)
    spots = list(scanning.searcher.in_stream(_Joined(head, part.stream).read))
    kind = kind_of(head) if part.kind == BLOB else None
    if kind is not None:
        what = f"blob {part.id[:12]}"
        with repository.blob(part.id) as stream:
            limit = scanning.unpacker.limits.memory
            whole: Any = io.BytesIO(stream.read()) if kind == ZIP and part.size <= limit else _Joined(b"", stream)
            spots += scanning.unpacked(whole, source, what)
            while stream.read(1 << 20):  # or git would say that nobody reads
                pass
    return spots


def _attributed(
    repository: Repository, hits: Dict[str, Hit], commits: bytes, scanning: Scanning, source: str
) -> Iterator[Finding]:
    """The findings, with who brought them and what still leads there."""
    blobs = [name for name, hit in hits.items() if hit.kind == BLOB]
    came, flaw = _scan_history.known_origins(repository, blobs, commits)
    if flaw:
        scanning.passed(source, "which commits brought what was found", flaw)
    makers = _scan_history.described(repository, [name for name, hit in hits.items() if hit.kind == COMMIT])
    index = _scan_history.staged(repository) if blobs else {}
    every = [origin.commit.id for found in came.values() for origin in found]
    reach = _scan_history.reach(repository, [*every, *makers])
    for name, hit in hits.items():
        more = _origin(name, hit.kind, came.get(name, []), makers, index, reach)
        for one in hit.found:
            yield finding(one, source=source, blob=name, **more)


def _origin(
    name: str,
    kind: str,
    came: Sequence[_scan_history.Origin],
    makers: Dict[str, _scan_history.Commit],
    index: Dict[str, str],
    reach: _scan_history.Reach,
) -> Dict[str, Any]:
    commit: Optional[_scan_history.Commit] = came[0].commit if came else makers.get(name)
    if kind != BLOB:
        path = MESSAGES.get(kind, f"({kind})")
    else:
        path = came[0].path if came else index.get(name, f"(blob {name[:12]})")
    if commit is None:
        how = _scan_history.STAGED if name in index else _scan_history.NOTHING
        return {"path": path, "reach": how if kind == BLOB else ""}
    every = [one.commit.id for one in came] or [commit.id]
    ways = [reach.of(one) for one in every]
    best = min(ways, key=[*reach.names, _scan_history.NOTHING].index)
    return {
        "path": path,
        "paths": len({one.path for one in came}) or 1,
        "commit": commit.id,
        "author": commit.author,
        "date": commit.date,
        "commits": len(set(every)),
        "reach": best,
    }


def _empty_tree(repository: Repository) -> str:
    return repository.output("hash-object", "-t", "tree", "--stdin", given=b"").decode().strip()
