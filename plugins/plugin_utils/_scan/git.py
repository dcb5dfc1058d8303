# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of a git repository, each once and also unreachable ones, and the gaps of its history.

Nothing is fetched. git works on a view (``git_view``) and never on the repository, so it runs no command that the
repository's configuration names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import bounded_program, git_view
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds, Running, records
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.files import shown

SLAB = 4 * 1024 * 1024
LARGE = 8 * 1024 * 1024
"""Bytes from which an object is read in windows."""
HUGE = 192 * 1024 * 1024
"""Bytes of the largest object that git may have to hold whole: a delta, or an object that is no blob."""
RESTARTS = 20
"""Number of times that git is restarted after an object that ended it."""
ENTRIES = 2_000_000
"""Files of the index, or of one commit."""
PATHS = 512 * 1024 * 1024
"""Bytes of the index's paths."""
SUBMODULE = b"160000 "
BLOB, COMMIT, TAG, TREE = "blob", "commit", "tag", "tree"
_BATCH = ("--batch", "--buffer")
_IN_PIECES = (
    *("-c", f"core.bigFileThreshold={LARGE}", "-c", "core.packedGitWindowSize=32m", "-c", "core.packedGitLimit=128m"),
)
"""Options that bound git's memory: blobs without a delta are streamed, and packs are mapped in small windows."""
_ALONE = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
}


class Slab(NamedTuple):
    """Several objects in the output of ``git cat-file``, each after its header line."""

    data: bytes
    objects: list[tuple[int, int, str, str]]
    """Begin and end in ``data``, type and id of each object."""


class Large(NamedTuple):
    kind: str
    id: str
    size: int
    stream: Any


class Interrupted(ScanError):
    """Raised if git ends before it has returned every object."""

    def __init__(self, reason: str, *, within: bool = False) -> None:
        super().__init__(reason)
        self.within = within
        """Whether git ended within an object."""


