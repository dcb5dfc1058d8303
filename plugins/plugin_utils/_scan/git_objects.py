# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of a repository that hold values, and who brought them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import git_history
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.archives import (
    HEAD,
    STARTS,
    TAR_AT,
    ZIP,
    kind_of,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git import (
    BLOB,
    COMMIT,
    TREE,
    Large,
    Repository,
    Slab,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.matchers import Hit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan import (
    FINDINGS,
    Scanning,
    ValueMatch,
    finding,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import Finding
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.stream_search import Spots, placed

MESSAGES = {COMMIT: "(commit message)", TREE: "(name of a file)", "tag": "(tag message)"}
BROKEN = "are missing or broken; see what git fsck says, and clone again"
ELSEWHERE = "are pointers of git-lfs; git lfs fetch --all, then scan .git/lfs as a directory"
LFS = b"version https://git-lfs.github.com/spec/"


class Holder(NamedTuple):
    """An object that holds values."""

    kind: str
    value_matches: Sequence[ValueMatch]


class Joined:
    """A stream with its beginning prepended."""

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


class Search:
    """The objects of a repository that hold values. What lies in git-lfs is counted: it is not in git."""

    def __init__(self, repository: Repository, scanning: Scanning, source: str) -> None:
        self._repository = repository
        self._scanning = scanning
        self._source = source
        self._commits = bytearray()  # one id a line: as texts, a million of them would take 90 MB
        self._pointers = 0
        self._objects = 0
        self._more = 0
        self.hits: dict[str, Holder] = {}
        repository.missing.clear()

    def look(self, ids: Sequence[str] | None = None, *, careful: bool = False) -> None:
        """Through these objects, or all. Raises Interrupted where git ends before that; never where it is careful."""
        parts = self._repository.careful(self._broken) if careful else self._repository.contents(ids)
        for part in parts:
            if isinstance(part, Large):
                self._objects += 1
                self._hit({(part.kind, part.id): self._large(part)})
            else:
                self._objects += len(part.objects)
                self._commits += b"".join(pair[3].encode() + b"\n" for pair in part.objects if pair[2] == COMMIT)
                self._pointers += sum(part.data.startswith(LFS, pair[0]) for pair in part.objects)
                self._hit(self._in_slab(part))
        self._noted()

    def _noted(self) -> None:
        self._scanning.objects += self._objects
        for count, what, reason in (
            (
                len(self._repository.missing),
                "objects",
                "are missing or broken; see what git fsck says, and clone again",
            ),
            (
                self._pointers,
                "files",
                "are pointers of git-lfs; git lfs fetch --all, then scan .git/lfs as a directory",
            ),
            (
                self._more,
                "more objects",
                f"hold values and are not listed; fix the first {FINDINGS:,}, then scan again",
            ),
        ):
            if count:
                self._scanning.passed(self._source, f"{count} {what}", reason)

    def _broken(self, name: str, reason: str) -> None:
        what = f"object {name[:12]}" if name and " " not in name else name or "some objects"
        self._scanning.passed(self._source, what, f"{reason}; see what git fsck says")

    def _hit(self, spots_by_object: dict[tuple[str, str], Spots]) -> None:
        for (kind, name), spots in spots_by_object.items():
            if len(self.hits) >= FINDINGS:
                self._more += bool(spots.kept)
            elif spots.kept:
                self.hits[name] = Holder(kind, self._scanning.found(spots))

    def _in_slab(self, part: Slab) -> dict[tuple[str, str], Spots]:
        """What stands in each object of a slab, and in what it packs."""
        data = part.data
        by_object = self._by_object(data, part.objects)
        for at, (begin, end, kind, name) in enumerate(part.objects):
            packed = data.startswith(STARTS, begin) or (
                end - begin > HEAD and data.startswith(b"ustar", begin + TAR_AT)
            )
            if packed and kind == BLOB:
                spots = self._scanning.unpacked(io.BytesIO(data[begin:end]), self._source, f"blob {name[:12]}")
                by_object.setdefault(at, Spots()).join(spots)
        return {(part.objects[at][2], part.objects[at][3]): spots for at, spots in by_object.items()}

    def _by_object(self, data: bytes, objects: Sequence[tuple[int, int, str, str]]) -> dict[int, Spots]:
        """One search over many objects; what reaches over an object's edge is in none of them."""
        inside: dict[int, list[Hit]] = {}
        at = 0
        for hit in self._scanning.searcher.hits(data):
            while at < len(objects) and objects[at][1] <= hit.begin:
                at += 1
            if at == len(objects):
                break
            if objects[at][0] <= hit.begin and hit.end <= objects[at][1]:
                inside.setdefault(at, []).append(hit)
        return {at: Spots(placed(data, hits, start=objects[at][0])) for at, hits in inside.items()}

    def _large(self, part: Large) -> Spots:
        head = part.stream.read(HEAD)
        spots = Spots(self._scanning.searcher.in_stream(Joined(head, part.stream).read))
        kind = kind_of(head) if part.kind == BLOB else None
        if kind is not None:
            with self._repository.blob(part.id) as stream:
                limit = self._scanning.unpacker.limits.memory
                whole: Any = io.BytesIO(stream.read()) if kind == ZIP and part.size <= limit else Joined(b"", stream)
                spots.join(self._scanning.unpacked(whole, self._source, f"blob {part.id[:12]}"))
        return spots

    def attributed(self) -> Iterator[Finding]:
        """The findings, with who brought them and what still leads there."""
        if not self.hits:
            return
        repository, hits = self._repository, self.hits
        blobs = [name for name, hit in hits.items() if hit.kind == BLOB]
        came, flaws = git_history.origins(repository, blobs, bytes(self._commits))
        for flaw in flaws:
            self._scanning.passed(self._source, "which commits brought what was found", flaw)
        makers = git_history.described(repository, [name for name, hit in hits.items() if hit.kind == COMMIT])
        index = git_history.staged(repository) if blobs else {}
        names = [origin.commit.id for commit_origins in came.values() for origin in commit_origins]
        reach = git_history.reach(repository, [*names, *makers])
        for name, hit in hits.items():
            extra = _origin(name, hit.kind, came.get(name, []), makers, index, reach)
            for value_match in hit.value_matches:
                yield finding(value_match, source=self._source, blob=name, **extra)


def _origin(
    name: str,
    kind: str,
    came: Sequence[git_history.CommitOrigin],
    makers: dict[str, git_history.Commit],
    index: dict[str, str],
    reach: git_history.CommitReach,
) -> dict[str, Any]:
    commit: git_history.Commit | None = came[0].commit if came else makers.get(name)
    if kind != BLOB:
        path = MESSAGES.get(kind, f"({kind})")
    else:
        path = came[0].path if came else index.get(name, f"(blob {name[:12]})")
    if commit is None:
        how = git_history.STAGED if name in index else git_history.NOTHING
        return {"path": path, "reach": how if kind == BLOB else ""}
    names = [commit_origin.commit.id for commit_origin in came] or [commit.id]
    ways = [reach.of(name) for name in names]
    best = min(ways, key=[*reach.names, git_history.NOTHING].index)
    return {
        "path": path,
        "paths": len({commit_origin.path for commit_origin in came}) or 1,
        "commit": commit.id,
        "author": commit.author,
        "date": commit.date,
        "commits": len(set(names)),
        "reach": best,
    }
