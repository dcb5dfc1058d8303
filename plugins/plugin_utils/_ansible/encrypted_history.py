# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commits of a ``.env.enc`` that hold other values of some settings than the present file. Nothing is decrypted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import encrypted_env
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import EncryptedEnvError

SECONDS = 60
MOST_COMMITS = 2000
_QUIET = ("--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
"""No program that the repository's own configuration names is started."""

BY_HAND = "list them by hand: git log --all --full-history -- FILE"


@dataclass(frozen=True)
class OldValues:
    """The commits that hold old values, the newest first, and why others may be missing from them."""

    commits: list[dict[str, Any]]
    notes: list[str]


def old_values(path: str, names: Collection[str]) -> OldValues:
    """Of every branch and tag. Without names, and outside of a repository, there are none, and git is not needed.

    Never raises: it is asked when the file is written already.
    """
    try:
        return _found(path, names) if names else OldValues([], [])
    except EncryptedEnvError as error:
        return OldValues([], [f"commits that hold old values could not be listed: {error}"])


def _found(path: str, names: Collection[str]) -> OldValues:
    folder, name = os.path.split(path)
    shallow = _is_shallow(folder)
    if shallow is None:
        return OldValues([], [])
    present = _lines(_read(path), names)
    changes = _changes(folder, name)
    found, unread = [], []
    for commit, at in changes[:MOST_COMMITS]:
        blob = _blob(folder, commit, name)
        if blob is None:
            unread.append(commit[:12])
            continue
        settings = sorted({old.partition("=")[0] for old in _lines(blob, names) - present})
        if settings:
            text = f"commit {commit[:12]} of {at} holds old values of {', '.join(settings)}"
            found.append({"commit": commit, "at": at, "settings": settings, "text": text})
    return OldValues(found, _notes(shallow=shallow, cut=len(changes) > MOST_COMMITS, unread=unread))


def _notes(*, shallow: bool, cut: bool, unread: Sequence[str]) -> list[str]:
    notes = []
    if shallow:
        notes.append("this clone is shallow, so older commits were not searched for old values: git fetch --unshallow")
    if cut:
        notes.append(f"only the newest {MOST_COMMITS} commits of the file were searched for old values")
    if unread:
        notes.append(
            f"{len(unread)} commits could not be searched for old values, since this clone lacks their files: "
            f"{', '.join(unread[:5])}{', …' if unread[5:] else ''}; search a full clone"
        )
    return notes


def _is_shallow(folder: str) -> bool | None:
    """None outside of a repository."""
    done = _git(folder, "rev-parse", "--is-shallow-repository")
    if done.returncode != 0 and b"not a git repository (or any" in done.stderr:
        return None
    return _succeeded(folder, done) == b"true\n"


def _changes(folder: str, name: str) -> list[tuple[str, str]]:
    """Commit and time of each change of the file, also on a branch whose merge kept the other side."""
    search = ("log", "--all", "--full-history", "--no-show-signature", "--format=%H %cI", f"-{MOST_COMMITS + 1}")
    log = _succeeded(folder, _git(folder, *search, "--", f"./{name}"))
    lines = (line.partition(" ") for line in log.decode("ascii", "replace").splitlines())
    return [(commit, at) for commit, _space, at in lines]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(encrypted_env.LARGEST)
    except OSError as error:
        raise EncryptedEnvError(f"{path}: cannot be read: {error.strerror}") from None


def _lines(content: bytes, names: Collection[str]) -> set[str]:
    """A damaged version counts as well: its lines may hold what they held."""
    return set(_of(content.decode("ascii", "replace").splitlines(), names))


def _of(lines: Sequence[str], names: Collection[str]) -> Iterator[str]:
    yield from (line for line in lines if line.partition("=")[0] in names)


def _blob(folder: str, commit: str, name: str) -> bytes | None:
    """Empty in a commit that removed the file; None where this clone does not have what the commit holds."""
    done = _git(folder, "cat-file", "blob", f"{commit}:./{name}")
    if done.returncode == 0:
        return done.stdout
    listed = _git(folder, "ls-tree", commit, "--", f"./{name}")
    return b"" if listed.returncode == 0 and b" blob " not in listed.stdout else None


def _succeeded(folder: str, done: subprocess.CompletedProcess[bytes]) -> bytes:
    if done.returncode != 0:
        said = "".join(filter(str.isprintable, done.stderr.decode("utf-8", "replace").partition("\n")[0]))
        raise EncryptedEnvError(f"git failed in {folder} ({said[:200]}); {BY_HAND}")
    return done.stdout


def _git(folder: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(
            ["git", *_QUIET, "-C", folder or ".", *arguments],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EncryptedEnvError(
            f"git could not be asked for the commits of {folder} ({type(error).__name__}); {BY_HAND}"
        ) from None
