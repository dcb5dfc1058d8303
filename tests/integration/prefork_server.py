# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The process that :mod:`tests.integration.prefork` starts: it imports Ansible and forks for each run.

A request is a message with the run's arguments, folder and variables, and two descriptors: where its output goes, and
where its process id and its exit code are written. It ends when the other side of the socket is closed.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import shutil
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

LARGEST = 1 << 18
"""Bytes of a request."""


def serve(requests: socket.socket) -> bool:
    """Fork for each request. True in the process of a run, False in the server when there are no more of them."""
    while True:
        text, descriptors, _, _ = socket.recv_fds(requests, LARGEST, 2)
        if not text:
            return False
        output, status = descriptors
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if os.fork() == 0:
            process = os.fork()
            if process:
                watch(process, output, status)
            requests.close()
            os.close(status)
            become(json.loads(text), output)
            return True
        os.close(output)
        os.close(status)


def watch(process: int, output: int, status: int) -> None:
    """Tell the process id of a run and its exit code, as a parent would learn it."""
    os.close(output)
    os.write(status, b"%d\n" % process)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with suppress(BrokenPipeError):
        os.write(status, b"%d\n" % code)
    os._exit(0)


def become(request: dict[str, object], output: int) -> None:
    """Be a new process: a session, output, folder, variables and arguments of its own."""
    os.setsid()
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    os.chdir(str(request["folder"]))
    os.environ.clear()
    os.environ.update(request["variables"])  # type: ignore[call-overload]
    sys.argv[:] = list(request["arguments"])  # type: ignore[call-overload]
    # Ansible makes this folder while it is imported, and removes it at its end.
    constants = importlib.import_module("ansible.constants")
    place = Path(constants.DEFAULT_LOCAL_TMP).parent
    constants.DEFAULT_LOCAL_TMP = tempfile.mkdtemp(prefix=f"ansible-local-{os.getpid()}", dir=place)
    atexit.register(shutil.rmtree, constants.DEFAULT_LOCAL_TMP, ignore_errors=True)


def main() -> int:
    requests = socket.socket(fileno=int(sys.argv[1]))
    sys.path[0] = str(Path(sys.executable).parent)  # as for the program ansible-playbook
    playbook = importlib.import_module("ansible.cli.playbook")
    importlib.import_module("boto3")
    gc.freeze()  # a collection would copy the pages that a run shares with this process
    return int(playbook.main() or 0) if serve(requests) else 0


if __name__ == "__main__":
    sys.exit(main())
