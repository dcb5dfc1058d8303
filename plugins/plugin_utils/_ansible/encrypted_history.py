# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commits of a ``.env.enc`` that hold other values of some settings than the present file. Nothing is decrypted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import encrypted_env
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import EncryptedEnvError

SECONDS = 60
MOST_COMMITS = 2000
_QUIET = ("--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
"""No program that the repository's own configuration names is started."""


def commits(path: str, names: Collection[str]) -> list[dict[str, Any]]:
    """Each commit of any branch or tag that changed the file and left an old line in it, the newest first.

    Raises EncryptedEnvError where git cannot be asked. A file outside of a repository has none.
    """
    folder, name = os.path.split(path)
    if _git(folder, "rev-parse", "--is-inside-work-tree").returncode != 0:
        return []
    present = _lines(_read(path), names)
    log = _asked(
        folder, "log", "--all", "--no-show-signature", "--format=%H %cI", f"-{MOST_COMMITS}", "--", f"./{name}"
    )
    found = []
    for line in log.decode("ascii", "replace").splitlines():
        commit, _space, at = line.partition(" ")
        settings = sorted({old.partition("=")[0] for old in _lines(_blob(folder, commit, name), names) - present})
        if settings:
            text = f"commit {commit[:12]} of {at} holds old values of {', '.join(settings)}"
            found.append({"commit": commit, "at": at, "settings": settings, "text": text})
    return found


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


def _blob(folder: str, commit: str, name: str) -> bytes:
    """Empty in a commit that removed the file."""
    done = _git(folder, "cat-file", "blob", f"{commit}:./{name}")
    return done.stdout if done.returncode == 0 else b""


def _asked(folder: str, *arguments: str) -> bytes:
    done = _git(folder, *arguments)
    if done.returncode != 0:
        raise EncryptedEnvError(
            f"git {arguments[0]} failed in {folder}; list the commits by hand: git log --all -- FILE"
        )
    return done.stdout


def _git(folder: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
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
            f"git could not be asked for the commits of {folder} ({type(error).__name__}); list them by hand: "
            "git log --all -- FILE"
        ) from None
