# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ways in of one host alone, so that it can be lost, or come back, while a run works on it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.integration.rotation_lab import RotationLab


def forward(listener: socket.socket, port: int, over: threading.Event, frozen: threading.Event | None = None) -> None:
    """Connections to the listener reach the port, until it is over.

    Once it is frozen, no byte goes through and no connection is closed, as at a router that loses its memory.
    """
    stopped = frozen or threading.Event()
    listener.settimeout(0.2)
    links: list[tuple[socket.socket, socket.socket]] = []
    while not over.is_set():
        try:
            connection = listener.accept()[0]
        except TimeoutError:
            continue
        other = socket.create_connection(("127.0.0.1", port))
        links.append((connection, other))
        for source, target in ((connection, other), (other, connection)):
            threading.Thread(target=pump, args=(source, target, stopped), daemon=True).start()
    listener.close()
    for pair in links:
        for link in pair:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()


def pump(source: socket.socket, target: socket.socket, frozen: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while (data := source.recv(65536)) or frozen.is_set():
            if frozen.is_set():
                return
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def through(variables: Mapping[str, Any], port: int) -> dict[str, Any]:
    """A host's variables with another port, behind which the same sshd is."""
    if variables["ansible_connection"] == "local":
        pytest.skip("without an sshd no host can be away: one that is lost, or comes back, was not tested")
    alias = f"-o HostKeyAlias=[127.0.0.1]:{variables['ansible_port']}"
    common = f"{variables['ansible_ssh_common_args']} {alias}"
    return {**variables, "ansible_port": port, "ansible_ssh_retries": 0, "ansible_ssh_common_args": common}


@contextlib.contextmanager
def own_door(lab: RotationLab, name: str) -> Iterator[Callable[[], None]]:
    """Inside, the host has a way in of its own; what is yielded shuts it, whoever is inside."""
    kept, over = lab.host_vars[name], threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    lab.host_vars[name] = through(kept, listener.getsockname()[1])
    thread = threading.Thread(target=forward, args=(listener, int(kept["ansible_port"]), over))
    thread.start()

    def shut() -> None:
        over.set()
        thread.join()

    try:
        yield shut
    finally:
        shut()
        lab.host_vars[name] = kept
