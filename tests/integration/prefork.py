# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs ansible-playbook as a fork of a process that has imported Ansible: half of the processor time a run.

What Ansible reads while it is imported (variables, ansible.cfg) is the server's. So a run must have the same of these;
variables that are read later may differ. Runs of the repository's own collection find it imported as well; those of a
copy that a test has changed do not. A run has a process group, folder and output of its own, as a program has.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

from tests.integration.prefork_server import OURS, REPOSITORY

SERVER = Path(__file__).resolve().parent / "prefork_server.py"
COLLECTIONS = REPOSITORY / "playbooks" / "collections"
READ_LATER = ("AWS_", "GITHUB_", "WATCHPARTY_", "ACT_", "DUMP_", "KILL_", "PAUSE_")
"""Starts of variables that nothing reads while it is imported; the last four are those of the tests' callbacks."""
AVAILABLE = sys.platform == "linux"
"""Elsewhere there are no such sockets, and the program is started."""
MOST = 3
"""Servers that run at a time: their memory is some 60 MB each."""
_servers: dict[frozenset[tuple[str, str]], Server] = {}
_lock = Lock()


def read_early(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    """Those of the variables that the server must have been started with."""
    return {name: value for name, value in variables.items() if not name.startswith(READ_LATER)}


def server(variables: Mapping[str, str | None], root: Path = REPOSITORY) -> Server:
    """The server for these variables and the collection at *root*; an older one ends, since labs follow one another."""
    wanted = {name: value for name, value in read_early(variables).items() if value is not None}
    ours = root == REPOSITORY and wanted.get("ANSIBLE_COLLECTIONS_PATH", str(COLLECTIONS)) == str(COLLECTIONS)
    key = frozenset((wanted | {OURS: str(ours)}).items())
    with _lock:
        if key not in _servers:
            while len(_servers) >= MOST:
                _servers.pop(next(iter(_servers))).close()
            _servers[key] = Server(wanted, ours)
        return _servers[key]


def play(
    command: Sequence[str], folder: Path, variables: Mapping[str, str], *, seconds: float = 120
) -> tuple[int, str]:
    """Exit code and output of ansible-playbook, forked where that is possible."""
    if AVAILABLE:
        return server(variables).run(command, folder=folder, variables=variables, seconds=seconds)
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    return done.returncode, done.stdout


class Server:
    """A process that has imported Ansible. It ends with this one at the latest."""

    def __init__(self, variables: Mapping[str, str], ours: bool) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(SERVER), str(theirs.fileno()), *([OURS] if ours else [])],
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def run(
        self, arguments: Sequence[str], *, folder: Path, variables: Mapping[str, str], seconds: float
    ) -> tuple[int, str]:
        """Exit code and output of a run; it is killed, with its process group, if it takes longer."""
        output, theirs = os.pipe()
        status, theirs_too = os.pipe()
        request = {"arguments": list(arguments), "folder": str(folder), "variables": dict(variables)}
        try:
            socket.send_fds(self._requests, [json.dumps(request).encode()], [theirs, theirs_too])
        finally:
            os.close(theirs)
            os.close(theirs_too)
        with open(output, "rb", buffering=0) as stream, open(status, encoding="ascii") as result:
            process = result.readline()
            if not process:
                raise RuntimeError("the process that has imported Ansible has ended")
            try:
                text = _read(stream.fileno(), seconds)
            except BaseException:
                os.killpg(int(process), signal.SIGKILL)
                raise
            return int(result.readline()), text.decode().replace("\r\n", "\n")

    def close(self) -> None:
        self._requests.close()
        self._process.wait()


def _read(descriptor: int, seconds: float) -> bytes:
    """All that comes until the last writer closes it."""
    end = time.monotonic() + seconds
    parts: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while selector.select(end - time.monotonic()):
            if not (part := os.read(descriptor, 1 << 16)):
                return b"".join(parts)
            parts.append(part)
    raise subprocess.TimeoutExpired("ansible-playbook", seconds, b"".join(parts))
