# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts in memory: the real module of the file and its mark, over a dictionary in place of a file system."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.atomic_file import (
    EnvFile,
    OpenPath,
    Ownership,
    Present,
)
from tests.simulation.scheduler import LOST, Killed, Process

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")
PATH = "/srv/.env"
_FILE = OpenPath(-1, "/srv", ".env")
ENV = EnvFile(_FILE, _FILE.sibling(".env" + atomic_file.MARK), _FILE.sibling(".env" + atomic_file.BACKUP))
_WANTED = Ownership(0, 0, 0o600)


@lru_cache(1024)
def _parsed(content: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(content)
    return parsed


class Unreachable(Exception):
    """Raised when a host gives no answer."""


class Host:
    """One machine with the application on it."""

    files: dict[str, Present]

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.world = world
        self.files = {}
        self.running: dict[str, str] = {}
        """The settings that the services started with."""
        self.reachable = True
        self.writer: Process | None = None
        """Whose module holds the directory's lock."""
        self.sick: Callable[[dict[str, str]], bool] = lambda _settings: False
        """Whether the application does not work with these settings, for a reason of its own."""
        self.healthy_on: set[tuple[str, str]] = set()
        self.verified_on: set[tuple[str, str]] = set()

    @property
    def settings(self) -> dict[str, str]:
        """What the services would start with now."""
        present = self.files.get(PATH)
        return _parsed(present.content) if present else {}

    @property
    def is_settled(self) -> bool:
        """Whether the mark says that the services were healthy on this very file and nothing was written since."""
        file, mark = self.files.get(PATH), self.files.get(PATH + atomic_file.MARK)
        if file is None or mark is None:
            return False
        settled = _parsed(mark.content)
        healthy: Any = settled["healthy"] or {}
        accepted: Any = settled["accepted"] or {}
        return healthy.get("digest") == atomic_file.digest(file.content) and not accepted.get("restart")

    def boot(self) -> None:
        self.running = self.settings
        self.world.scheduler.say(self.name, "BOOTS")

    def replace(self, image: dict[str, Present]) -> None:
        """A new machine from an image that was made earlier takes its place."""
        self.files = dict(image)
        self.running = self.settings
        self.world.scheduler.say(self.name, "IS REPLACED from an image")

    # Modules and commands

    def module(self, what: str, act: Callable[[], T], *, sealed: bool) -> T:
        """Runs a module here: it may outlive the controller, and its answer may be lost."""
        world, process = self.world, self.world.scheduler.current
        if process is None:
            return act()
        world.before(f"send {what}", self.name)
        if not self.reachable:
            process.fault = None
            raise Unreachable(f"{self.name} cannot be reached")
        process.module, process.sealed = self.name, sealed
        try:
            result = act()
        finally:
            process.module, process.sealed = "", False
        if process.doomed:
            raise Killed
        fault = world.scheduler.after(f"answer of {what}", self.name)
        if not self.reachable or (fault is not None and fault.kind == LOST):
            raise Unreachable(f"{self.name} was lost during {what}")
        return result

    def _file(self, state: Callable[[Any], dict[str, Any]], params: dict[str, Any], *, check: bool) -> dict[str, Any]:
        module = SimpleNamespace(
            params={
                "path": PATH,
                "mark": True,
                "merge": False,
                "backup": True,
                "assume_healthy": False,
                "readers": (),
                "files": (),
                "file_contents": {},
                "owner": None,
                "group": None,
                "services": None,
                **params,
            },
            check_mode=check,
            _diff=False,
        )

        def act() -> dict[str, Any]:
            with self.alone():
                Files.host, before = self, Files.host
                try:
                    return state(module)
                finally:
                    Files.host = before

        return self.module(f"env_file {state.__name__}", act, sealed=self.world.sealed)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """What the module's lock does: another run's module waits for a while, and gives up."""
        for _second in range(atomic_file.PATIENCE):
            if self.writer is None:
                break
            self.world.act("wait", self.name, lambda: None)
        else:
            raise HostError(f"{PATH}: another process has held its lock")
        self.writer = self.world.scheduler.current
        try:
            yield
        finally:
            self.writer = None

    def deliver(self, snapshot: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
        content = json.dumps(snapshot["settings"], sort_keys=True)
        params = {"content": content, "snapshot_id": snapshot["snapshot_id"], "journal": snapshot["journal"]}
        return self._file(deliver, params, check=check)

    def record_healthy(self, snapshot: dict[str, Any], delivery: str) -> None:
        self._file(record_healthy, {"snapshot_id": snapshot["snapshot_id"], "delivery": delivery}, check=False)

    def restore(self, snapshot: dict[str, Any], delivery: str) -> dict[str, Any]:
        params = {"snapshot_id": snapshot["snapshot_id"], "delivery": delivery}
        return self._file(restore, params, check=False)

    def restart(self) -> None:
        def act() -> None:
            self.running = self.settings

        self.module("restart", lambda: self.world.act("restart", self.name, act), sealed=False)

    def healthy(self) -> bool:
        def act() -> bool:
            running = self.running
            fine = (
                self.world.postgres.accepts(running.get("DATABASE_URL", ""))
                and self.world.valkey.accepts(running.get("REDIS_URL", ""))
                and not self.sick(running)
            )
            if fine:
                self.healthy_on = set(running.items())
            return fine

        return self.module("health", lambda: self.world.act("health", self.name, act), sealed=False)


def deliver(module: Any) -> dict[str, Any]:
    return env_file_main.deliver(module, ENV, _WANTED)


def record_healthy(module: Any) -> dict[str, Any]:
    host = Files.host
    assert host is not None
    result = env_file_main.record_healthy(module, ENV)
    host.verified_on |= set(host.settings.items()) & host.healthy_on
    return result


def restore(module: Any) -> dict[str, Any]:
    return env_file_main.restore(module, ENV, _WANTED)


class Files:
    """Stands in for the file system below the module; every write is one act."""

    host: Host | None = None

    @classmethod
    def present(cls, at: OpenPath) -> Present | None:
        assert cls.host is not None
        return cls.host.files.get(at.path)

    @classmethod
    def write(cls, at: OpenPath, content: bytes, wanted: Ownership) -> None:
        host, path = cls.host, at.path
        assert host is not None

        def act() -> None:
            host.files[path] = Present(content, wanted.uid or 0, wanted.gid or 0, wanted.mode)

        host.world.act("write", f"{host.name}:{path}", act)
        cls.host = host  # another process may have worked on another host meanwhile

    @classmethod
    @contextlib.contextmanager
    def staged(cls, at: OpenPath, content: bytes, wanted: Ownership) -> Iterator[Callable[[], None]]:
        yield lambda: cls.write(at, content, wanted)

    @classmethod
    def remove(cls, at: OpenPath) -> None:
        assert cls.host is not None
        cls.host.files.pop(at.path, None)


def install(patch: Callable[[Any, str, Any], None]) -> None:
    """Puts the dictionary in the file system's place."""
    patch(atomic_file, "present", Files.present)
    patch(atomic_file, "write", Files.write)
    patch(atomic_file, "staged", Files.staged)
    patch(atomic_file, "remove", Files.remove)
    patch(atomic_file, "remove_temporary", lambda _at, *_suffixes: None)
    patch(env_file_main, "dotenv", SimpleNamespace(from_dotenv=lambda text, _readers=(): json.loads(text)))
