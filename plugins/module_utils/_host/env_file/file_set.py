# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that a deploy writes beside ``.env``. Standard library only; Python 3.8.

They are one deployment with it: the mark names their digests, and a rollback restores all of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import Callable, Dict, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple

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


class DeclaredFile(NamedTuple):
    """A file that shall be there."""

    path: str
    content: bytes
    wanted: Ownership
    credential: Optional[str] = None
    """Name of the systemd credential that holds the content, encrypted."""
    settings: Tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "DeclaredFile(path=%r)" % self.path


class PlannedFile(NamedTuple):
    """What becomes of one file."""

    path: str
    content: Optional[bytes]
    """None where the file is removed."""
    wanted: Ownership
    present: Optional[Present]
    settings: Tuple[str, ...] = ()

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
        """What will be there."""
        if self.content is None:
            return None
        return Present(self.content, self.wanted.uid or 0, self.wanted.gid or 0, self.wanted.mode)

    @property
    def undone(self) -> PlannedFile:
        """What brings the present file back."""
        file = self.present
        if file is None:
            return PlannedFile(self.path, None, self.wanted, self.future)
        return PlannedFile(self.path, file.content, Ownership(file.uid, file.gid, file.mode), self.future)

    @contextlib.contextmanager
    def staged(self) -> Iterator[Callable[[], None]]:
        """Prepares the change, and gives what carries it out."""
        with place(self.path, self.wanted.uid) as at:
            atomic_file.sweep(at)
            if self.content is None:
                yield lambda: remove(at)
            elif self.rewrite:
                with atomic_file.staged(at, self.content, self.wanted) as replace:
                    yield replace
            else:
                yield lambda: None

    def carry_out(self) -> None:
        with self.staged() as act:
            act()


def digest(files: Digests) -> str:
    """Of a whole deployment; of one that has ``.env`` only, the digest of that."""
    if len(files) == 1:
        return next(iter(files.values()))
    return hashlib.sha256(json.dumps(sorted(files.items())).encode("utf-8", "surrogateescape")).hexdigest()


def planned(
    env: EnvFile, declared: Sequence[DeclaredFile], recorded: Digests, *, check: bool
) -> Tuple[PlannedFile, ...]:
    """``recorded`` is what the last deploy wrote: of that, what is no longer declared is removed."""
    changes = [_change(env, file, check=check) for file in declared]
    kept = {env.path, *(change.path for change in changes)}
    for path in sorted(set(recorded) - kept):
        present = read(path)
        if present and atomic_file.digest(present.content) == recorded[path]:
            changes.append(PlannedFile(path, None, Ownership(present.uid, present.gid, present.mode), present))
    return tuple(changes)


def _change(env: EnvFile, file: DeclaredFile, *, check: bool) -> PlannedFile:
    path = path_of(env, file.path)
    with place(path, file.wanted.uid) as at:
        present = atomic_file.present(at)
        path = at.path
    _refuse(env, path, file)
    content = file.content
    if file.credential:
        content = credentials.content(file.credential, content, present, path=path, check=check)
    return PlannedFile(path, content, atomic_file.filled(file.wanted, present), present, file.settings)


def path_of(env: EnvFile, path: str) -> str:
    """A relative path begins at the directory of ``.env``."""
    return os.path.join(env.file.folder, path)


def _refuse(env: EnvFile, path: str, file: DeclaredFile) -> None:
    folder, name = os.path.split(path)
    if folder == env.file.folder and name in env.own_names:
        raise HostError("%s: is .env or belongs to it; give the file another path in files of the catalog" % path)
    volatile = path.startswith(atomic_file.VOLATILE)
    if volatile and not file.credential and not env.path.startswith(atomic_file.VOLATILE):
        raise HostError(
            "%s: is in memory only, but %s is not, and its state on the disk would hold a copy of this file. Give the "
            "file a path outside of /run, or the .env a path below /run" % (path, env.path)
        )


@contextlib.contextmanager
def place(path: str, uid: Optional[int] = None) -> Iterator[OpenPath]:
    """Raises HostError where an account other than root and the file's owner may replace it."""
    with safe_files.place(path) as at:
        status = safe_files.status(at)
        owner = uid if uid is not None else status.st_uid if status else 0
        safe_files.require_owners(at, owner, "owner of this file in the catalog, or env_deploy_owner")
        yield at


def read(path: str) -> Optional[Present]:
    try:
        with place(path) as at:
            return atomic_file.present(at)
    except safe_files.NoDirectory:
        return None


def read_all(env: EnvFile, present: Optional[Present], paths: Sequence[str]) -> Dict[str, Present]:
    """Those that are there; ``present`` is ``.env``."""
    files = {path: present if path == env.path else read(path) for path in paths}
    return {path: file for path, file in files.items() if file}


def remove(at: OpenPath) -> None:
    try:
        atomic_file.remove(at)
    except OSError as error:
        raise HostError("%s: cannot be removed: %s" % (at.path, atomic_file.reason(error))) from None


def digests(files: Mapping[str, Present]) -> Dict[str, str]:
    return {path: atomic_file.digest(file.content) for path, file in files.items()}
