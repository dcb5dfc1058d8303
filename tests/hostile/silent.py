# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that accepts connections and never answers, or sends a byte now and then."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def server(drip: bytes = b"", *, first: bytes = b"", pause: float = 0.2) -> Iterator[int]:
    """The port of a server on loopback; it sends ``first``, then ``drip`` with a pause before each."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    clients: list[socket.socket] = []

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client.sendall(first)
            while drip and not over.wait(pause):
                client.sendall(drip)

    def accept() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                client = listener.accept()[0]
                clients.append(client)
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join()
        for connection in (*clients, listener):
            connection.close()
