# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A third party that issues keys, on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


class Provider(ThreadingHTTPServer):
    """Lets one key in, by a header or by a form, and repeats it in every answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.keys = {"canary-new"}
        self.broken: int | None = None
        self.asked: list[tuple[str, str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def tries(self, value: str, *former: str, form: bool = False, path: str = "/me?a=b") -> list[dict[str, Any]]:
        def request(key: str) -> dict[str, Any]:
            sent = {"form": {"key": key}, "headers": {}} if form else {"form": {}, "headers": {"X-Key": key}}
            url = f"http://127.0.0.1:{self.server_port}{path}"
            return {"url": url, "status": [200], "refused": [400, 401, 403], **sent}

        answer = {"id": "r1/mail", "what": "", "server": "http"}
        return [{**answer, "current": request(value), "former": [request(name) for name in former]}]


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def answered(self, key: str) -> None:
        self.server.asked.append((self.command, self.path, key))
        self.send_response(self.server.broken or (200 if key in self.server.keys else 401))
        self.end_headers()
        self.wfile.write(key.encode())

    def do_GET(self) -> None:
        self.answered(self.headers.get("X-Key", ""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        self.answered(parse_qs(body)["key"][0])

    def log_message(self, *_words: Any) -> None:
        pass


@contextmanager
def running() -> Iterator[Provider]:
    with Provider() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield made
        finally:
            made.shutdown()
