# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of a repository that hold values, and the commits that added them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import git_history
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.archives import Ending, Rest
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.formats import (
    END_OF_ZIP,
    HEAD,
    STARTS,
    TAIL,
    TAR_AT,
    ZIP,
    ends_as_zip,
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
    NOTES,
    Scanning,
    ValueMatch,
    finding,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import Finding
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.stream_search import Spots, placed

MESSAGES = {COMMIT: "(commit message)", TREE: "(name of a file)", "tag": "(tag message)"}
ELSEWHERE = "are pointers of git-lfs; run git lfs fetch --all, then scan the directory .git/lfs"
LFS = b"version https://git-lfs.github.com/spec/"


class Holder(NamedTuple):
    kind: str
    value_matches: Sequence[ValueMatch]


class Search:
    """Searches the objects of a repository. Counts git-lfs pointers, because git does not hold those files."""

    def __init__(self, repository: Repository, scanning: Scanning, source: str) -> None:
        self._repository = repository
        self._scanning = scanning
        self._source = source
        self._commits = bytearray()  # one id a line: as texts, a million of them would take 90 MB
        self._pointers = 0
        self._objects = 0
        self._more = 0
        self._unopened: dict[str, list[tuple[str, str]]] = {}
        """Parts that could not be opened, by blob."""
        self._more_unopened = 0
        self.hits: dict[str, Holder] = {}
        repository.missing.clear()

    def look(self, ids: Sequence[str] | None = None, *, careful: bool = False) -> None:
        """Searches the given objects, or all. Raises Interrupted if git ends early, unless ``careful``."""
        parts = self._repository.careful(self._broken) if careful else self._repository.contents(ids)
        for part in parts:
            if isinstance(part, Large):
                self._objects += 1
                self._hit({(part.kind, part.id): self._large(part)})
            else:
                self._objects += len(part.objects)
                self._commits += b"".join([pair[3].encode() + b"\n" for pair in part.objects if pair[2] == COMMIT])
                self._hit(self._in_slab(part))
            self._scanning.progress.searched(self._objects, self._repository.count)
        self._noted()

    def _noted(self) -> None:
        self._scanning.objects += self._objects
        for count, noun, reason in (
            (
                len(self._repository.missing),
                "objects",
                "are missing or broken; list them by git fsck, and clone again",
            ),
            (self._pointers, "files", ELSEWHERE),
            (
                self._more,
                "more objects",
                f"hold values and are not listed; fix the first {FINDINGS:,}, then scan again",
            ),
        ):
            if count:
                self._scanning.passed(self._source, f"{count} {noun}", reason)

    def _broken(self, name: str, reason: str) -> None:
        place = f"object {name[:12]}" if name and " " not in name else name or "some objects"
        self._scanning.passed(self._source, place, f"{reason}; run git fsck to see more")

    def _hit(self, spots_by_object: dict[tuple[str, str], Spots]) -> None:
        for (kind, name), spots in spots_by_object.items():
            if len(self.hits) >= FINDINGS:
                self._more += bool(spots.kept)
            elif spots.kept:
                self.hits[name] = Holder(kind, self._scanning.found(spots))

    def _in_slab(self, part: Slab) -> dict[tuple[str, str], Spots]:
        data = part.data
        by_object = self._by_object(data, part.objects)
        has_zips = END_OF_ZIP in data
        for at, (begin, end, kind, name) in enumerate(part.objects):
            if kind != BLOB:
                continue
            self._pointers += data.startswith(LFS, begin)
            packed = data.startswith(STARTS, begin) or (
                end - begin > HEAD and data.startswith(b"ustar", begin + TAR_AT)
            )
            kind_at_end = ZIP if has_zips and ends_as_zip(data[max(begin, end - TAIL) : end]) else None
            if packed or kind_at_end:
                stream = io.BytesIO(data[begin:end])
                by_object.setdefault(at, Spots()).join(self._unpacked(name, stream, None if packed else kind_at_end))
        return {(part.objects[at][2], part.objects[at][3]): spots for at, spots in by_object.items()}

    def _by_object(self, data: bytes, objects: Sequence[tuple[int, int, str, str]]) -> dict[int, Spots]:
        """Matches in each object, from one search over all. A match across the edge of an object belongs to none."""
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
        whole = Ending(Rest(part.stream, head))
        spots = Spots(self._scanning.searcher.in_stream(whole.read))
        kind = kind_of(head) or (ZIP if ends_as_zip(whole.tail) else None)
        if kind is not None and part.kind == BLOB:
            with self._repository.blob(part.id) as stream:
                limit = self._scanning.unpacker.limits.memory
                again: Any = io.BytesIO(stream.read()) if kind == ZIP and part.size <= limit else Rest(stream)
                spots.join(self._unpacked(part.id, again, kind))
        return spots

    def _unpacked(self, blob: str, stream: Any, kind: str | None) -> Spots:
        flaws: list[tuple[str, str]] = []
        spots = self._scanning.unpacked(stream, lambda inside, reason: flaws.append((inside, reason)), kind)
        if flaws and len(self._unopened) < NOTES:
            self._unopened[blob] = flaws
        elif flaws:
            self._more_unopened += 1
        return spots

    def note_unopened(self, paths: Mapping[str, str]) -> None:
        """Reports the blobs that could not be opened, by their path in the index or in the commit that added them."""
        rest = [blob for blob in self._unopened if blob not in paths]
        came = git_history.origins(self._repository, rest, bytes(self._commits))[0] if rest else {}
        if self._more_unopened:
            self._scanning.passed(self._source, f"{self._more_unopened} more files", "are packed and were not opened")
        for blob, flaws in self._unopened.items():
            path = paths.get(blob) or (came[blob][0].path if blob in came else f"blob {blob[:12]}")
            for inside, reason in flaws:
                self._scanning.noting(self._source, path)(inside, reason)

    def attributed(self) -> Iterator[Finding]:
        """The findings, with the commit that added each, and the references that still reach it."""
        index = git_history.staged(self._repository) if self.hits or self._unopened else {}
        self.note_unopened(index)
        if not self.hits:
            return
        repository, hits = self._repository, self.hits
        blobs = [name for name, hit in hits.items() if hit.kind == BLOB]
        came, flaws = git_history.origins(repository, blobs, bytes(self._commits))
        for flaw in flaws:
            self._scanning.passed(self._source, "commits of findings", flaw)
        makers = git_history.described(repository, [name for name, hit in hits.items() if hit.kind == COMMIT])
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
