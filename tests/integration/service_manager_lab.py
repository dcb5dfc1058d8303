# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A supervisor, a runit service and a container of docker compose, each started in a folder."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers import registry
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import (
    ServiceManager,
    State,
)
from tests.integration import docker_engine

SLEEP = ("sleep", "600")
SUPERVISOR = """\
[unix_http_server]
file = {folder}/socket
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
logfile = {folder}/log
pidfile = {folder}/pid
childlogdir = {folder}
[supervisorctl]
serverurl = unix://{folder}/socket
[program:web]
command = {command}
autostart = false
[program:broken]
command = false
startsecs = 1
startretries = 0
autostart = false
"""


def give(folder: Path, uid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid)


def manager(**declared: Any) -> ServiceManager:
    return registry.managers([], [{"service": "web", "units": ["web"], **declared}])[0]


@contextmanager
def running(command: list[str], is_ready: Callable[[], bool], uid: int | None) -> Iterator[None]:
    process = subprocess.Popen(command, user=uid, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while not is_ready():
            assert process.poll() is None, f"{command[0]} has ended"
            assert time.monotonic() < until
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def supervisor(folder: Path, uid: int | None = None, *, command: Sequence[str] = SLEEP) -> Iterator[ServiceManager]:
    file = folder / "supervisord.conf"
    file.write_text(SUPERVISOR.format(folder=folder, command=shlex.join(command)))
    if uid is not None:
        give(folder, uid)
    bin_ = Path(sys.executable).parent
    with running([str(bin_ / "supervisord"), "-n", "-c", str(file)], (folder / "socket").exists, uid):
        yield manager(manager="supervisor", file=str(file), program=str(bin_ / "supervisorctl"))


@contextmanager
def runit(folder: Path, uid: int | None = None) -> Iterator[ServiceManager]:
    programs = [shutil.which(name) for name in ("runsv", "sv")]
    if not all(programs):
        pytest.skip("runit is not installed: its services were not restarted")
    service = folder / "web"
    service.mkdir()
    (service / "run").write_text("#!/bin/sh\nexec sleep 600\n")
    (service / "run").chmod(0o755)
    if uid is not None:
        give(folder, uid)
    started = manager(manager="runit", directory=str(folder), program=programs[1])

    def is_ready() -> bool:
        return (service / "supervise" / "status").exists() and started.states()[0].is_up

    with running([str(programs[0]), str(service)], is_ready, uid):
        yield started
        started.stop(10)


@contextmanager
def docker(folder: Path, uid: int | None = None, *, command: Sequence[str] = SLEEP) -> Iterator[ServiceManager]:
    program, file = folder / "docker", folder / "compose.yaml"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(docker_engine.command())} "$@"\n')
    program.chmod(0o755)
    declare(file, docker_engine.service(command))
    if uid is not None:
        give(folder, uid)
    try:
        yield manager(manager="compose", file=str(file), program=str(program))
    finally:
        (folder / ".env").touch()
        call([str(program), "compose", "--file", str(file), "down"])


def declare(file: Path, web: dict[str, Any]) -> None:
    file.write_text(json.dumps({"services": {"web": web}}))


def call(words: Sequence[str]) -> None:
    subprocess.run(words, check=True, capture_output=True)


MANAGERS = [supervisor, runit, docker]


def only(states: list[State]) -> State:
    (state,) = states
    return state
