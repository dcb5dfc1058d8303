# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A git repository's objects, each once, reachable or not, and what of its history is not here.

Nothing is fetched, and no program that the repository's configuration names is started.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import IO, Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import ScanError

SLAB = 4 * 1024 * 1024
LARGE = 8 * 1024 * 1024
"""Bytes from which an object is read in windows."""
BLOB, COMMIT, TAG, TREE = "blob", "commit", "tag", "tree"
OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never")


class Slab(NamedTuple):
    """Several objects' bytes, one after the other, each after a line of git's."""

    data: bytes
    objects: List[Tuple[int, int, str, str]]
    """Where each begins and ends, its type and its id."""


class Large(NamedTuple):
    """An object that is read as it comes."""

    kind: str
    id: str
    size: int
    stream: Any


class State(NamedTuple):
    """What a repository says about itself."""

    directory: str
    """The one that git keeps for itself."""
    common: str
    top: Optional[str]
    """The working tree; None where there is none."""
    not_checked: Tuple[str, ...]


class Repository:
    """One repository, through git's plumbing."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.missing: List[str] = []
        """Objects that were asked for and cannot be read."""

    def command(self, *arguments: str) -> List[str]:
        return ["git", "--no-replace-objects", *OPTIONS, "-C", self.path, *arguments]

    def environment(self) -> Dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return {
            **kept,
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_OPTIONAL_LOCKS": "0",
        }

    def output(self, *arguments: str, given: Optional[bytes] = None, codes: Sequence[int] = (0,)) -> bytes:
        """What git prints. Raises ScanError with git's own words."""
        try:
            # pylint: disable-next=ansible-bad-function
            done = subprocess.run(
                self.command(*arguments), input=given, capture_output=True, env=self.environment(), check=False
            )
        except OSError as error:
            raise ScanError(f"git cannot be started: {error.strerror}; install it") from None
        if done.returncode not in codes:
            raise ScanError(f"{self.path}: {_words(done.stderr) or f'git {arguments[0]} failed'}")
        return done.stdout

    def text(self, *arguments: str, codes: Sequence[int] = (0,)) -> str:
        return self.output(*arguments, codes=codes).decode("utf-8", "surrogateescape").strip("\n")

    @contextmanager
    def reading(self, *arguments: str, given: Optional[bytes] = None) -> Iterator[IO[bytes]]:
        """A running git's output. Raises ScanError afterwards if it failed."""
        # pylint: disable-next=ansible-bad-function
        with subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(),
        ) as process:
            feeder = _fed(process, given)
            stdout, stderr = process.stdout, process.stderr
            if stdout is None or stderr is None:
                raise ScanError("git has no output")
            errors: List[bytes] = []
            drain = _thread(lambda: errors.append(stderr.read()))
            try:
                yield stdout
            except BaseException:
                process.kill()
                raise
            finally:
                stdout.close()
                drain.join()
                if feeder:
                    feeder.join()
        if process.returncode:
            raise ScanError(f"{self.path}: {_words(b''.join(errors)) or f'git {arguments[0]} failed'}")

    def state(self) -> State:
        """Raises ScanError where there is no repository, or git refuses it."""
        if not os.path.isdir(self.path):
            raise ScanError(f"{self.path}: is no directory; give the path of a repository")
        directory, common, bare = self.text(
            "rev-parse", "--absolute-git-dir", "--git-common-dir", "--is-bare-repository"
        ).split("\n")
        common = os.path.normpath(os.path.join(self.path, common))
        top = None if bare == "true" else self.text("rev-parse", "--show-toplevel", codes=(0, 128)) or None
        return State(directory, common, top, tuple(self._not_here(common)))

    def _not_here(self, common: str) -> Iterator[str]:
        """What of its history is elsewhere, each with the remedy."""
        shallow = _lines(os.path.join(common, "shallow"))
        if shallow:
            yield (
                f"a shallow clone: what came before {len(shallow)} commits is not here; "
                "git fetch --unshallow, then scan again"
            )
        if self.text("config", "--get-regexp", r"^remote\..*\.(promisor|partialclonefilter)$", codes=(0, 1)):
            missing = self._missing()
            if missing:
                yield (
                    f"a partial clone: {missing} objects are not here; git fetch --refetch --no-filter, then scan again"
                )
        for line in _lines(os.path.join(common, "objects", "info", "alternates")):
            place = os.path.join(common, "objects", line)
            if not line.startswith("#") and not os.path.isdir(place):
                yield f"objects borrowed from {line}, which is not there; bring it back, or clone again"
        for path in self._submodules():
            yield f"submodule {path}: is a repository of its own; scan it by its own path"

    def _missing(self) -> int:
        missing = 0
        try:
            with self.reading("rev-list", "--objects", "--all", "--reflog", "--missing=print") as output:
                for line in output:
                    missing += line.startswith(b"?")
        except ScanError:  # it cannot go on without what it misses: then there is something
            missing = max(missing, 1)
        return missing

    def _submodules(self) -> List[str]:
        found = self.output("ls-tree", "-r", "-z", "--full-tree", "HEAD", codes=(0, 128)).split(b"\0")
        found += self.output("ls-files", "-s", "-z", ":/", codes=(0, 128)).split(b"\0")
        paths = {line.partition(b"\t")[2] for line in found if line.startswith(b"160000 ")}
        return sorted(shown(path) for path in paths)

    def contents(self, ids: Optional[Sequence[str]] = None) -> Iterator[Union[Slab, Large]]:
        """The bytes of these objects, or of all that are here. A Large one is read to its end before the next."""
        if ids is not None and not ids:
            return
        given = "\n".join(ids).encode() + b"\n" if ids is not None else None
        every = ("--batch-all-objects", "--unordered") if ids is None else ()
        with self.reading("cat-file", "--batch", "--buffer", *every, given=given) as output:
            yield from _slabs(output, self.missing)

    @contextmanager
    def blob(self, name: str) -> Iterator[IO[bytes]]:
        with self.reading("cat-file", "blob", name) as output:
            yield output


