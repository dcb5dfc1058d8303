# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commits of a ``.env.enc`` that hold other values of some settings than the present file. Nothing is decrypted."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import encrypted_env
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import git
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds, records
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git_view import NoRepository

SECONDS = 60.0
MOST_COMMITS = 2000
_COMMIT = b"\x01"
_LOG = (
    *("log", "--all", "--full-history", "-m", "--raw", "--no-abbrev", "--no-renames", "--format=%x01%H %cI"),
    f"-{MOST_COMMITS + 1}",
)
"""The options of git. ``--full-history`` also lists a branch whose merge kept the file of the other side."""
BY_HAND = "list them by hand: git log --all --full-history -- FILE"


@dataclass(frozen=True)
class OldValues:
    """The commits that hold old values, the newest first. ``notes`` tell why the list may be incomplete."""

    commits: list[dict[str, Any]]
    notes: list[str]


class _Change(NamedTuple):
    """A commit that changed the file, its time, and the file's blob. ``blob`` is empty if it removed the file."""

    commit: str
    at: str
    blob: str


def old_values(path: str, names: Collection[str]) -> OldValues:
    """The commits with old values of some settings, on every branch and tag.

    Empty without names, and outside of a repository; then git is not needed. Never raises ScanError, because callers
    ask after they have written the file.
    """
    try:
        return _found(path, names) if names else OldValues([], [])
    except NoRepository:
        return OldValues([], [])
    except ScanError as error:
        return OldValues([], [f"commits that hold old values could not be listed: {error}; {BY_HAND}"])


def _found(path: str, names: Collection[str]) -> OldValues:
    present = _lines(_read(path), names)
    folder, name = os.path.split(path)
    with git.repository(folder, Bounds(idle=SECONDS, seconds=SECONDS).started()) as repository:
        inside = os.path.relpath(os.path.join(os.path.realpath(folder), name), repository.view.place.top or folder)
        changes = _changes(repository, inside)
        searched = changes[:MOST_COMMITS]
        settings = _settings(repository, {change.blob for change in searched}, names, present)
        unread = [change.commit[:12] for change in searched if change.blob not in settings]
        notes = _notes(shallow=bool(repository.view.shallow()), cut=len(changes) > MOST_COMMITS, unread=unread)
    return OldValues([_entry(change, settings[change.blob]) for change in searched if settings.get(change.blob)], notes)


def _entry(change: _Change, settings: Sequence[str]) -> dict[str, Any]:
    text = f"commit {change.commit[:12]} of {change.at} holds old values of {', '.join(settings)}"
    return {"commit": change.commit, "at": change.at, "settings": list(settings), "text": text}


def _notes(*, shallow: bool, cut: bool, unread: Sequence[str]) -> list[str]:
    notes = []
    if shallow:
        notes.append(
            "this clone is shallow, so older commits were not searched for old values. Run git fetch --unshallow, then "
            "run the same command"
        )
    if cut:
        notes.append(f"only the newest {MOST_COMMITS} commits of the file were searched for old values")
    if unread:
        named = ", ".join(unread[:5]) + (", …" if unread[5:] else "")
        notes.append(
            f"{len(unread)} commits could not be searched for old values, because their files are missing, damaged or "
            f"larger than {git.LARGE >> 20} MiB: {named}; search a full clone"
        )
    return notes


def _changes(repository: git.Repository, inside: str) -> list[_Change]:
    """Commits that changed the file, the newest first."""
    changes: dict[str, _Change] = {}
    commit = at = ""
    with repository.reading("--literal-pathspecs", *_LOG, "--", inside) as output:
        for line in records(output):
            if line.startswith(_COMMIT):
                commit, _space, at = line[1:].decode("ascii", "replace").partition(" ")
            elif line.startswith(b":"):
                _old_mode, mode, _old, blob, *_rest = line.decode("ascii", "replace").split()
                is_file = blob.strip("0") and not mode.startswith("16")  # 160000 is a submodule
                changes[commit] = _Change(commit, at, blob if is_file else "")
    return list(changes.values())


def _settings(
    repository: git.Repository, blobs: set[str], names: Collection[str], present: set[str]
) -> dict[str, list[str]]:
    """The settings with old values, by the blob of each file that git could read."""
    settings: dict[str, list[str]] = {"": []}
    with suppress(git.Interrupted):  # blobs that git did not read are absent from the result
        for part in repository.contents(sorted(blobs - settings.keys())):
            if isinstance(part, git.Large):
                continue
            for begin, end, _kind, blob in part.objects:
                old = _lines(part.data[begin:end], names) - present
                settings[blob] = sorted({line.partition("=")[0] for line in old})
    return settings


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(encrypted_env.LARGEST)
    except OSError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from None


def _lines(content: bytes, names: Collection[str]) -> set[str]:
    """The lines of the named settings. A damaged file counts too, because its lines may still hold old values."""
    lines = content.decode("ascii", "replace").splitlines()
    return {line for line in lines if line.partition("=")[0] in names}
