# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that an attacker runs: they answer as PostgreSQL or Valkey does, and keep every byte that they receive."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.valkey import encode

Talk = Callable[[socket.socket], Iterator[bytes]]
"""Answers one client, and yields what it received."""
REQUESTS = {
    "cleartext": struct.pack("!cii", b"R", 8, 3),
    "md5": struct.pack("!cii4s", b"R", 12, 5, b"salt"),
    "none": struct.pack("!cii", b"R", 8, 0) + b"Z\x00\x00\x00\x05I",
}
"""How a PostgreSQL server asks for a password, or lets a client in without one."""


class FakeServer:
    """Listens on loopback until it is closed."""

    def __init__(self, talk: Talk, host: str = "127.0.0.1") -> None:
        self._talk = talk
        self._listener = socket.create_server((host, 0))
        self._lock = threading.Lock()
        self._received: list[bytes] = []
        self.clients = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def place(self) -> str:
        return f"{self._listener.getsockname()[0]}:{self.port}"

    @property
    def received(self) -> bytes:
        with self._lock:
            return b"".join(self._received)

    def _accept(self) -> None:
        while True:
            try:
                client, _peer = self._listener.accept()
            except OSError:
                return
            self.clients += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(5)
        try:
            with client:
                for received in self._talk(client):
                    with self._lock:
                        self._received.append(received)
        except OSError:
            return

    def close(self) -> None:
        self._listener.close()


@contextmanager
def fake_postgresql(request: str, certificate: Path | None = None) -> Iterator[FakeServer]:
    """A PostgreSQL server that asks for the password as ``request`` says, over TLS where it has a certificate."""

    def talk(client: socket.socket) -> Iterator[bytes]:
        while True:
            head = _whole(client, 4)
            body = _whole(client, struct.unpack("!i", head)[0] - 4)
            yield head + body
            number = struct.unpack("!i", body[:4])[0]
            if number == 80877103 and certificate:  # SSLRequest
                client.sendall(b"S")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                client = context.wrap_socket(client, server_side=True)
                continue
            if number in (80877103, 80877104):  # and GSSENCRequest
                client.sendall(b"N")
                continue
            client.sendall(REQUESTS[request])
            yield client.recv(65536)
            return

    yield from _served(FakeServer(talk))


@contextmanager
def fake_valkey(
    info: str = "role:master\r\n", answers: Mapping[str, bytes] | None = None, host: str = "127.0.0.1"
) -> Iterator[FakeServer]:
    """A Valkey server that accepts every login; ``info`` is its INFO, ``answers`` are its raw answers by command."""
    text = {"INFO": b"$%d\r\n%s\r\n" % (len(info), info.encode()), **(answers or {})}

    def talk(client: socket.socket) -> Iterator[bytes]:
        while received := client.recv(65536):
            yield received
            for message in _commands(received):
                client.sendall(text.get(message, text.get(message.partition(" ")[0], b"+OK\r\n")))

    yield from _served(FakeServer(talk, host))


def _whole(client: socket.socket, size: int) -> bytes:
    """So many bytes; TLS knows no MSG_WAITALL."""
    data = b""
    while len(data) < size:
        content = client.recv(size - len(data))
        if not content:
            raise OSError("closed")
        data += content
    return data


def _served(server: FakeServer) -> Iterator[FakeServer]:
    try:
        yield server
    finally:
        server.close()


def _commands(received: bytes) -> Sequence[str]:
    """The first two words of each command in a packet."""
    lines = received.split(b"\r\n")
    starts = [at for at, line in enumerate(lines[:-2]) if line[:1] == b"*"]
    return [b" ".join(lines[at + 2 : at + 5 : 2]).decode("utf-8", "replace").upper() for at in starts]


@contextmanager
def posing_as_replica(port: int, password: str, fake: FakeServer) -> Iterator[None]:
    """A client with the application's password alone that the server lists as its replica at the fake's address."""
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        for command in (
            ("AUTH", "default", password),
            ("REPLCONF", "listening-port", str(fake.port)),
            ("REPLCONF", "ip-address", "127.0.0.1"),
            ("REPLCONF", "capa", "eof", "capa", "psync2"),
        ):
            client.sendall(encode(*command))
            assert client.recv(256).startswith(b"+OK"), command
        client.sendall(encode("PSYNC", "?", "-1"))
        over = threading.Event()

        def read() -> None:
            client.settimeout(0.2)
            while not over.is_set():
                try:
                    if not client.recv(65536):
                        return
                    client.sendall(encode("REPLCONF", "ACK", "0"))
                except TimeoutError:
                    continue
                except OSError:
                    return

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        time.sleep(1)  # the server lists it once its synchronization began
        try:
            yield
        finally:
            over.set()
            thread.join()