class _Limited:
    """The next so many bytes of a stream, some of which were read already."""

    def __init__(self, head: bytes, size: int, stream: IO[bytes]) -> None:
        self._head = head
        self._left = size
        self._stream = stream

    def seekable(self) -> bool:
        return False

    def read(self, count: int) -> bytes:
        count = min(count, self._left)
        data = self._head[:count]
        self._head = self._head[count:]
        if len(data) < count:
            data += self._stream.read(count - len(data))
        self._left -= len(data)
        return data


def _slabs(output: IO[bytes], missing: List[str]) -> Iterator[Union[Slab, Large]]:
    data, found, at = b"", [], 0
    while True:
        line = data.find(b"\n", at)
        head = data[at:line].split() if line >= 0 else []
        if line >= 0 and len(head) != 3:
            missing.append(data[at:line].decode("utf-8", "replace").partition(" ")[0])
            at = line + 1
            continue
        size = int(head[2]) if head else 0
        end = line + 1 + size
        if head and end < len(data):
            found.append((line + 1, end, head[1].decode(), head[0].decode()))
            at = end + 1
            continue
        # What is left in the slab is not a whole object.
        if found:
            yield Slab(data[:at], found)
        data, found, at = data[at:], [], 0
        if head and size > LARGE:
            line = data.find(b"\n")
            stream = _Limited(data[line + 1 :], size + 1, output)
            whole = _Limited(b"", size, stream)  # type: ignore[arg-type]
            yield Large(head[1].decode(), head[0].decode(), size, whole)
            while whole.read(SLAB):
                pass
            stream.read(1)
            data = b""
        fresh = output.read(max(SLAB, size if head else 0))
        if not fresh:
            return
        data += fresh


def shown(path: bytes) -> str:
    """A path for people: what cannot be printed is a question mark."""
    return "".join(one if one.isprintable() else "?" for one in path.decode("utf-8", "replace"))


def _words(errors: bytes) -> str:
    lines = [line for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[0].partition("fatal: ")[2] or lines[0] if lines else ""


def _lines(path: str) -> List[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return [line.strip() for line in handle if line.strip()]
    except OSError:
        return []


def _thread(run: Any) -> Any:
    import threading

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def _fed(process: Any, given: Optional[bytes]) -> Any:
    """Writes to a process while its output is read."""
    if given is None:
        return None

    def feed() -> None:
        try:
            process.stdin.write(given)
            process.stdin.close()
        except OSError:
            pass  # it has ended, and says why itself

    return _thread(feed)
