# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small HTTP balancer: each request goes to the next host. ``python -m sandbox.balancer 127.0.0.1:8001 …``

It works like nginx's default ``proxy_next_upstream error timeout``: a request that a host refused, or whose connection
ended before the first byte of an answer, is tried on the next host. A request that may change something (POST, PATCH)
is only tried again if nothing of it was sent. If every host refuses, the request waits for some seconds, as in
HAProxy's queue, and is tried again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Address = tuple[str, int]

FIRST_HOST = "x-first-host"
"""A header with the number of the first host to try, to spread a burst over all hosts."""
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
NOT_PASSED_ON = frozenset({"connection", "keep-alive", FIRST_HOST, "x-forwarded-proto", "x-forwarded-for"})
LONGEST_HEAD = 65536


class Refused(Exception):
    """Raised if a host took nothing of the request."""


class Ended(Exception):
    """Raised if the connection ended before the first byte of the answer."""


class Broken(Exception):
    """Raised if the answer is incomplete, and asking another host could repeat a change."""


@dataclass(frozen=True)
class Request:
    method: str
    head: bytes
    body: bytes
    first: int | None = None

    @classmethod
    async def read(cls, reader: asyncio.StreamReader, peer: str) -> Request | None:
        """Reads a request. None if the client sends nothing more."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        fields = [(name.strip().lower(), text.strip()) for name, _, text in (each.partition(":") for each in lines)]
        given = dict(fields)
        if "transfer-encoding" in given:
            raise ValueError("a request in chunks is not passed on")
        first = given.get(FIRST_HOST)
        passed = [f"{name}: {text}" for name, text in fields if name not in NOT_PASSED_ON]
        # Headers of a balancer that ends TLS.
        passed += ["connection: close", "x-forwarded-proto: https", f"x-forwarded-for: {peer}"]
        body = await reader.readexactly(int(given.get("content-length") or 0))
        whole = "\r\n".join([line, *passed, "", ""]).encode("latin-1")
        return cls(line.partition(" ")[0], whole, body, int(first) if first else None)


@dataclass
class Counts:
    requests: int = 0
    retried: int = 0
    """Requests without an answer that were tried on another host."""
    held: int = 0
    """Requests that no host took at first, and that waited."""
    gave_up: int = 0
    """Requests that the balancer answered, with 502, 503 or 504."""
    answers: Counter[str] = field(default_factory=Counter)


class Balancer:
    """A balancer on its own port, in the event loop that called ``start``."""

    def __init__(
        self,
        hosts: Sequence[Address],
        *,
        address: Address = ("127.0.0.1", 0),
        hold: float = 10.0,
        health: str | None = None,
        connect_timeout: float = 2.0,
        answer_timeout: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*hold*: seconds that a request may wait for a host. *health*: a path; hosts that do not answer it are left
        out."""
        if not hosts:
            raise ValueError("a balancer needs at least one host")
        self.hosts = tuple(hosts)
        self.counts = Counts()
        self._address = address
        self._hold = hold
        self._health = health
        self._connect_timeout = connect_timeout
        self._answer_timeout = answer_timeout
        self._clock = clock
        self._next = 0
        self._well = set(self.hosts)
        self._server: asyncio.Server | None = None
        self._checks: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        if self._server is None:
            raise ValueError("the balancer is not started")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, *self._address, limit=LONGEST_HEAD, backlog=512)
        if self._health:
            self._checks = asyncio.create_task(self._check())

    async def stop(self) -> None:
        if self._checks is not None:
            self._checks.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._checks
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one request a connection: the saving of kept connections is not measured."""
        try:
            request = await Request.read(reader, str(writer.get_extra_info("peername")[0]))
            if request is not None:
                self.counts.requests += 1
                writer.write(await self._answer(request))
                await writer.drain()
        except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.write(_own_answer(400, "Bad Request"))
        except ConnectionError:
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, request: Request) -> bytes:
        began, waited, moved = self._clock(), False, False
        while True:
            for host in self._order(request.first):
                try:
                    answer = await self._ask(host, request)
                except (Refused, Ended) as error:
                    if isinstance(error, Ended) and request.method not in REPEATABLE:
                        return self._give_up(502, "Bad Gateway")
                    if len(self.hosts) > 1 and not moved:
                        moved, self.counts.retried = True, self.counts.retried + 1
                except Broken:
                    return self._give_up(502, "Bad Gateway")
                except TimeoutError:
                    return self._give_up(504, "Gateway Timeout")
                else:
                    self.counts.answers[f"{host[0]}:{host[1]}"] += 1
                    return answer
            if self._clock() - began > self._hold:
                return self._give_up(503, "Service Unavailable")
            if not waited:
                waited, self.counts.held = True, self.counts.held + 1
            await asyncio.sleep(0.05)

    def _order(self, first: int | None) -> list[Address]:
        """All hosts, beginning with the next. Unhealthy hosts are left out unless all are."""
        if first is None:
            first, self._next = self._next, (self._next + 1) % len(self.hosts)
        start = first % len(self.hosts)
        turned = [*self.hosts[start:], *self.hosts[:start]]
        return [host for host in turned if host in self._well] or turned

    async def _ask(self, host: Address, request: Request) -> bytes:
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(*host, limit=LONGEST_HEAD), self._connect_timeout
            )
        except (OSError, TimeoutError):
            raise Refused from None
        try:
            with contextlib.suppress(ConnectionError):
                writer.write(request.head + request.body)
                await writer.drain()
            return await asyncio.wait_for(_whole_answer(reader, request.method), self._answer_timeout)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _give_up(self, status: int, reason: str) -> bytes:
        self.counts.gave_up += 1
        return _own_answer(status, reason)

    async def _check(self) -> None:
        while True:
            for host in self.hosts:
                (self._well.add if await self._is_well(host) else self._well.discard)(host)
            await asyncio.sleep(1)

    async def _is_well(self, host: Address) -> bool:
        head = f"GET {self._health} HTTP/1.1\r\nhost: {host[0]}\r\nconnection: close\r\n\r\n"
        try:
            answer = await self._ask(host, Request("GET", head.encode("ascii"), b""))
        except (Refused, Ended, Broken, TimeoutError):
            return False
        return answer.split(b" ", 2)[1:2] == [b"200"]


async def _whole_answer(reader: asyncio.StreamReader, method: str) -> bytes:
    """Reads until the host closes the connection. Raises if something is missing."""
    parts: list[bytes] = []
    try:
        while part := await reader.read(65536):
            parts.append(part)
    except ConnectionError:
        if parts:
            raise Broken from None
    if not parts:
        raise Ended
    answer = b"".join(parts)
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        raise Broken
    for line in head.split(b"\r\n")[1:]:
        name, _, text = line.partition(b":")
        if name.strip().lower() == b"content-length" and method != "HEAD" and len(body) < int(text):
            raise Broken
    return answer


def _own_answer(status: int, reason: str) -> bytes:
    return f"HTTP/1.1 {status} {reason}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode("ascii")


def address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not ADDRESS:PORT")
    return host, int(port)


async def _run(options: argparse.Namespace) -> None:
    balancer = Balancer(options.hosts, address=options.listen, hold=options.hold, health=options.health)
    await balancer.start()
    print(f"listening on {options.listen[0]}:{balancer.port}", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await balancer.stop()
        print(balancer.counts)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.balancer", description=__doc__)
    parser.add_argument("hosts", nargs="+", type=address, metavar="ADDRESS:PORT")
    parser.add_argument("--listen", type=address, default=("127.0.0.1", 0), metavar="ADDRESS:PORT")
    parser.add_argument("--hold", type=float, default=10.0, help="seconds a request may wait for a host")
    parser.add_argument("--health", metavar="PATH", help="leave out hosts that do not answer it with 200")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
