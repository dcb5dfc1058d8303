# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A hostile application account: it owns its directory, and changes it while root works there."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.state import forget

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="not root: no other account's directory was attacked")
APPLICATION, VICTIM = "nobody", "daemon"
THEIRS = b"TOKEN='canary-of-the-victim'\n"
CALLS = ("open", "stat", "lstat", "rename", "mkdir", "unlink", "chown", "fchown", "chmod", "listdir", "scandir")
SECONDS = 10


class Files:
    """The application's directory at ``shop/app``, and the victim's beside it with a file of the same name."""

    def __init__(self, base: Path, name: str = ".env") -> None:
        self.base = base
        self.shop, self.app, self.victim = base / "shop", base / "shop" / "app", base / "victim"
        self.file, self.target = self.app / name, self.victim / "app" / name
        for folder in (self.app, self.target.parent):
            folder.mkdir(parents=True, mode=0o755)
        self.target.write_bytes(THEIRS)
        self.target.chmod(0o600)
        self.give(APPLICATION, self.shop, self.app)
        self.give(VICTIM, self.victim, self.target.parent, self.target)
        self.before = self.seen()

    @staticmethod
    def give(name: str, *paths: Path) -> None:
        user = pwd.getpwnam(name)
        for path in paths:
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)

    def put(self, path: Path, content: bytes, mode: int = 0o600) -> None:
        path.write_bytes(content)
        path.chmod(mode)
        self.give(APPLICATION, path)

    def seen(self) -> dict[str, tuple[int, ...] | bytes]:
        """All that the victim has."""
        result: dict[str, Any] = {}
        for path in [self.victim, *sorted(self.victim.rglob("*"))]:
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            result[str(path)] = (status.st_uid, status.st_gid, status.st_mode, content)
        return result

    def exchange(self, path: Path) -> None:
        """Puts a link to what the victim has in the place of one of the application's own."""
        kept = path.with_name(path.name + ".kept")
        if path.is_symlink() or kept.exists():
            return
        if path.exists():
            path.rename(kept)
        path.symlink_to({self.shop: self.victim, self.app: self.target.parent}.get(path, self.target))
        self.give(APPLICATION, path)

    def exchange_back(self, path: Path) -> None:
        kept = path.with_name(path.name + ".kept")
        if path.is_symlink():
            path.unlink()
        if kept.exists():
            kept.rename(path)

    def assert_unharmed(self) -> None:
        assert self.seen() == self.before


@contextmanager
def files(name: str = ".env") -> Iterator[Files]:
    base = Path(tempfile.mkdtemp(prefix="hostile-", dir="/tmp"))
    base.chmod(0o755)
    try:
        yield Files(base, name)
    finally:
        forget(base)
        shutil.rmtree(base)


def _as_attacker(act: Callable[[], None]) -> None:
    """It is a process of its own, whatever rights this one has at the moment."""
    uid, gid = os.geteuid(), os.getegid()
    os.seteuid(0)
    os.setegid(0)
    try:
        act()
    finally:
        os.setegid(gid)
        os.seteuid(uid)


@contextmanager
def at_call(nth: int, act: Callable[[], None], after: Callable[[], None]) -> Iterator[list[int]]:
    """Acts right before root's nth call to the file system, and ``after`` right behind it."""
    count = [0]

    def hooked(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **extra: Any) -> Any:
            count[0] += 1
            if count[0] != nth:
                return real(*args, **extra)
            count[0] += 10**6  # the attacker's own calls are none of root's
            _as_attacker(act)
            try:
                return real(*args, **extra)
            finally:
                _as_attacker(after)
                count[0] -= 10**6

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, hooked(getattr(os, name)))
        yield count


@contextmanager
def within(seconds: int = SECONDS) -> Iterator[None]:
    """Fails what waits for the application."""

    def late(_signal: int, _frame: Any) -> None:
        pytest.fail(f"root still waits after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
