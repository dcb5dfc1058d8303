# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The local copy of the audit log, and the CHANGELOG: files that several runs may write at once."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shlex
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError, HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as _chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import changelog

PATIENCE = 30.0
"""Seconds that a run waits for the lock of another run."""


class Runner(NamedTuple):
    """A CI system, recognised by a variable that it sets."""

    variable: str
    name: str
    workspaces: tuple[str, ...] = ()
    """Variables with the paths of folders that are lost with the job."""
    whole: bool = False
    """Whether the whole machine is lost with the job."""


RUNNERS = (
    Runner("GITHUB_ACTIONS", "GitHub Actions", ("GITHUB_WORKSPACE", "RUNNER_WORKSPACE", "RUNNER_TEMP")),
    Runner("GITLAB_CI", "GitLab CI", ("CI_PROJECT_DIR", "CI_BUILDS_DIR")),
    Runner("JENKINS_URL", "Jenkins", ("WORKSPACE", "WORKSPACE_TMP")),
    Runner("BUILDKITE", "Buildkite", ("BUILDKITE_BUILD_CHECKOUT_PATH", "BUILDKITE_BUILD_PATH")),
    Runner("TF_BUILD", "Azure Pipelines", ("PIPELINE_WORKSPACE", "AGENT_BUILDDIRECTORY", "AGENT_TEMPDIRECTORY")),
    Runner("CIRCLECI", "CircleCI", whole=True),
    Runner("BITBUCKET_BUILD_NUMBER", "Bitbucket Pipelines", whole=True),
    Runner("CODEBUILD_BUILD_ID", "AWS CodeBuild", whole=True),
    Runner("AWX_PRIVATE_DATA_DIR", "AWX", whole=True),
    Runner("CI", "a CI job"),
)
_NOT = ("", "0", "false", "no")


def require_lasting(path: str, environ: Mapping[str, str]) -> None:
    """Raises :class:`AuditError` for a path that is lost when the CI job ends."""
    runner = _ephemeral(path, environ)
    if runner:
        raise AuditError(
            f"{path}: this is {runner}, and the file would be lost when the job ends, so it cannot be the only "
            "audit log; set audit_log to a log_group or an s3 location in the catalog"
        )


def require_writable(path: str, *, replaced: bool = False) -> None:
    """Raises :class:`HostError` for a file that cannot be written. Creates nothing.

    ``replaced``: another file replaces this one, so its directory must be writable too.
    """
    folder = os.path.dirname(path) or "."
    try:
        os.close(_opened(path, 0o600, write=False))
    except FileNotFoundError:
        if not os.path.isdir(folder):
            raise _no_directory(path) from None
        needed = [(folder, os.W_OK | os.X_OK)]
    else:
        needed = [(path, os.W_OK), *([(folder, os.W_OK | os.X_OK)] if replaced else [])]
    for name, rights in needed:
        if not os.access(name, rights):
            raise HostError(f"{path}: {name} cannot be written; correct its owner and rights, or give another path")


def _ephemeral(path: str, environ: Mapping[str, str]) -> str | None:
    real_path = os.path.realpath(path)
    for runner in RUNNERS:
        if environ.get(runner.variable, "").lower() in _NOT:
            continue
        whole = runner.whole or environ.get("RUNNER_ENVIRONMENT") == "github-hosted"
        folders = [environ.get(name, "") for name in runner.workspaces]
        folders += [tempfile.gettempdir(), os.getcwd(), environ.get("HOME", "")]
        if whole or any(_below(real_path, os.path.realpath(folder)) for folder in folders if folder):
            return runner.name
    return None


def _below(path: str, folder: str) -> bool:
    return folder != os.sep and os.path.commonpath((path, folder)) == folder


