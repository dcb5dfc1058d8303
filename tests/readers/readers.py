# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real readers of a ``.env``: each function hands a file to the program itself and returns what it read."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socketserver
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Reading = Mapping[str, str]
Program = Callable[[Path], Reading]
RunOnHost = Callable[[Sequence[str], bytes], bytes]
"""Runs a command as root on a booted systemd machine with these bytes on its input; returns its output."""

MINIMAL = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}


class Unavailable(Exception):
    """Raised when a reader is not on this machine; the message says what is thereby not tested."""


class Refused(Exception):
    """Raised when a reader rejects a file as a whole."""


def program(*names: str) -> str:
    """The path of the first of these programs that is installed."""
    for name in names:
        text = shutil.which(name)
        if text:
            return text
    raise Unavailable(f"not tested: what {' or '.join(names)} reads, because it is not installed")


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> bytes:
    done = subprocess.run(command, env=env or MINIMAL, cwd=cwd, capture_output=True, timeout=60, check=False)
    if done.returncode:
        raise Refused(f"{command[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


def pairs(output: bytes) -> dict[str, str]:
    """What ``env -0`` printed."""
    text = output.decode("utf-8", errors="surrogateescape")
    return dict(item.split("=", 1) for item in text.split("\0") if item)


def added(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """The variables that the file brought: whatever is new or differs."""
    return {name: value for name, value in after.items() if before.get(name) != value}


def python_dotenv(path: Path) -> Reading:
    from dotenv import dotenv_values

    return {name: value or "" for name, value in dotenv_values(path).items()}


def django_environ(path: Path) -> Reading:
    import environ

    class Env(environ.Env):
        ENVIRON: dict[str, str] = {}

    Env.read_env(path)
    env = Env()
    try:
        return {name: env(name) for name in Env.ENVIRON}
    except (environ.ImproperlyConfigured, RecursionError) as error:
        raise Refused(type(error).__name__) from error


def decouple(path: Path) -> Reading:
    from decouple import Config, RepositoryEnv

    repository = RepositoryEnv(str(path))
    config = Config(repository)
    return {name: config(name) for name in repository.data}


def starlette(path: Path) -> Reading:
    from starlette.config import Config

    config = Config(path, environ={})
    return {name: config(name) for name in config.file_values}


def honcho(path: Path) -> Reading:
    from honcho.environ import parse

    try:
        return dict(parse(path.read_bytes().decode()))
    except ValueError as error:
        raise Refused(str(error)) from error


def _shell(shell: Sequence[str], path: Path) -> Reading:
    env = program("env")

    def read(file: str) -> dict[str, str]:
        return pairs(run([*shell, "-c", 'set -a; . "$1"; exec "$2" -0', "sh", file, env]))

    return added(read("/dev/null"), read(str(path)))


def bash(path: Path) -> Reading:
    return _shell([program("bash"), "--noprofile", "--norc"], path)


def dash(path: Path) -> Reading:
    return _shell([program("dash")], path)


def zsh(path: Path) -> Reading:
    return _shell([program("zsh"), "-f"], path)


def docker_compose(path: Path) -> Reading:
    """``config`` resolves the whole project, env_file included, and needs no engine."""
    try:
        command = [program("docker-compose")]
    except Unavailable:
        command = [program("docker"), "compose"]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "compose.json")
        service = {"image": "none", "env_file": [str(path)]}
        project.write_text(json.dumps({"name": "t", "services": {"t": service}}), encoding="utf-8")
        output = run([*command, "-f", str(project), "config", "--format", "json"], cwd=Path(folder))
    environment = json.loads(output)["services"]["t"].get("environment") or {}
    return {name: (value or "").replace("$$", "$") for name, value in environment.items()}


def node(path: Path) -> Reading:
    command = [program("node")]

    def read(file: str) -> dict[str, str]:
        script = "process.stdout.write(JSON.stringify(process.env))"
        result: dict[str, str] = json.loads(run([*command, f"--env-file={file}", "-e", script]))
        return result

    try:
        before = read("/dev/null")
    except Refused as error:
        raise Unavailable("not tested: what node reads, because it is older than --env-file") from error
    return added(before, read(str(path)))


def direnv(path: Path) -> Reading:
    result: dict[str, str] = json.loads(run([program("direnv"), "dotenv", "json", str(path)]) or b"{}")
    return result


def docker_run(path: Path) -> Reading:
    """The docker command reads the file itself and sends the result to an engine: a stand-in for that one is enough."""
    docker = program("docker")
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder, "engine.sock")
        with Engine(str(socket)) as engine:
            thread = threading.Thread(target=engine.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
            thread.start()
            try:
                env = {**MINIMAL, "HOME": folder}
                run([docker, "-H", f"unix://{socket}", "create", "--env-file", str(path), "none"], env=env)
            finally:
                engine.shutdown()
                thread.join()
    return dict(item.split("=", 1) for item in engine.received)


class Engine(socketserver.UnixStreamServer):
    """A stand-in for the docker engine that keeps the environment it is sent."""

    def __init__(self, address: str) -> None:
        self.received: list[str] = []
        super().__init__(address, _Conversation)


class _Conversation(http.server.BaseHTTPRequestHandler):
    server: Engine

    def do_HEAD(self) -> None:
        self._reply({})

    def do_GET(self) -> None:
        self._reply({})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received = body.get("Env") or []
        self._reply({"Id": "0" * 64, "Warnings": []}, status=201)

    def _reply(self, document: Mapping[str, object], *, status: int = 200) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Api-Version", "1.43")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def systemd(path: Path, run_on_host: RunOnHost) -> Reading:
    """What a service gets from ``EnvironmentFile=`` on a real machine."""
    service = "systemd-run --quiet --wait --pipe --collect"
    script = (
        f"f=$(mktemp); cat >$f; {service} /usr/bin/env -0; printf '\\0=\\0'; "
        f"{service} -p EnvironmentFile=$f /usr/bin/env -0; r=$?; rm -f $f; exit $r"
    )
    before, after = run_on_host(["sh", "-c", script], path.read_bytes()).split(b"\0=\0")
    of_each_run = {"INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID"}
    return {name: value for name, value in added(pairs(before), pairs(after)).items() if name not in of_each_run}


PROGRAMS: Mapping[str, tuple[Program, ...]] = {
    "python_dotenv": (python_dotenv,),
    "django_environ": (django_environ,),
    "shell": (bash, dash, zsh),
    "docker_compose": (docker_compose,),
    "decouple": (decouple, starlette),
    "node": (node,),
    "honcho": (honcho,),
    "direnv": (direnv,),
    "docker_run": (docker_run,),
}
"""The programs behind each name of the grammar's READERS; systemd is asked on a test host."""
