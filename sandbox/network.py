# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A network between clients and the stand-in for AWS: latency of each call, cost of each new connection.

``python -m sandbox.network URL`` switches it on in a running stand-in, ``--off`` switches it off.

The stand-in spends the time: half a round trip and the service time before a call is done, half a round trip
afterwards. The first call on a connection also waits for the connection. Calls on different connections wait in
parallel. There is no loss, no jitter, no bandwidth limit, no TLS and no name lookup. Connections to hosts and other
servers are not slowed down.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import os
import sys
import time
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from werkzeug.serving import WSGIRequestHandler

CONTROL = "/_sandbox/network"
CONNECTION = "sandbox.connection"
"""Key of the :class:`Connection` in a request's environment."""


@dataclass(frozen=True)
class Network:
    """Times in seconds. The default is no network."""

    round_trip: float = 0.0
    service_time: float = 0.0
    """Time of AWS for a call."""
    connection: float = 0.0
    """Time of a new connection with its TLS handshake."""

    def __post_init__(self) -> None:
        for name, seconds in asdict(self).items():
            if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 <= seconds <= 60:
                raise ValueError(f"{name}: {seconds!r} is not a number of seconds between 0 and 60")

    @classmethod
    def parse(cls, data: Any) -> Network:
        if not isinstance(data, Mapping):
            raise ValueError("the network is not a JSON object")
        unknown = sorted(set(data) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown options: {', '.join(unknown)}")
        return cls(**data)


NONE = Network()
TYPICAL = Network(round_trip=0.030, service_time=0.012, connection=0.060)
"""The network from an operator's machine to a region on the same continent."""


@dataclass
class Connection:
    number: int
    used: bool = False
    """Whether it carried a call."""


@dataclass(frozen=True)
class Journey:
    """A call's start, its connection, and the delay of its answer."""

    began: float
    connection: int
    back: float

    @property
    def ended(self) -> float:
        """Time at which the client has the answer, if it is sent now."""
        return time.time() + self.back

    def wait(self) -> None:
        time.sleep(self.back)


class Wire:
    def __init__(self) -> None:
        self.network = NONE

    def carry(self, environ: Mapping[str, Any]) -> Journey:
        """Waits as long as a request needs to be served."""
        network, connection = self.network, environ[CONNECTION]
        began = time.time()
        half = network.round_trip / 2
        time.sleep((0 if connection.used else network.connection) + half + network.service_time)
        connection.used = True
        return Journey(began, connection.number, half)

    def set(self, data: Any) -> None:
        """Sets the network. Raises ValueError for invalid data."""
        self.network = Network.parse(data)


class KeepAlive(WSGIRequestHandler):
    """Keeps connections, as AWS does; werkzeug's own handler closes each after its answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Head and body of an answer are two packets; the second must not wait until the first is acknowledged."""
    _numbers = itertools.count(1)

    def setup(self) -> None:
        super().setup()
        self._connection = Connection(next(self._numbers))

    def make_environ(self) -> dict[str, Any]:
        return {**super().make_environ(), CONNECTION: self._connection}

    def run_wsgi(self) -> None:
        if "transfer-encoding" in self.headers:
            self.close_connection = True  # the application reads only as much as Content-Length
        self.environ = self.make_environ()
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            started[:] = [status, headers]

        try:
            content = _content(self.server.app(self.environ, start_response))  # type: ignore[arg-type]
        except Exception:
            logging.exception("a call was not answered")
            content, started[:] = b"", ["500 Internal Server Error", []]
        status, headers = started
        number, _, reason = status.partition(" ")
        self.send_response(int(number), reason)
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in headers}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _content(parts: Iterable[bytes]) -> bytes:
    try:
        return b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()


def switch(url: str, network: Network) -> None:
    body = json.dumps(asdict(network)).encode()
    with urllib.request.urlopen(urllib.request.Request(url + CONTROL, data=body, method="PUT"), timeout=10):
        pass


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.network",
        description="Put a network between clients and a running stand-in for AWS. Times are in milliseconds.",
    )
    parser.add_argument("url", nargs="?", default=os.environ.get("AWS_ENDPOINT_URL"), help="default: AWS_ENDPOINT_URL")
    add_options(parser)
    parser.add_argument("--off", action="store_true", help="no network: a call takes as long as the stand-in does")
    options = parser.parse_args(argv)
    if not options.url:
        parser.error("the stand-in's URL is missing: give it as argument or in AWS_ENDPOINT_URL")
    network = NONE if options.off else chosen(options)
    try:
        switch(options.url.rstrip("/"), network)
    except OSError as error:
        print(f"{options.url}: the network was not set ({error}). Is this a stand-in of the sandbox?", file=sys.stderr)
        return 1
    print(f"{options.url}: {describe(network)}")
    return 0


def add_options(parser: argparse._ActionsContainer) -> None:
    """Adds the options of a network, in milliseconds."""
    for name, seconds in asdict(TYPICAL).items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=float, default=seconds * 1000, metavar="MS", help="default: %(default)g ms")


def chosen(options: argparse.Namespace) -> Network:
    return Network(**{name: getattr(options, name) / 1000 for name in asdict(TYPICAL)})


def describe(network: Network) -> str:
    if network == NONE:
        return "no network"
    times = ", ".join(f"{name.replace('_', ' ')} {seconds * 1000:g} ms" for name, seconds in asdict(network).items())
    return f"network with {times}"


if __name__ == "__main__":
    sys.exit(main())
