# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The moto server behind a layer that records every call and can make calls fail.

Differences from AWS:

- A call takes 2 ms and nothing is lost; :mod:`sandbox.network` adds latency. There is no TLS.
- IAM enforcement is off here, and moto's ignores Resource; a denied id is made with a fault.
- BatchGetSecretValue takes more than 20 ids; PutParameter has no limit of 4 KB; nothing is throttled.
- A last page of exactly 10 parameters has a NextToken, to an empty page: 10 parameters cost two calls here.
- EventBridge passes events on to queues and log groups, not to SNS; no alarm is evaluated, and no mail is sent.
- CloudTrail LookupEvents, Access Analyzer, IAM Simulate* and ElastiCache ModifyUser are missing.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from . import moto_mends, propagation, staleness, throttling
from .calls import Call, describe, error_body
from .faults import Fault, Faults, refuse
from .network import CONTROL as NETWORK
from .network import NONE, Journey, KeepAlive, Network, Wire, switch
from .process import REPOSITORY, Process, Server, User

REGION = "eu-west-3"
ACCOUNT = "123456789012"
CONTROL = "/_sandbox/faults"
CLOCK = "/_sandbox/clock"

Answer = tuple[str, list[tuple[str, str]], bytes]
"""Status line, headers and body."""


def new_client(service: str, url: str, region: str = REGION) -> Any:
    """A client of that server with its own connections."""
    import boto3

    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


_client = cache(new_client)
"""Cached, because making a client takes longer than most calls."""


class Moto(Server):
    """A moto server on loopback, or on another *host* address. Each start is an empty account."""

    @property
    def user(self) -> User | None:
        """None: moto needs the packages of this Python."""
        return None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        from importlib.metadata import version

        return f"moto {version('moto')}"

    def env(self) -> dict[str, str]:
        """Environment variables that send an AWS client here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client of this server, whatever the environment variables."""
        return _client(service, self.url, region)

    def calls(self, *, since: int = 0) -> list[dict[str, Any]]:
        """Calls so far, in order of completion.

        Each has service, operation, request (names only), status and fault; began and ended, as the client sees them;
        and the number of its connection.
        """
        return [json.loads(line) for line in self._calls_file.read_bytes().splitlines()[since:]]

    def count(self) -> int:
        return self._calls_file.read_bytes().count(b"\n")

    def operations(self, *, since: int = 0) -> list[str]:
        return [call["operation"] for call in self.calls(since=since)]

    def set_faults(self, *faults: Fault) -> None:
        """Replaces the faults in force; without arguments, clears them."""
        self._put(CONTROL, [asdict(fault) for fault in faults])

    def set_staleness(self, **profile: Any) -> None:
        """Makes reads stale as in :class:`sandbox.staleness.Staleness`; without arguments, current."""
        self._put(staleness.CONTROL, profile or None)

    def set_throttling(self, **profile: Any) -> None:
        """Throttles calls as in :class:`sandbox.throttling.Throttling`; without arguments, stops."""
        self._put(throttling.CONTROL, profile or None)

    def set_propagation(self, **profile: Any) -> None:
        """Delays grants as in :class:`sandbox.propagation.Propagation`; without arguments, stops."""
        self._put(propagation.CONTROL, profile or None)

    @contextmanager
    def days_ago(self, days: float) -> Iterator[None]:
        """Makes AWS report that what is made meanwhile, of IAM and in the stores, was made so many days ago."""
        self._put(CLOCK, days)
        try:
            yield
        finally:
            self._put(CLOCK, 0)

    @contextmanager
    def behind(self, network: Network) -> Iterator[None]:
        """Puts this network between clients and the stand-in."""
        switch(self.url, network)
        try:
            yield
        finally:
            switch(self.url, NONE)

    def _put(self, path: str, body: Any) -> None:
        asked = urllib.request.Request(self.url + path, data=json.dumps(body).encode(), method="PUT")
        with urllib.request.urlopen(asked, timeout=10):
            pass

    @property
    def _calls_file(self) -> Path:
        return self.directory / "calls.jsonl"

    def _prepare(self) -> None:
        self._calls_file.touch(mode=0o600)

    def _launch(self) -> Process:
        return self._process(
            *(sys.executable, "-m", "sandbox.aws", "--log", str(self._calls_file)),
            *("--host", self.host, "--port", str(self.port)),
            cwd=REPOSITORY,
            HOME=str(self.directory),
        )

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + CONTROL, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def _backend(service: str) -> Any:
    """Moto's backend of the one account and region."""
    from moto.backends import get_backend

    return get_backend(service)[ACCOUNT]["aws" if service == "iam" else REGION]  # type: ignore[call-overload]


