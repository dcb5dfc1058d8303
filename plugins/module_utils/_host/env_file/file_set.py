# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that a deploy writes beside ``.env``, as one deployment with it.

The mark names their digests, and a rollback restores all of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import (
    Any,
    Callable,
    Collection,
    ContextManager,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file, credentials
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.atomic_file import (
    EnvFile,
    OpenPath,
    Ownership,
    Present,
)

Digests = Mapping[str, str]
"""SHA-256 of files by path."""
OWN_ENDS = ("", atomic_file.LOCK, atomic_file.MARK, atomic_file.BACKUP, atomic_file.BACKUP + atomic_file.FILES)
"""Ends of the names that a deploy by any account uses beside ``.env``."""
DECLARE_OWNER = "owner of this file in the catalog, or env_deploy_owner"
Change = Callable[[], None]
"""Function that carries out a prepared change."""


class DeclaredFile(NamedTuple):
    path: str
    content: bytes
    wanted: Ownership
    credential: Optional[str] = None
    """Name of the systemd credential that holds the encrypted content."""
    settings: Tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "DeclaredFile(path=%r)" % self.path


def declared(file: Mapping[str, Any], content: str, owner: Optional[str], group: Optional[str]) -> DeclaredFile:
    """A file of the catalog. If it declares no owner, it has ``owner`` and ``group`` of ``.env``."""
    own_group = group if file["group"] is None and not file["owner"] else file["group"]
    wanted = atomic_file.ownership(file["owner"] or owner, own_group, file["mode"])
    return DeclaredFile(file["path"], content.encode("utf-8"), wanted, file["credential"], tuple(file["settings"]))


class PlannedFile(NamedTuple):
    path: str
    content: Optional[bytes]
    """None if the file is removed."""
    wanted: Ownership
    present: Optional[Present]
    settings: Tuple[str, ...] = ()
    at: Optional[OpenPath] = None
    """Open path, if it is open already."""

    def __repr__(self) -> str:
        return "PlannedFile(path=%r, rewrite=%r)" % (self.path, self.rewrite)

    @property
    def differs(self) -> bool:
        return (self.present.content if self.present else None) != self.content

    @property
    def rewrite(self) -> bool:
        return self.differs or (self.content is not None and atomic_file.drifted(self.present, self.wanted))

    @property
    def future(self) -> Optional[Present]:
        if self.content is None:
            return None
        return Present(self.content, self.wanted.uid or 0, self.wanted.gid or 0, self.wanted.mode)

    @contextlib.contextmanager
    def undone(self) -> Iterator[Change]:
        """Prepares to restore the present file, whatever is there by then."""
        file = self.present
        wanted = Ownership(file.uid, file.gid, file.mode) if file else self.wanted
        with restored(self.path, file.content if file else None, wanted, at=self.at) as act:
            yield act

    @contextlib.contextmanager
    def staged(self) -> Iterator[Change]:
        """Prepares the change, and yields the function that carries it out."""
        with _opened(self.path, self.wanted.uid, self.at) as at:
            atomic_file.remove_temporary(at)
            if self.content is None:
                yield lambda: remove(at)
            elif self.rewrite:
                with atomic_file.staged(at, self.content, self.wanted) as replace:
                    yield replace
            else:
                yield lambda: None


@contextlib.contextmanager
def restored(
    path: str, content: Optional[bytes], wanted: Ownership, *, at: Optional[OpenPath] = None
) -> Iterator[Change]:
    """Prepares to write this content, or to remove the file for None, whatever it holds now."""
    with _opened(path, wanted.uid, at) as opened:
        change = PlannedFile(path, content, wanted, atomic_file.present(opened), at=opened)
        with change.staged() as act:
            yield act


@contextlib.contextmanager
def removal(path: str, digests: Collection[str], *, at: Optional[OpenPath] = None) -> Iterator[Change]:
    """Prepares the removal of a deployed file. A file with another digest stays."""
    present = atomic_file.present(at) if at else read(path)
    if present is None or atomic_file.digest(present.content) not in digests:
        yield lambda: None
        return
    wanted = Ownership(present.uid, present.gid, present.mode)
    with PlannedFile(path, None, wanted, present, at=at).staged() as act:
        yield act


def carry_out(changes: Iterable[ContextManager[Change]]) -> None:
    """Prepares every change, then carries out those that could be prepared. Raises the first HostError at the end."""
    errors: List[HostError] = []
    acts: List[Change] = []
    with contextlib.ExitStack() as stack:
        for change in changes:
            with _kept(errors):
                acts.append(stack.enter_context(change))
        for act in acts:
            with _kept(errors):
                act()
    if errors:
        raise errors[0]


@contextlib.contextmanager
def _kept(errors: List[HostError]) -> Iterator[None]:
    try:
        yield
    except HostError as error:
        errors.append(error)


def _opened(path: str, uid: Optional[int], at: Optional[OpenPath]) -> ContextManager[OpenPath]:
    return contextlib.nullcontext(at) if at else place(path, uid)


def digest(files: Digests) -> str:
    """Digest of a deployment; if it only has ``.env``, the digest of ``.env``."""
    if len(files) == 1:
        return next(iter(files.values()))
    return hashlib.sha256(json.dumps(sorted(files.items())).encode("utf-8", "surrogateescape")).hexdigest()


def planned(
    env: EnvFile, declared: Sequence[DeclaredFile], recorded: Mapping[str, Collection[str]], *, check: bool
) -> Tuple[Tuple[PlannedFile, ...], Tuple[str, ...]]:
    """The changes, and paths that are no longer declared but stay, because somebody changed the file.

    ``recorded``: digests that deploys wrote. Such files are removed if no longer declared.
    """
    changes = [_change(env, file, check=check) for file in declared]
    _require_distinct(declared, changes)
    unchanged = []
    for path in sorted(set(recorded) - {env.path, *(change.path for change in changes)}):
        present = read(path)
        if present and atomic_file.digest(present.content) in recorded[path]:
            changes.append(PlannedFile(path, None, Ownership(present.uid, present.gid, present.mode), present))
        elif present:
            unchanged.append(path)
    return tuple(changes), tuple(unchanged)


def _require_distinct(declared: Sequence[DeclaredFile], changes: Sequence[PlannedFile]) -> None:
    spellings: Dict[str, str] = {}
    for file, change in zip(declared, changes):
        if change.path in spellings:
            raise HostError(
                "%s and %s are the same file on this host; give them different paths in files of the catalog"
                % (spellings[change.path], file.path)
            )
        spellings[change.path] = file.path


def _change(env: EnvFile, file: DeclaredFile, *, check: bool) -> PlannedFile:
    path = path_of(env, file.path)
    with place(path, file.wanted.uid) as at:
        if file.wanted.uid is None:
            safe_files.refuse_planted(at, DECLARE_OWNER)
        present = atomic_file.present(at)
        path = at.path
    _refuse(env, path, file)
    content = file.content
    if file.credential:
        content = credentials.content(file.credential, content, present, path=path, check=check)
    return PlannedFile(path, content, atomic_file.filled(file.wanted, present), present, file.settings)


def path_of(env: EnvFile, path: str) -> str:
    """The absolute path; a relative one begins at the directory of ``.env``."""
    return os.path.join(env.file.folder, path)


def _refuse(env: EnvFile, path: str, file: DeclaredFile) -> None:
    folder, name = os.path.split(path)
    if folder == env.file.folder and name in [env.file.name + end for end in OWN_ENDS]:
        raise HostError("%s: is .env or belongs to it; give the file another path in files of the catalog" % path)
    if reaches_disk(env, path) and not file.credential:
        raise HostError(
            "%s: is in memory, but %s is on the disk, so the copy for a rollback would be on the disk too. Give the "
            "file a path outside of /run, or the .env a path below /run" % (path, env.path)
        )


def reaches_disk(env: EnvFile, path: str) -> bool:
    """Whether the backup would put a file from memory on a disk."""
    return path.startswith(atomic_file.VOLATILE) and not env.path.startswith(atomic_file.VOLATILE)


@contextlib.contextmanager
def place(path: str, uid: Optional[int] = None) -> Iterator[OpenPath]:
    """Raises HostError if an account other than root and the file's owner may replace it."""
    with safe_files.place(path) as at:
        safe_files.require_file_owner(at, uid, DECLARE_OWNER)
        yield at


def read(path: str) -> Optional[Present]:
    try:
        with place(path) as at:
            return atomic_file.present(at)
    except safe_files.NoDirectory:
        return None


def read_all(env: EnvFile, present: Optional[Present], paths: Sequence[str]) -> Dict[str, Present]:
    """Existing files. ``present`` is ``.env``."""
    files = {path: present if path == env.path else read(path) for path in paths}
    return {path: file for path, file in files.items() if file}


def remove(at: OpenPath) -> None:
    try:
        atomic_file.remove(at)
    except OSError as error:
        raise HostError("%s: cannot be removed: %s" % (at.path, atomic_file.reason(error))) from None


def digests(files: Mapping[str, Present]) -> Dict[str, str]:
    return {path: atomic_file.digest(file.content) for path, file in files.items()}
