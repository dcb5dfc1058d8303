# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Receivers of notifications on loopback: a mail server with TLS, and webhooks, well-behaved and hostile."""

from __future__ import annotations

import base64
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

Talk = Callable[[socket.socket], None]
LOOPBACK = "127.0.0.1"


class Receiver:
    """Answers each client as ``talk`` does, over TLS from the beginning where there is a certificate."""

    def __init__(self, talk: Talk, certificate: Path | None = None) -> None:
        self._talk, self._certificate = talk, certificate
        self._listener = socket.create_server((LOOPBACK, 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{self.port}/services/canary-path"

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with secure(client, self._certificate) if self._certificate else client as talked:
                self._talk(talked)
        except (OSError, ssl.SSLError):
            pass  # a client that hung up


def secure(client: socket.socket, certificate: Path) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context.wrap_socket(client, server_side=True)


class Webhook:
    """Keeps what is posted, and answers what it is reported."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") -> None:
        self.answer, self.posted = answer, []  # type: ignore[var-annotated]

    def __call__(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            part = client.recv(65536)
            if not part:
                return
            head += part
        head, _end, body = head.partition(b"\r\n\r\n")
        length = int(next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-l")))
        while len(body) < length:
            body += client.recv(65536)
        self.posted.append(body)
        client.sendall(self.answer)


def redirecting(to: str) -> Webhook:
    return Webhook(f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())


def silent(client: socket.socket) -> None:
    """Takes everything and answers nothing."""
    while client.recv(65536):
        pass


def dripping(client: socket.socket) -> None:
    """A byte now and then, so that no socket's own timeout ends it."""
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        client.sendall(b"a")
        time.sleep(0.1)


def flooding(client: socket.socket) -> None:
    """An answer without end."""
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _part in itertools.repeat(0):
        client.sendall(b"x" * 65536)


def flooding_head(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        client.sendall(b"X-%d: %s\r\n" % (number, b"x" * 30000))


class MailServer:
    """Speaks as much SMTP as a client needs, with STARTTLS where it is given a certificate for that."""

    def __init__(self, *, starttls: Path | None = None, password: str = "") -> None:
        self._starttls = starttls
        self.accepts: Callable[[str, str], bool] = lambda _username, given: given == password
        self.mails: list[str] = []
        self.logins: list[str] = []
        self.plain: list[bytes] = []
        """What came before TLS, where it is started later."""

    def __call__(self, client: socket.socket) -> None:
        client.sendall(b"220 mail\r\n")
        is_secure = isinstance(client, ssl.SSLSocket)
        stream = client.makefile("rb")
        while line := stream.readline():
            if not is_secure:
                self.plain.append(line)
            verb = line.strip().upper()
            if verb.startswith(b"EHLO"):
                extra = b"250-AUTH PLAIN\r\n" if is_secure else b"250-STARTTLS\r\n" if self._starttls else b""
                client.sendall(b"250-mail\r\n" + extra + b"250 8BITMIME\r\n")
            elif verb == b"STARTTLS" and self._starttls:
                client.sendall(b"220 go on\r\n")
                client, is_secure = secure(client, self._starttls), True
                stream = client.makefile("rb")
            elif verb.startswith(b"AUTH PLAIN"):
                self._login(client, line)
            elif verb == b"DATA":
                client.sendall(b"354 go on\r\n")
                self.mails.append(b"".join(iter(stream.readline, b".\r\n")).decode())
                client.sendall(b"250 taken\r\n")
            elif verb == b"QUIT":
                client.sendall(b"221 bye\r\n")
                return
            else:
                client.sendall(b"250 ok\r\n")

    def _login(self, client: socket.socket, line: bytes) -> None:
        _authorized, username, password = base64.b64decode(line.split()[2]).decode().split("\0")
        self.logins.append(username)
        # A hostile server repeats what it was given.
        refusal = b"535 " + password.encode() + b" is wrong\r\n"
        client.sendall(b"235 welcome\r\n" if self.accepts(username, password) else refusal)
