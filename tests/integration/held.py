# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tests of rotations do to a run and around it: hold it at tasks, stop servers, keep sessions open."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.process import STATE_FILE, wait_until
from tests.integration.harness import Run
from tests.integration.rotation_lab import MASTER, OWNER, RotationLab, application_python

CALLBACKS = Path(__file__).resolve().parent / "callback_plugins"
HOLD = """
import sys, psycopg
url = sys.stdin.readline().strip()
held = []
try:
    while True:
        held.append(psycopg.connect(url))
except psycopg.OperationalError:
    print(len(held), flush=True)
sys.stdin.readline()
"""
ONE = """
import socket, sys, threading, psycopg, redis

def through(address, port):
    # What is sent to the port that is returned reaches the server from that address.
    door = socket.create_server(("127.0.0.1", 0))

    def carry(source, target):
        while data := source.recv(65536):
            target.sendall(data)
        target.close()

    def enter():
        while True:
            inside, _ = door.accept()
            outside = socket.create_connection(("127.0.0.1", port), source_address=(address, 0))
            for pair in ((inside, outside), (outside, inside)):
                threading.Thread(target=carry, args=pair, daemon=True).start()

    threading.Thread(target=enter, daemon=True).start()
    return door.getsockname()[1]

address, database, cache = sys.stdin.readline().split()
ports = [int(url.rpartition(":")[2].partition("/")[0]) for url in (database, cache)]
database, cache = (
    url.replace(f":{port}/", f":{through(address, port)}/") for url, port in zip((database, cache), ports)
)
first, second = psycopg.connect(database), redis.Redis.from_url(cache)
first.execute("SELECT 1"), second.ping()
print("held", flush=True)
sys.stdin.readline()
for name, act in (("database", lambda: first.execute("SELECT 1")), ("cache", second.ping)):
    try:
        act()
        print(name, "is alive")
    except (psycopg.Error, redis.RedisError):
        print(name, "is ended")
"""


class Held:
    """A run that is held at some of its tasks, while something happens there."""

    def __init__(self, lab: RotationLab, acts: Mapping[str, Callable[[], Any]], *arguments: str) -> None:
        self.lab = lab
        self.messages: list[str] = []
        """The tasks it was held at, in order."""
        self._acts = acts
        self._arguments = arguments
        self._directory = lab.directory / "held"

    def run(self) -> Run:
        self._directory.mkdir(exist_ok=True)
        over, errors = threading.Event(), list[BaseException]()
        watcher = threading.Thread(target=self._watch, args=(over, errors))
        watcher.start()
        variables = {
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "pause_at",
            "PAUSE_AT": json.dumps(list(self._acts)),
            "PAUSE_DIRECTORY": str(self._directory),
        }
        try:
            run = self.lab.rotate(*self._arguments, environment=variables)
        finally:
            over.set()
            watcher.join()
        if errors:
            raise errors[0]
        return run

    def _watch(self, over: threading.Event, errors: list[BaseException]) -> None:
        while not over.wait(0.05):
            file = self._directory / str(len(self.messages) + 1)
            if file.exists():
                self.messages.append(file.read_text(encoding="utf-8"))
                try:
                    self._acts[self.messages[-1]]()
                except BaseException as error:  # noqa: BLE001 raised again where the run ends
                    errors.append(error)
                file.unlink()


def start_again(server: Any) -> None:
    server.process = server._launch()
    server.process.save(server.directory / STATE_FILE)
    assert wait_until(server._ready, seconds=30)


@contextmanager
def down(server: Any) -> Iterator[Callable[[], None]]:
    """The server that the callable stops is started again at the end."""
    try:
        yield server.process.stop
    finally:
        if not server.process.running():
            start_again(server)


@contextmanager
def program(text: str, *messages: str) -> Iterator[Callable[[], str]]:
    """A program in the application's interpreter, once it has said its first line; the callable ends it."""
    process = application_python(text)
    process.stdin.write(" ".join(messages) + "\n")
    process.stdin.flush()
    process.stdout.readline()
    ended: list[str] = []

    def end() -> str:
        if not ended:
            ended.append(process.communicate("\n")[0])
        return ended[0]

    try:
        yield end
    finally:
        end()


# Servers that will not do what is planned, and a kind whose server never does.


@contextmanager
def owner_has_another_name(lab: RotationLab) -> Iterator[None]:
    lab.postgres.execute(f"ALTER ROLE {OWNER} RENAME TO elsewhere;")
    try:
        yield
    finally:
        lab.postgres.execute(f"ALTER ROLE elsewhere RENAME TO {OWNER};")


@contextmanager
def master_may_not_create_roles(lab: RotationLab) -> Iterator[None]:
    lab.postgres.execute(f"ALTER ROLE {MASTER} NOCREATEROLE;")
    try:
        yield
    finally:
        lab.postgres.execute(f"ALTER ROLE {MASTER} CREATEROLE;")


@contextmanager
def administrator(lab: RotationLab, secret: str, username: str, password: str) -> Iterator[None]:
    kept = lab.content(secret)
    lab.put(secret, username=username, password=password)
    try:
        yield
    finally:
        lab.put(secret, **kept)


@contextmanager
def wrong_password(lab: RotationLab) -> Iterator[None]:
    with administrator(lab, "watchparty/production/database-admin", MASTER, "canary-that-is-wrong"):
        yield


@contextmanager
def weak_administrator(lab: RotationLab) -> Iterator[None]:
    lab.valkey.create_user("weak", "canary-of-the-weak-one", "~*", "&*", "+@all", "-acl|setuser")
    try:
        with administrator(lab, "watchparty/production/cache-admin", "weak", "canary-of-the-weak-one"):
            yield
    finally:
        lab.valkey.execute("ACL", "DELUSER", "weak")


@contextmanager
def a_user_without_a_password(lab: RotationLab) -> Iterator[None]:
    kept = lab.passwords()
    lab.valkey.execute("ACL", "SETUSER", "default", "nopass")
    try:
        yield
    finally:
        lab.valkey.execute("ACL", "SETUSER", "default", "resetpass", *(f"#{digest}" for digest in kept))


def own_kind(lab: RotationLab, name: str, script: str, *verbs: str, kind: str = "value: generated") -> Path:
    """A kind of one's own, whose executable is a shell script; the folder that rotation_kinds_path names."""
    folder = lab.directory / "own" / name
    folder.mkdir(parents=True, exist_ok=True)
    listed = f"verbs: [{', '.join(verbs)}]\n" if verbs else ""
    (folder / "kind.yml").write_text(f"description: Of one's own.\n{kind}\n{listed}", encoding="utf-8")
    program = folder / "kind"
    program.write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
    program.chmod(0o755)
    return folder.parent
