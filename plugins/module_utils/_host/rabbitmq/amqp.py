# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A login by AMQP 0-9-1 and nothing more, so that rotation hosts need no driver. Standard library; Python 3.8.

https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf, sections 2.3.5 (frames) and 1.4 (connection).
"""

from __future__ import annotations

import re
import socket
import struct
from contextlib import contextmanager
from typing import Any, Iterator, Mapping, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._host import tls_context

SECONDS, FRAME = 10.0, 1 << 17
"""Seconds of a login, and bytes of a frame before both sides agree on a size."""
START, START_OK, TUNE, TUNE_OK, OPEN, OPEN_OK, CLOSE = (
    (10, 10),
    (10, 11),
    (10, 30),
    (10, 31),
    (10, 40),
    (10, 41),
    (10, 50),
)
ACCESS_REFUSED = 403
_FULL = re.compile(rb"(?<!user )connection limit \([0-9]+\) is reached")
"""Message of a vhost's limit. Its code is also that of a user without permissions."""
_HEADER, _METHOD, _END = b"AMQP\x00\x00\x09\x01", 1, 0xCE


class AmqpLoginRefused(RotationError):
    """Raised if the server rejects the login itself."""


class AmqpVhostClosed(RotationError):
    """Raised if the server accepts the login, but does not open the vhost."""


class AmqpNoConnectionLeft(AmqpVhostClosed):
    """Raised if other connections keep the login out."""


@contextmanager
def connected(server: Mapping[str, Any], login: Mapping[str, str], vhost: str) -> Iterator[None]:
    """Keeps the vhost open as the login. Raises RotationError."""
    place = "%s:%d" % (server["host"], server["port"])
    try:
        opened = within(SECONDS, lambda: _opened(server, login, vhost, place), None)
    except (OSError, ValueError, struct.error) as error:
        raise _silent(place, type(error).__name__) from None
    if opened is None:
        raise _silent(place, "timed out")
    try:
        yield
    finally:
        opened.close()


def _silent(place: str, reason: str) -> RotationError:
    return RotationError(
        "%s does not answer as RabbitMQ (%s); start it, or correct options.amqp and server.tls in the catalog"
        % (place, reason)
    )


def _opened(server: Mapping[str, Any], login: Mapping[str, str], vhost: str, place: str) -> socket.socket:
    client = socket.create_connection((server["host"], server["port"]), SECONDS)
    try:
        context = tls_context.of_server(server)
        if context is not None:
            client = context.wrap_socket(client, server_hostname=server["host"])
        _log_in(client, login, place)
        _open(client, login["username"], vhost, place)
        return client
    except BaseException:
        client.close()
        raise


def _log_in(client: socket.socket, login: Mapping[str, str], place: str) -> None:
    client.sendall(_HEADER)
    _expect(START, _received(client))
    # With this capability a server reports a rejected login; otherwise it only closes the connection.
    capabilities = _short("capabilities") + b"F" + _long(_short("authentication_failure_close") + b"t\x01")
    answer = ("\0%s\0%s" % (login["username"], login["password"])).encode("utf-8")
    _send(client, START_OK, _long(capabilities) + _short("PLAIN") + _long(answer) + _short("en_US"))
    method, content = _received(client)
    if method == CLOSE and _code(content) == ACCESS_REFUSED:
        raise AmqpLoginRefused("%s rejects the login of user %s" % (place, login["username"]))
    _expect(TUNE, (method, content))
    _send(client, TUNE_OK, content[:6] + b"\0\0")  # the server's offer, without heartbeats


def _open(client: socket.socket, user: str, vhost: str, place: str) -> None:
    _send(client, OPEN, _short(vhost) + _short("") + b"\0")
    method, content = _received(client)
    if method == CLOSE:
        error = AmqpNoConnectionLeft if _FULL.search(content) else AmqpVhostClosed
        raise error(
            "user %s logs in at %s, but cannot open vhost %s (code %d); check its permissions and its limit of "
            "connections" % (user, place, vhost, _code(content))
        )
    _expect(OPEN_OK, (method, content))


def _expect(wanted: Tuple[int, int], received: Tuple[Tuple[int, int], bytes]) -> None:
    if received[0] != wanted:
        raise ValueError


def _code(content: bytes) -> int:
    return int(struct.unpack_from(">H", content)[0])


def _send(client: socket.socket, method: Tuple[int, int], content: bytes) -> None:
    payload = struct.pack(">HH", *method) + content
    client.sendall(struct.pack(">BHI", _METHOD, 0, len(payload)) + payload + bytes([_END]))


def _received(client: socket.socket) -> Tuple[Tuple[int, int], bytes]:
    """Method and arguments that the server sends. Raises ValueError, OSError or struct.error."""
    kind, _channel, size = struct.unpack(">BHI", _read(client, 7))
    if kind != _METHOD or size > FRAME:
        raise ValueError
    payload = _read(client, size + 1)
    if payload[-1] != _END:
        raise ValueError
    first, second = struct.unpack_from(">HH", payload)
    return (first, second), payload[4:-1]


def _read(client: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = client.recv(size - len(parts))
        if not part:
            raise ConnectionResetError
        parts += part
    return parts


def _short(text: str) -> bytes:
    content = text.encode("utf-8")
    if len(content) > 255:
        raise ValueError
    return bytes([len(content)]) + content


def _long(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content