class AuditFile:
    """JSON lines with mode 0600, appended under flock. Every line is on the disk before a call returns."""

    def __init__(self, path: str) -> None:
        self.path = path

    def lines(self) -> list[str]:
        """Every line, including an incomplete last line."""
        try:
            with locked(self.path, write=False) as handle:
                return _lines(_content(handle))
        except FileNotFoundError:
            return []

    def append(self, record: Mapping[str, Any], head: _chain.Head | None = None) -> tuple[_chain.AuditEntry, bool]:
        """Chains a record once, however often it is tried. Returns the stored record, and whether it is new."""
        with self._writing() as handle:
            content = _content(handle)
            whole = content.rpartition(b"\n")[0] + b"\n" if b"\n" in content else b""
            chain = _chain.Chain(tuple(_lines(whole)))
            line = _chain.following(record, chain.newest(head))
            audit_entry = chain.find(_chain.identity(record))
            if audit_entry:
                return audit_entry, False
            # The text after the last newline was never confirmed: a run was killed while it wrote.
            self._put(handle, len(whole), line.encode() + b"\n")
            return _chain.parsed(line), True

    def extend(self, lines: Sequence[str]) -> int:
        """Adds the lines that the body has and this copy lacks. Returns their number.

        Raises :class:`AuditError` if the body and the copy differ, and then changes neither.
        """
        wanted = _bytes(lines)
        with self._writing() as handle:
            content = _content(handle)
            if content.startswith(wanted):
                return 0  # another run has recorded in between, or the body does not show its newest line yet
            if not wanted.startswith(content):
                pairs = zip_longest(content.split(b"\n"), wanted.split(b"\n"))
                at = next(number for number, (ours, theirs) in enumerate(pairs, 1) if ours != theirs)
                raise AuditError(
                    f"{self.path}: differs from the audit log from line {at} on; see docs/how-to/audit-log.md "
                    "(Rebuild the local copy)"
                )
            self._put(handle, len(content), wanted[len(content) :])
            return len(lines) - content.count(b"\n")

    def rebuild(self, lines: Sequence[str]) -> tuple[bool, str | None]:
        """Makes this copy equal to the body. Returns whether it changed, and the path of a differing old copy."""
        wanted = _bytes(lines)
        with self._writing() as handle:
            content = _content(handle)
            if content == wanted:
                return False, None
            backup = None
            if not wanted.startswith(content):
                backup = f"{self.path}.differs-{hashlib.sha256(content).hexdigest()[:12]}"
                _replace(backup, content, 0o600)
            _replace(self.path, wanted, 0o600)
            return True, backup

    @contextmanager
    def _writing(self) -> Iterator[int]:
        with locked(self.path) as handle:
            if stat.S_IMODE(os.fstat(handle).st_mode) != 0o600:
                os.fchmod(handle, 0o600)
            yield handle

    def _put(self, handle: int, at: int, content: bytes) -> None:
        """Writes after the last complete line. A write that fails halfway leaves the complete lines as they were."""
        try:
            os.ftruncate(handle, at)
            os.lseek(handle, at, os.SEEK_SET)
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
            if not at:
                _sync_directory(self.path)
        except OSError as error:
            os.ftruncate(handle, at)
            raise HostError(f"{self.path}: {_reason(error)}; no record was added") from None


def enter_changelog(path: str, record: Mapping[str, Any], *, write: bool = True) -> bool:
    """Enters a record's line in a CHANGELOG.md atomically. Returns whether the line was missing."""
    if not write and not os.path.lexists(path):
        return True
    with locked(path, mode=0o666, write=write) as handle:
        try:
            text = _content(handle).decode("utf-8")
        except UnicodeDecodeError:
            raise HostError(f"{path}: is not UTF-8; no entry was added") from None
        wanted = changelog.entered(text, record)
        if wanted != text and write:
            mode = stat.S_IMODE(os.fstat(handle).st_mode)
            _replace(path, wanted.encode(), mode)
        return wanted != text


def _replace(path: str, content: bytes, mode: int) -> None:
    with safe_files.unguarded(path) as place:
        atomic_file.write(place, content, atomic_file.Ownership(None, None, mode))


@contextmanager
def locked(path: str, *, mode: int = 0o600, write: bool = True) -> Iterator[int]:
    """Opens and locks the file at ``path`` until the end of the block. Creates a missing file if ``write`` is true.

    Raises :class:`HostError` for a path that is not a regular file, and FileNotFoundError for a missing file.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        handle = _opened(path, mode, write)
        try:
            _lock(path, handle, deadline)
            # The previous holder of the lock may have replaced the file.
            if _is_at(path, handle):
                yield handle
                return
        finally:
            os.close(handle)


def _opened(path: str, mode: int, write: bool) -> int:
    flags = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | (os.O_RDWR | os.O_CREAT if write else os.O_RDONLY)
    try:
        handle = os.open(path, flags, mode)
    except FileNotFoundError:
        if not write:
            raise
        raise _no_directory(path) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise HostError(f"{path}: is a symbolic link; remove it, or give the path that it points to") from None
        if error.errno == errno.EISDIR:
            raise _not_regular(path) from None
        raise HostError(f"{path}: {_reason(error, 'written' if write else 'read')}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _not_regular(path)
    return handle


def _lock(path: str, handle: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                message = f"another process has held its lock for {PATIENCE:.0f} seconds; find it by 'fuser {path}'"
                raise HostError(f"{path}: {message}") from None
            time.sleep(0.001)
        except OSError as error:
            raise HostError(f"{path}: cannot be locked ({error.strerror}); keep it on a local disk") from None


def _is_at(path: str, handle: int) -> bool:
    try:
        present = os.lstat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(present, os.fstat(handle))


def _content(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    parts: list[bytes] = []
    while True:
        part = os.read(handle, 1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)


def _lines(content: bytes) -> list[str]:
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    return lines[:-1] if not lines[-1] else lines


def _bytes(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _sync_directory(path: str) -> None:
    handle = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _no_directory(path: str) -> HostError:
    return HostError(f"{path}: its directory does not exist; run 'mkdir -p {shlex.quote(os.path.dirname(path))}'")


def _not_regular(path: str) -> HostError:
    return HostError(f"{path}: is not a regular file; give the path of a file")


def _reason(error: OSError, act: str = "written") -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free some space"
    return f"cannot be {act}: {error.strerror}; correct its owner and rights, or give another path"