class Layer:
    def __init__(self, application: Any, log: Path, clock: moto_mends.Clock) -> None:
        self._application = application
        self._log = log
        self._faults = Faults()
        self._wire = Wire()
        self._stale = staleness.StaleReads(_backend)
        self._refusing = (throttling.Throttle(), propagation.Grants())
        self._controls: dict[str, Any] = {
            CONTROL: self._faults,
            NETWORK: self._wire,
            CLOCK: clock,
            staleness.CONTROL: self._stale,
            throttling.CONTROL: self._refusing[0],
            propagation.CONTROL: self._refusing[1],
        }
        self._lock = threading.Lock()
        self._conditional = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        path = environ.get("PATH_INFO", "")
        if path in self._controls:
            return self._control(path, environ["REQUEST_METHOD"], body, start_response)
        if path.startswith("/moto-api"):
            return self._application(environ, start_response)
        call = describe(environ, body)
        journey = self._wire.carry(environ)
        faults = self._faults.due(call.operation, call.targets)
        status, headers, content = self._answer(environ, call, faults)
        self._record(call, status, faults, journey)
        time.sleep(sum(fault.seconds for fault in faults if fault.effect in ("hang", "late")))
        if any(fault.effect in ("close", "lose", "hang", "late") for fault in faults):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        journey.wait()
        start_response(status, headers)
        return [content]

    def _answer(self, environ: dict[str, Any], call: Call, faults: Sequence[Fault]) -> Answer:
        for fault in faults:
            if fault.effect == "delay":
                time.sleep(fault.seconds)
            elif fault.effect in ("close", "hang"):
                return "000 closed", [], b""
            elif fault.effect in ("throttle", "deny", "error"):
                return _refused(call, *fault.error())
        for profile in self._refusing:
            if refusal := profile.refusal(call):
                return _refused(call, *refusal)
        with self._stale.state(call):
            status, headers, content = self._through(environ)
        for fault in faults:
            if fault.effect == "refuse_ids" and status.startswith("200"):
                content = refuse(content, fault)
                headers = [item for item in headers if item[0].lower() != "content-length"]
                headers.append(("Content-Length", str(len(content))))
        return status, headers, content

    def _through(self, environ: dict[str, Any]) -> Answer:
        seen: list[Any] = []

        def keep(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            seen[:] = [status, headers]
            return None

        # moto reads and then writes; S3 does both atomically.
        with self._conditional if {"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"} & set(environ) else nullcontext():
            parts = self._application(environ, keep)
            try:
                content = b"".join(parts)
            finally:
                getattr(parts, "close", lambda: None)()
        return seen[0], seen[1], content

    def _record(self, call: Call, status: str, faults: Sequence[Fault], journey: Journey) -> None:
        line = {
            "began": journey.began,
            "ended": journey.ended,
            "connection": journey.connection,
            "service": call.service,
            "operation": call.operation,
            "request": call.request,
            "status": int(status.split()[0]),
            "fault": [fault.effect for fault in faults],
        }
        with self._lock, self._log.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")

    def _control(self, path: str, method: str, body: bytes, start_response: Any) -> Iterable[bytes]:
        """Sets a control (PUT), or returns the network in force."""
        status, content = "200 OK", b""
        try:
            if method == "PUT":
                self._controls[path].set(json.loads(body))
            elif path == NETWORK:
                content = json.dumps(asdict(self._wire.network)).encode()
        except (ValueError, TypeError) as error:
            status, content = "400 Bad Request", str(error).encode()
        start_response(status, [("Content-Length", str(len(content)))])
        return [content]


def _refused(call: Call, number: int, code: str, message: str) -> Answer:
    kind, content = error_body(call, code, message)
    return f"{number} {code}", [("Content-Type", kind), ("Content-Length", str(len(content)))], content


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.aws", description="A moto server that records its calls.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True, help="a file for one JSON line a call")
    options = parser.parse_args(argv)
    os.umask(0o077)

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    moto_mends.mend_labels()
    moto_mends.spare_private_keys()
    moto_mends.refuse_inactive_keys()
    moto_mends.allow_plain_http()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    layer = Layer(DomainDispatcherApplication(create_backend_app), options.log, moto_mends.Clock())
    handler = type("Handler", (KeepAlive, MotoRequestHandler), {})
    server = make_server(options.host, options.port, layer, threaded=True, request_handler=handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening on {options.host}:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
