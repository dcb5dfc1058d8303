# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A process that stands for hundreds of hosts: its fork runs each program that the collection sends.

A host needs neither an sshd nor an interpreter's start, and its processor time is not the controller's. ``python -m
bench.answering_hosts SOCKET PYTHON``: programs for PYTHON are started as commands.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ForkingMixIn, StreamRequestHandler, UnixStreamServer
from typing import Any

from sandbox.process import REPOSITORY, SandboxError, wait_until


class Server(ForkingMixIn, UnixStreamServer):
    request_queue_size = 600
    python = ""


class Handler(StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        command, _zero, content = self.rfile.read().partition(b"\0")
        if not command:  # a check whether this process is there
            return
        if not content or self.server.python.encode() in command:
            done = subprocess.run(["sh", "-c", command], input=content, stdout=subprocess.PIPE, check=False)
            self.wfile.write(done.stdout)
            return
        os.dup2(self.connection.fileno(), 1)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        started(json.loads(content))


def started(document: dict[str, Any]) -> None:
    """Runs a program like a host's interpreter."""
    scope: dict[str, Any] = {"__name__": "runtime"}
    exec(compile(document.pop("runtime"), "runtime", "exec"), scope)
    try:
        scope["start"](**document)
    except SystemExit:
        pass
    finally:
        sys.stdout.flush()


@contextmanager
def answering_hosts(python: str) -> Iterator[str]:
    """Starts such a process. Yields its socket."""
    with tempfile.TemporaryDirectory(prefix="hosts-") as folder:
        path = str(Path(folder) / "socket")
        command = [sys.executable, "-m", "bench.answering_hosts", path, python]
        process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE)
        try:
            if not wait_until(lambda: process.poll() is not None or _answers(path), seconds=60):
                raise SandboxError("the stand-in for hosts did not start")
            yield path
        finally:
            process.kill()
            process.wait()


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


def main() -> None:
    path, python = sys.argv[1:]
    with Server(path, Handler) as server:
        server.python = python
        server.max_children = 40
        server.serve_forever()


if __name__ == "__main__":
    main()
