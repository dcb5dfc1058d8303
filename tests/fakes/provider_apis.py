# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTP APIs of providers on loopback. Sentry's is a stand-in, written after its public documentation
(https://docs.sentry.io/api/projects/), and was never compared with Sentry.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answer = tuple[int, Any, dict[str, str]]
"""Status, document and headers."""


class StandIn:
    """A server on loopback; a subclass answers ``(method, path, headers, body)`` with status, document and headers."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.url = ""

    def answer(self, method: str, path: str, headers: Any, body: Any) -> Answer:
        raise NotImplementedError

    @contextmanager
    def serving(self) -> Iterator[None]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()


def _handler(provider: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answered(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            provider.calls.append(f"{self.command} {self.path}")
            body = json.loads(text) if text else None
            status, document, headers = provider.answer(self.command, self.path, self.headers, body)
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self.answered()

        def do_POST(self) -> None:
            self.answered()

        def do_PUT(self) -> None:
            self.answered()

        def do_DELETE(self) -> None:
            self.answered()

        def log_message(self, *_arguments: object) -> None:
            """Not on the terminal."""

    return Handler


class Sentry(StandIn):
    """The client keys of the project shop of acme."""

    PATH = "/api/0/projects/acme/shop/keys/"

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token, self.numbers = token, itertools.count(1)
        self.keys = {key["id"]: key for key in (self.made("Default"), self.made("canary of others"))}

    def made(self, name: str) -> dict[str, Any]:
        key = f"{next(self.numbers):032x}"
        dsn = {"public": self.dsn(key), "secret": f"https://{key}:canary@o1.ingest.example.com/7"}
        return {"id": key, "name": name, "label": name, "public": key, "isActive": True, "dsn": dsn}

    @staticmethod
    def dsn(key: str) -> str:
        return f"https://{key}@o1.ingest.example.com/7"

    def answer(self, method: str, path: str, headers: Any, body: Any) -> Answer:
        if headers["Authorization"] != f"Bearer {self.token}":
            return 401, {"detail": f"Invalid token {headers['Authorization']}"}, {}
        assert path.startswith(self.PATH)
        assert path.endswith("/"), "Sentry redirects other addresses"
        key = self.keys.get(path[len(self.PATH) :].strip("/"), {})
        if method == "GET":
            return (
                200,
                list(self.keys.values()),
                {"Link": f'<{self.url}{path}>; rel="next"; results="false"; cursor="0:1:0"'},
            )
        if method == "POST":
            made = self.made(body["name"])
            self.keys[made["id"]] = made
            return 201, made, {}
        if not key:
            return 404, {"detail": "The requested resource does not exist"}, {}
        if method == "PUT":
            key.update(body)
            return 200, key, {}
        del self.keys[key["id"]]
        return 204, b"", {}
