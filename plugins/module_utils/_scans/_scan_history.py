# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which commit brought a blob, under which path, and what still leads there. Asked only for blobs that hit."""

from __future__ import annotations

from typing import Collection, Dict, List, NamedTuple, Sequence, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import ScanError
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_git import Repository, shown

BRANCH, TAG_ONLY, OTHER, REFLOG, STAGED, NOTHING = (
    "a branch",
    "a tag only",
    "a stash or another ref",
    "a reflog or an older stash",
    "the index only",
    "nothing any more",
)
_START = b"\x01commit "


class Commit(NamedTuple):
    """Who made it, and when."""

    id: str
    author: str
    date: str
    time: int


class Origin(NamedTuple):
    """A commit in which a blob is new, and its path there."""

    path: str
    commit: Commit


class Reach(NamedTuple):
    """The commits that something leads to, the closest first."""

    names: Sequence[str]
    sets: Sequence[Set[str]]

    def of(self, commit: str) -> str:
        return next((name for name, commits in zip(self.names, self.sets) if commit in commits), NOTHING)


def known_origins(
    repository: Repository, blobs: Collection[str], commits: bytes
) -> Tuple[Dict[str, List[Origin]], str]:
    """The same of all commits; of those that a ref leads to where others lack their trees; else why none is known."""
    try:
        return origins(repository, blobs, commits), ""
    except ScanError as error:
        flaw = str(error)
    try:
        return origins(repository, blobs, repository.output("rev-list", "--ignore-missing", "--all")), flaw
    except ScanError:
        return {}, flaw


def origins(repository: Repository, blobs: Collection[str], commits: bytes) -> Dict[str, List[Origin]]:
    """Where each blob is new, the oldest first; ``commits`` are ids, one a line.

    Merges count where they brought what no parent has.
    """
    wanted = {name.encode() for name in blobs}
    found: Dict[str, List[Origin]] = {}
    if not wanted or not commits:
        return found
    arguments = ("diff-tree", "--stdin", "-r", "-c", "--root", "--no-renames", "--no-abbrev", "--no-ext-diff")
    pretty = "--pretty=tformat:%x01commit %H%x00%an <%ae>%x00%aI%x00%ct"
    with repository.reading(*arguments, "--raw", pretty, given=commits) as output:
        now = Commit("", "", "", 0)
        for line in output:
            if line.startswith(_START):
                now = _commit(line)
            elif line.startswith(b":"):
                head, _tab, path = line.rstrip(b"\n").partition(b"\t")
                blob = _new_blob(head)
                if blob in wanted:
                    found.setdefault(blob.decode(), []).append(Origin(_unquoted(path), now))
    for one in found.values():
        one.sort(key=lambda origin: (origin.commit.time, origin.commit.id, origin.path))
    return found


def described(repository: Repository, commits: Collection[str]) -> Dict[str, Commit]:
    """Who made these commits."""
    if not commits:
        return {}
    given = "\n".join(sorted(commits)).encode() + b"\n"
    pretty = "--pretty=tformat:%x01commit %H%x00%an <%ae>%x00%aI%x00%ct"
    text = repository.output("log", "--no-walk", "--stdin", "--no-show-signature", pretty, given=given)
    found = [_commit(line) for line in text.split(b"\n") if line.startswith(_START)]
    return {one.id: one for one in found}


def reach(repository: Repository, commits: Collection[str]) -> Reach:
    """What leads to these commits; asked once there is a finding."""
    wanted = {name.encode() for name in commits}
    asked = {
        BRANCH: ("--branches", "--remotes", "HEAD"),
        TAG_ONLY: ("--tags",),
        OTHER: ("--all",),
        REFLOG: ("--all", "--reflog"),
    }
    return Reach(list(asked), [_reached(repository, wanted, *arguments) for arguments in asked.values()])


def staged(repository: Repository) -> Dict[str, str]:
    """The paths of the index by blob."""
    found: Dict[str, str] = {}
    for entry in repository.output("ls-files", "-s", "-z", "--full-name", ":/", codes=(0, 128)).split(b"\0"):
        head, tab, path = entry.partition(b"\t")
        if tab:
            found.setdefault(head.split()[1].decode(), shown(path))
    return found


def _reached(repository: Repository, wanted: Set[bytes], *arguments: str) -> Set[str]:
    """Those of the wanted commits that are in a list which can be long."""
    found: Set[str] = set()
    try:
        with repository.reading("rev-list", "--ignore-missing", *arguments) as output:
            for line in output:
                name = line.strip()
                if name in wanted:
                    found.add(name.decode())
    except ScanError:  # a repository without commits, or whose history breaks off
        pass
    return found


def _commit(line: bytes) -> Commit:
    parts = line[len(_START) :].rstrip(b"\n").split(b"\0")
    return Commit(parts[0].decode(), shown(parts[1]), parts[2].decode(), int(parts[3] or b"0"))


def _new_blob(head: bytes) -> bytes:
    """The last id of ``:100644 100644 OLD NEW M``; a merge has a colon, a mode and an id more for each parent."""
    words = head.split()
    return words[-2] if len(words) > 3 else b""


def _unquoted(path: bytes) -> str:
    """A path as git quotes it, for people."""
    if path.startswith(b'"') and path.endswith(b'"'):
        path = path[1:-1].decode("unicode_escape").encode("latin-1", "replace")
    return shown(path)