def environment(directory: str) -> dict[str, str]:
    """The environment of git and of programs that start git: one repository, and no configuration outside of it."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**variables, **_ALONE, "GIT_DIR": directory}


@contextmanager
def repository(path: str, bounds: Bounds = Bounds()) -> Iterator[Repository]:  # noqa: B008
    """The repository that contains a path. Raises ScanError."""
    with git_view.view(path) as view:
        yield Repository(view, bounds)


class Repository:
    """A repository's view, read through git's plumbing commands."""

    def __init__(self, view: git_view.View, bounds: Bounds) -> None:
        self.view = view
        self.bounds = bounds._replace(memory=bounds.memory + view.known)
        self._entries: dict[bytes, bytes] | None = None
        self.missing: list[str] = []
        """Ids of objects that git could not read."""

    @contextmanager
    def running(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        talks: bool = False,
        tree: str | None = None,
        codes: Sequence[int] = (0,),
    ) -> Iterator[Running]:
        """A running git. Raises ScanError at its end if git failed."""
        command = ["git", "--no-pager", "--no-replace-objects", "-C", self.view.directory, *arguments]
        variables = environment(self.view.directory)
        if tree:
            variables["GIT_WORK_TREE"] = command[4] = tree
        with (
            _installed(),
            bounded_program.running(
                command,
                environment=variables,
                stdin=stdin,
                talks=talks,
                bounds=self.bounds,
                codes=codes,
                label=f"git {next((word for word in arguments if not word.startswith('-') and '=' not in word), '')}",
            ) as program,
        ):
            yield program

    @contextmanager
    def reading(self, *arguments: str, stdin: bytes | None = None) -> Iterator[IO[bytes]]:
        """The output of a running git. Raises ScanError at its end if git failed."""
        with self.running(*arguments, stdin=stdin) as program:
            yield program.output

    def not_here(self) -> Iterator[str]:
        """The gaps of the history and of the working tree, each with its remedy."""
        shallow = len(self.view.shallow())
        if shallow:
            yield (
                f"a shallow clone: the history before {shallow} commits is missing. Run git fetch --unshallow, then "
                "scan again"
            )
        if self.view.partial:
            missing = self._missing()
            if missing:
                yield (
                    f"a partial clone: {missing} objects are missing. Run git fetch --refetch --no-filter, then scan "
                    "again"
                )
        yield from self.view.not_checked
        submodules = self._submodules()
        for path in submodules:
            yield f"submodule {path}: is a repository of its own; scan it by its own path"
        for path in git_view.modules(self.view.place):
            if path not in submodules:
                yield f".git/modules/{path}: belongs to a submodule that was moved or removed; scan it by this path"

    def _missing(self) -> int:
        missing = 0
        try:
            logged = b"".join(name + b"\n" for name in self.view.logged())
            arguments = ("rev-list", "--objects", "--ignore-missing", "--missing=print", "--all", "--reflog", "--stdin")
            with self.reading(*arguments, stdin=logged) as output:
                for line in records(output):
                    missing += line.startswith(b"?")
        except ScanError:  # git stops at a missing object, so at least one is missing
            missing = max(missing, 1)
        return missing

    def _submodules(self) -> list[str]:
        submodules: set[bytes] = set()
        # There may be no commit yet. The search of all objects reports a broken history.
        with suppress(ScanError), self.reading("ls-tree", "-r", "-z", "--full-tree", "HEAD") as output:
            for number, line in enumerate(records(output, b"\0")):
                if number == ENTRIES:
                    raise ScanError(f"more than {ENTRIES} files")
                if line.startswith(SUBMODULE):
                    submodules.add(line.partition(b"\t")[2])
        with suppress(ScanError):  # the search of the working tree reports this
            submodules.update(path for path, entry in self.entries().items() if entry.startswith(SUBMODULE))
        return sorted({shown(path) for path in submodules})

    def entries(self) -> dict[bytes, bytes]:
        """Mode, id and stage of each file in the index, by path. Raises ScanError."""
        if self._entries is None:
            self._entries = self._indexed()
        return self._entries

    def index(self) -> dict[bytes, bytes]:
        """The blob ids of the files in the index, by path. Raises ScanError."""
        return {path: entry.split()[1] for path, entry in self.entries().items()}

    def _indexed(self) -> dict[bytes, bytes]:
        indexed: dict[bytes, bytes] = {}
        size = 0
        with self.reading("ls-files", "-s", "-z") as output:
            for line in records(output, b"\0"):
                entry, _tab, path = line.partition(b"\t")
                size += len(path)
                if len(indexed) == ENTRIES or size > PATHS:
                    raise ScanError(f"the index has more than {ENTRIES} files, or paths of more than {PATHS >> 20} MiB")
                indexed[path] = entry
        return indexed

    def head(self) -> str:
        """The id of the commit that is checked out. Empty if there is no commit."""
        try:
            with self.reading("rev-parse", "-q", "--verify", "HEAD") as output:
                return output.read(100).decode("ascii", "replace").strip()
        except ScanError:
            return ""

    def empty_tree(self) -> str:
        return hashlib.new("sha256" if self.view.sha256 else "sha1", b"tree 0\0").hexdigest()

    def contents(self, ids: Sequence[str] | None = None) -> Iterator[Slab | Large]:
        """The bytes of the given objects, or of all objects in the repository.

        A Large object is read to its end before the next object. Raises Interrupted if git ends early.
        """
        if ids is not None and not ids:
            return
        stdin = "\n".join(ids).encode() + b"\n" if ids is not None else None
        options = ("--batch-all-objects", "--unordered") if ids is None else ()
        try:
            with self.reading(*_IN_PIECES, "cat-file", *options, *_BATCH, stdin=stdin) as output:
                yield from _slabs(output, self.missing)
        except Interrupted:
            raise
        except ScanError as error:
            raise Interrupted(str(error)) from None

    def count(self) -> int:
        """The number of objects. 0 if git cannot count them."""
        form = "--batch-check=%(objectname)"
        try:
            with self.reading("cat-file", "--batch-all-objects", "--unordered", "--buffer", form) as output:
                return sum(1 for _line in records(output))
        except ScanError:
            return 0

    def careful(self, passed: Any) -> Iterator[Slab | Large]:
        """The bytes of all objects. Reports objects that git cannot hold, or that end git, to ``passed``."""
        ids = self._bearable(passed)
        for _start in range(RESTARTS):
            seen, missing = 0, len(self.missing)
            try:
                for part in self.contents(ids):
                    yield part
                    seen += 1 if isinstance(part, Large) else len(part.objects)
                return
            except Interrupted as error:
                at = seen + len(self.missing) - missing - error.within
                passed(ids[at] if at < len(ids) else "", str(error))
                ids = ids[at + 1 :]
        passed(f"{len(ids)} objects", f"git failed {RESTARTS} times at other objects")

    def _bearable(self, passed: Any) -> list[str]:
        results: list[str] = []
        form = "--batch-check=%(objectname) %(objecttype) %(objectsize) %(deltabase)"
        with self.reading("cat-file", "--batch-all-objects", "--unordered", "--buffer", form) as output:
            for line in records(output):
                name, _space, rest = line.decode("ascii", "replace").partition(" ")
                fields = rest.split()
                if len(fields) != 3:
                    self.missing.append(name)
                elif int(fields[1]) > HUGE and (fields[0] != BLOB or fields[2].strip("0")):
                    passed(name, f"takes more than {HUGE >> 20} MiB in git's memory")
                else:
                    results.append(name)
        return results

    @contextmanager
    def blob(self, name: str) -> Iterator[IO[bytes]]:
        with self.reading(*_IN_PIECES, "cat-file", "blob", name) as output:
            yield output


@contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except bounded_program.NotStarted as error:
        raise ScanError(f"{error}; install git") from None


class _Limited:
    """The next ``size`` bytes of a stream. ``head`` holds those that were read already."""

    def __init__(self, head: bytes, size: int, stream: IO[bytes]) -> None:
        self._head = head
        self.left = size
        self._stream = stream

    def seekable(self) -> bool:
        return False

    def read(self, count: int) -> bytes:
        count = min(count, self.left)
        data = self._head[:count]
        self._head = self._head[count:]
        if len(data) < count:
            data += self._stream.read(count - len(data))
        self.left -= len(data)
        return data


_HEAD = re.compile(rb"(\S+) (\S+) (\d+)\n")


def _slabs(output: IO[bytes], missing: list[str]) -> Iterator[Slab | Large]:
    data, slabs, at = b"", [], 0
    while True:
        head = _HEAD.match(data, at)
        line = -1 if head else data.find(b"\n", at)
        if line >= 0:
            missing.append(data[at:line].decode("utf-8", "replace").partition(" ")[0])
            at = line + 1
            continue
        size = int(head[3]) if head else 0
        begin = head.end() if head else 0
        if head and begin + size < len(data):
            slabs.append((begin, begin + size, head[2].decode(), head[1].decode()))
            at = begin + size + 1
            continue
        # The rest of the slab is not a whole object.
        if slabs:
            yield Slab(data[:at], slabs)
        data, slabs, begin, at = data[at:], [], begin - at, 0
        if head and size > LARGE:
            stream = _Limited(data[begin:], size + 1, output)
            whole = _Limited(b"", size, stream)  # type: ignore[arg-type]
            yield Large(head[2].decode(), head[1].decode(), size, whole)
            while whole.read(SLAB):
                pass
            if whole.left:
                raise Interrupted("git ended within an object", within=True)
            stream.read(1)
            data, size = b"", 0
        fresh = output.read(max(SLAB, size))
        if not fresh:
            return
        data += fresh
