# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delivers all files of a deployment, and records them in the deploy marker."""

from __future__ import annotations

import contextlib
import os
from typing import Collection, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file, file_set
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.file_set import Digests, PlannedFile
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.mark import Mark


class NotUndone(HostError):
    """Raised if a failed delivery left old and new files."""


class Delivery(NamedTuple):
    """Plan of a delivery, complete before the first write."""

    env: atomic_file.EnvFile
    content: bytes
    wanted: atomic_file.Ownership
    present: Optional[atomic_file.Present]
    mark: Optional[Mark]
    differs: bool
    """Whether the bytes of a file change."""
    rewrite: bool
    """Whether the bytes, owner, group or mode of a file change."""
    restart: bool
    """Whether services may run on other content."""
    others: Tuple[PlannedFile, ...] = ()
    kept: Tuple[str, ...] = ()
    """Files that the catalog no longer has, and that somebody changed."""

    def __repr__(self) -> str:
        return "Delivery(path=%r, rewrite=%r, restart=%r)" % (self.env.path, self.rewrite, self.restart)

    @property
    def changes(self) -> Tuple[PlannedFile, ...]:
        """Changes of all files, in the order of replacement."""
        return (*self.others, PlannedFile(self.env.path, self.content, self.wanted, self.present, at=self.env.file))

    @property
    def files(self) -> Digests:
        contents = {change.path: change.content for change in self.changes}
        return {path: atomic_file.digest(content) for path, content in contents.items() if content is not None}

    @property
    def is_settled(self) -> bool:
        return self.mark is not None and self.mark.is_settled(file_set.digest(self.files))


def planned(
    env: atomic_file.EnvFile,
    content: bytes,
    wanted: atomic_file.Ownership,
    present: Optional[atomic_file.Present],
    mark: Optional[Mark],
    declared: Optional[Sequence[file_set.DeclaredFile]] = None,
    *,
    check: bool = False,
    removable: Optional[Collection[str]] = None,
) -> Delivery:
    """Plans a delivery. ``declared``: the files beside ``.env``; None if the run knows no catalog. With ``check``,
    nothing on the host changes. ``removable``: paths of a catalog that may be old; None for the current catalog.
    """
    wanted = atomic_file.filled(wanted, present)
    recorded = mark.written if mark else {}
    others, unchanged = file_set.planned(env, declared or (), recorded, check=check)
    if declared is None or removable is not None:
        known = {os.path.realpath(file_set.path_of(env, path)) for path in removable or ()}
        removed = {change.path for change in others if change.content is None}
        _refuse_others(env, {*unchanged, *removed} - known)
    differs = present is None or present.content != content or any(change.differs for change in others)
    drifted = atomic_file.drifted(present, wanted) or any(change.rewrite for change in others)
    plan = Delivery(env, content, wanted, present, mark, differs, differs or drifted, False, others, unchanged)
    return plan._replace(restart=mark is not None and (differs or not plan.is_settled))


def _refuse_others(env: atomic_file.EnvFile, paths: Iterable[str]) -> None:
    """Raises HostError: these files would count as removed from the catalog."""
    for path in sorted(paths):
        raise HostError(
            "%s: an earlier deploy also wrote %s, which is not in this run's catalog. Run ansible-playbook "
            "watchparty.secrets.deploy. On a host that fetches, update the catalog: ansible-playbook "
            "watchparty.secrets.host" % (env.path, path)
        )


def deliver(plan: Delivery, snapshot: str, journal: int, *, keep: bool = True, encrypted_at: str = "") -> None:
    """Carries out a plan. ``keep``: keeps files from before their first deploy for a rollback."""
    atomic_file.remove_temporary_files(plan.env)
    if plan.mark:
        present = {change.path: change.present for change in plan.changes if change.present}
        if keep:
            plan.mark.keep(present)
        plan.mark.accept(
            snapshot,
            journal,
            file_set.digest(plan.files),
            files=plan.files if len(plan.files) > 1 else None,
            owners={change.path: change.wanted for change in plan.others if change.content is not None},
            present=present,
            restart=plan.restart,
            rewrite=plan.differs,
            encrypted_at=encrypted_at,
        )
    _replace(plan)


def _replace(plan: Delivery) -> None:
    """Prepares every file before it replaces the first. Restores all if one cannot be replaced."""
    written: List[PlannedFile] = []
    with contextlib.ExitStack() as stack:
        acts = [(change, stack.enter_context(change.staged())) for change in plan.changes]
        try:
            for change, act in acts:
                written.append(change)
                act()
        except HostError as error:
            _undo(written, error)
            raise


def _undo(changes: Sequence[PlannedFile], cause: HostError) -> None:
    try:
        file_set.carry_out(change.undone() for change in changes)
    except HostError as error:
        raise NotUndone("%s. A file could not be restored: %s. Deploy again" % (cause, error)) from None
