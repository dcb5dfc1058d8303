# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which commit brought a blob, under which path, and what still leads there. Asked only for blobs that hit."""

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
"""A line that git hands back, and with it all that it has printed so far."""
_PRETTY = "--pretty=tformat:%x01commit %H%x00%an <%ae>%x00%aI%x00%ct"


class Commit(NamedTuple):
    """Who made it, and when."""

    id: str
    author: str
    date: str
    time: int


class CommitOrigin(NamedTuple):
    """A commit in which a blob is new, and its path there."""

    path: str
    commit: Commit


class CommitReach(NamedTuple):
    """The commits that something leads to, the closest first."""

    names: Sequence[str]
    sets: Sequence[set[str]]

    def of(self, commit: str) -> str:
        return next((name for name, commits in zip(self.names, self.sets, strict=False) if commit in commits), NOTHING)


def origins(
    repository: Repository, blobs: Collection[str], commits: bytes
) -> tuple[dict[str, list[CommitOrigin]], list[str]]:
    """Where each blob is new, the oldest first, and why some commits could not be compared with what came before.

    ``commits`` are ids, one a line. Merges count where they brought what no parent has.
    """
    wanted = {name.encode() for name in blobs}
    result: dict[str, list[CommitOrigin]] = {}
    flaws: list[str] = []
    remaining = commits.split() if wanted else []
    while remaining:
        seen = 0
        try:
            for count, blob, origin in _brought(repository, wanted, remaining):
                seen = count
                if blob:
                    result.setdefault(blob.decode(), []).append(origin)
            break
        except ScanError as error:  # of the commit after the last one that was done
            flaws.append(f"commit {remaining[min(seen, len(remaining) - 1)][:12].decode('ascii', 'replace')}: {error}")
            remaining = remaining[seen + 1 :]
        if len(flaws) == RESTARTS and remaining:
            flaws.append(f"{len(remaining)} more commits: git ended {RESTARTS} times at others")
            break
    several = [origin.commit.id for origins in result.values() if len(origins) > 1 for origin in origins]
    order = _order(repository, set(several))
    for commit_origins in result.values():
        commit_origins.sort(key=lambda origin: (order.get(origin.commit.id, 0), origin.commit.time, origin.path))
    return result, flaws


def _order(repository: Repository, commits: Collection[str]) -> dict[str, int]:
    """Which commit is older: a parent than its children, whatever their clocks say, and others by their time."""
    if not commits:
        return {}
    stdin = "\n".join(sorted(commits)).encode() + b"\n"
    order: dict[str, int] = {}
    # Without what history breaks off at, their times are left.
    with (
        suppress(ScanError),
        repository.reading("rev-list", "--ignore-missing", "--date-order", "--stdin", stdin=stdin) as output,
    ):
        for number, line in enumerate(records(output)):
            name = line.strip().decode("ascii", "replace")
            if name in commits:
                order[name] = -number
    return order


def _brought(
    repository: Repository, wanted: set[bytes], commits: Sequence[bytes]
) -> Iterator[tuple[int, bytes, CommitOrigin]]:
    """How many commits were reported so far, and each wanted blob that one of them brought."""
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
    """Who made these commits."""
    if not commits:
        return {}
    stdin = "\n".join(sorted(commits)).encode() + b"\n"
    arguments = ("log", "--no-walk", "--stdin", "--no-show-signature", _PRETTY)
    with repository.reading(*arguments, stdin=stdin) as output:
        results = [_commit(line) for line in records(output) if line.startswith(_START)]
    return {commit.id: commit for commit in results}


def reach(repository: Repository, commits: Collection[str]) -> CommitReach:
    """What leads to these commits; asked once there is a finding."""
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
    """The paths of the index by blob."""
    try:
        return {blob.decode(): shown(path) for path, blob in reversed(list(repository.index().items()))}
    except ScanError:  # which the working tree's turn tells
        return {}


def _reached(repository: Repository, wanted: set[bytes], *arguments: str, stdin: bytes) -> set[str]:
    """Those of the wanted commits that are in a list which can be long."""
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
    if len(parts) != 4:  # its author's name is longer than a line may be
        return Commit(parts[0][:64].decode("ascii", "replace"), "", "", 0)
    date = printable(parts[2].decode("ascii", "replace"))
    return Commit(parts[0].decode("ascii", "replace"), shown(parts[1]), date, _seconds(parts[3]))


def _seconds(text: bytes) -> int:
    return int(text) if text[:18].isdigit() and len(text) < 18 else 0


def _new_blob(head: bytes) -> bytes:
    """The last id of ``:100644 100644 OLD NEW M``; a merge has a colon, a mode and an id more for each parent."""
    parts = head.split()
    return parts[-2] if len(parts) > 3 else b""


def _unquoted(path: bytes) -> str:
    """A path as git quotes it, for people."""
    if path.startswith(b'"') and path.endswith(b'"'):
        path = path[1:-1].decode("unicode_escape", "replace").encode("latin-1", "replace")
    return shown(path)
