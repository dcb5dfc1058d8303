# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commits that added a blob, its paths there, and the references that still reach them. Read only for matches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import printable, records
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.files import shown
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git import ENTRIES, RESTARTS, Repository

BRANCH, TAG_ONLY, OTHER, REFLOG, STAGED, NOTHING = (
    "a branch",
    "a tag only",
    "a stash or another ref",
    "a reflog or an older stash",
    "the index only",
    "nothing any more",
)
_START = b"\x01commit "
_DONE = b"."
"""A line that ``git diff-tree --stdin`` repeats, which also flushes its output so far."""
_PRETTY = "--pretty=tformat:%x01commit %H%x00%an <%ae>%x00%aI%x00%ct"


class Commit(NamedTuple):
    id: str
    author: str
    date: str
    time: int


class CommitOrigin(NamedTuple):
    """A commit that added a blob, and the blob's path there."""

    path: str
    commit: Commit


class CommitReach(NamedTuple):
    """Sets of commits, each with the kind of reference that reaches them, the closest first."""

    names: Sequence[str]
    sets: Sequence[set[str]]

    def of(self, commit: str) -> str:
        return next((name for name, commits in zip(self.names, self.sets, strict=False) if commit in commits), NOTHING)


def origins(
    repository: Repository, blobs: Collection[str], commits: bytes
) -> tuple[dict[str, list[CommitOrigin]], list[str]]:
    """The commits that added each blob, the oldest first, and the commits that git could not compare.

    ``commits`` are ids, one a line. A merge counts if it added a blob that no parent has.
    """
    wanted = {name.encode() for name in blobs}
    result: dict[str, list[CommitOrigin]] = {}
    flaws: list[str] = []
    remaining = commits.split() if wanted else []
    while remaining:
        seen = 0
        try:
            for count, blob, origin in _added_blobs(repository, wanted, remaining):
                seen = count
                if blob:
                    result.setdefault(blob.decode(), []).append(origin)
            break
        except ScanError as error:  # the commit after the last completed one caused this
            flaws.append(f"commit {remaining[min(seen, len(remaining) - 1)][:12].decode('ascii', 'replace')}: {error}")
            remaining = remaining[seen + 1 :]
        if len(flaws) == RESTARTS and remaining:
            flaws.append(f"{len(remaining)} more commits: git failed {RESTARTS} times at other commits")
            break
    several = [origin.commit.id for origins in result.values() if len(origins) > 1 for origin in origins]
    order = _order(repository, set(several))
    for commit_origins in result.values():
        commit_origins.sort(key=lambda origin: (order.get(origin.commit.id, 0), origin.commit.time, origin.path))
    return result, flaws


def _order(repository: Repository, commits: Collection[str]) -> dict[str, int]:
    """A rank for each commit, lower for older ones. Parents rank below children, even if clocks were wrong."""
    if not commits:
        return {}
    stdin = "\n".join(sorted(commits)).encode() + b"\n"
    order: dict[str, int] = {}
    # If the history is broken, the commits are ordered by their times alone.
    with (
        suppress(ScanError),
        repository.reading("rev-list", "--ignore-missing", "--date-order", "--stdin", stdin=stdin) as output,
    ):
        for number, line in enumerate(records(output)):
            name = line.strip().decode("ascii", "replace")
            if name in commits:
                order[name] = -number
    return order


def _added_blobs(
    repository: Repository, wanted: set[bytes], commits: Sequence[bytes]
) -> Iterator[tuple[int, bytes, CommitOrigin]]:
    """The number of completed commits so far, and each wanted blob that a commit added. An empty blob ends a commit."""
    arguments = ("diff-tree", "--stdin", "-r", "-c", "--root", "--no-renames", "--no-abbrev")
    stdin = b"".join(b"%s\n%s\n" % (commit, _DONE) for commit in commits)
    number, entries, now = 0, 0, Commit("", "", "", 0)
    with repository.reading(*arguments, "--no-ext-diff", "--no-textconv", "--raw", _PRETTY, stdin=stdin) as output:
        for line in records(output):
            if line.startswith(_START):
                now = _commit(line)
            elif line == _DONE:
                number, entries = number + 1, 0
                yield number, b"", CommitOrigin("", now)
            elif line.startswith(b":"):
                entries += 1
                if entries > ENTRIES:
                    raise ScanError(f"changes more than {ENTRIES} files")
                head, _tab, path = line.partition(b"\t")
                blob = _new_blob(head)
                if blob in wanted:
                    yield number, blob, CommitOrigin(_unquoted(path), now)


def described(repository: Repository, commits: Collection[str]) -> dict[str, Commit]:
    """Author and date of each commit, by id."""
    if not commits:
        return {}
    stdin = "\n".join(sorted(commits)).encode() + b"\n"
    arguments = ("log", "--no-walk", "--stdin", "--no-show-signature", _PRETTY)
    with repository.reading(*arguments, stdin=stdin) as output:
        results = [_commit(line) for line in records(output) if line.startswith(_START)]
    return {commit.id: commit for commit in results}


def reach(repository: Repository, commits: Collection[str]) -> CommitReach:
    """The references that reach these commits. Slow, so called only if there is a finding."""
    wanted = {name.encode() for name in commits}
    fields = {
        BRANCH: ("--branches", "--remotes", "HEAD"),
        TAG_ONLY: ("--tags",),
        OTHER: ("--all",),
        REFLOG: ("--all", "--reflog"),
    }
    logged = b"".join(name + b"\n" for name in repository.view.logged())
    return CommitReach(
        list(fields),
        [
            _reached(repository, wanted, *arguments, stdin=logged if name == REFLOG else b"")
            for name, arguments in fields.items()
        ],
    )


def staged(repository: Repository) -> dict[str, str]:
    """The paths of the index, by blob."""
    try:
        return {blob.decode(): shown(path) for path, blob in reversed(list(repository.index().items()))}
    except ScanError:  # the search of the working tree reports this
        return {}


def _reached(repository: Repository, wanted: set[bytes], *arguments: str, stdin: bytes) -> set[str]:
    """The wanted commits in the output of ``git rev-list``, which can be long."""
    results: set[str] = set()
    try:
        with repository.reading("rev-list", "--ignore-missing", *arguments, "--stdin", stdin=stdin) as output:
            for line in records(output):
                name = line.strip()
                if name in wanted:
                    results.add(name.decode())
    except ScanError:  # a repository without commits, or whose history breaks off
        pass
    return results


def _commit(line: bytes) -> Commit:
    parts = line[len(_START) :].rstrip(b"\n").split(b"\0")
    if len(parts) != 4:  # the author's name exceeds the bound of a line
        return Commit(parts[0][:64].decode("ascii", "replace"), "", "", 0)
    date = printable(parts[2].decode("ascii", "replace"))
    return Commit(parts[0].decode("ascii", "replace"), shown(parts[1]), date, _seconds(parts[3]))


def _seconds(text: bytes) -> int:
    return int(text) if text[:18].isdigit() and len(text) < 18 else 0


def _new_blob(head: bytes) -> bytes:
    """The last id of ``:100644 100644 OLD NEW M``. A merge has one more colon, mode and id for each parent."""
    parts = head.split()
    return parts[-2] if len(parts) > 3 else b""


def _unquoted(path: bytes) -> str:
    """The printable form of a path that git may have quoted."""
    if path.startswith(b'"') and path.endswith(b'"'):
        path = path[1:-1].decode("unicode_escape", "replace").encode("latin-1", "replace")
    return shown(path)
