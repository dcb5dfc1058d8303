# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that freezes in the middle of a delivery: its restart command stops a process, which stays stopped."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.integration.doors import forward, through
from tests.integration.harness import Host, Lab

SSHD = "sshd"
"""The process of the SSH session: the connection stays open and nothing answers any more, not even a keep-alive."""
PROGRAM = "python"
"""The program of the collection alone: sshd still answers keep-alives."""
SOON = "-o ServerAliveInterval=3 -o ServerAliveCountMax=3"
"""A connection that froze ends sooner than by the collection's own keep-alives, which test_frozen_host waits for."""

_STOP = """
import json, os, re, signal, sys
what, pids = sys.argv[1], sys.argv[2]
pid = os.getppid()
while pid > 1:
    with open("/proc/%d/stat" % pid) as handle:
        name, parent = re.search(r"\\((.*)\\) . (\\d+)", handle.read()).groups()
    if name.startswith(what):
        with open(pids, "w") as handle:
            json.dump(pid, handle)
        os.kill(pid, signal.SIGSTOP)
        break
    pid = int(parent)
"""


@contextlib.contextmanager
def freezing(lab: Lab, host: Host, what: str) -> Iterator[Path]:
    """Inside, the host freezes when its services are to be restarted; yields a file that is there once it did."""
    program, pid = lab.directory / "freeze.py", lab.directory / "frozen.json"
    program.write_text(_STOP, encoding="utf-8")
    kept = lab.host_vars[host.name]
    command = shlex.join([sys.executable, "-IS", str(program), what, str(pid)])
    lab.host_vars[host.name] = {**kept, "env_deploy_restart_command": command}
    try:
        yield pid
    finally:
        lab.host_vars[host.name] = kept
        if pid.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(json.loads(pid.read_text()), signal.SIGCONT)
                os.kill(json.loads(pid.read_text()), signal.SIGKILL)
            pid.unlink()


@contextlib.contextmanager
def frozen_door(lab: Lab, name: str) -> Iterator[Path]:
    """Inside, the host freezes as a whole when its services are to be restarted: what is connected gets no more bytes,
    and new connections are accepted and never answered. Yields a file that is there once it froze."""
    kept, over, frozen = lab.host_vars[name], threading.Event(), threading.Event()
    dying = lab.directory / "dying"
    listener = socket.create_server(("127.0.0.1", 0))
    restart = f"sh -c 'touch {dying}; exec sleep 600'"
    lab.host_vars[name] = {
        **through(kept, listener.getsockname()[1]),
        "ansible_ssh_extra_args": SOON,
        "env_deploy_restart_command": restart,
    }
    threads = [
        threading.Thread(target=forward, args=(listener, int(kept["ansible_port"]), over, frozen)),
        threading.Thread(target=_freeze_once, args=(dying, over, frozen)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield dying
    finally:
        over.set()
        for thread in threads:
            thread.join()
        lab.host_vars[name] = kept
        dying.unlink(missing_ok=True)


def _freeze_once(dying: Path, over: threading.Event, frozen: threading.Event) -> None:
    while not over.wait(0.05):
        if dying.exists():
            frozen.set()
            return
