# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudTrail's LookupEvents, which moto lacks: a server on loopback that knows a few events."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Trail:
    """What was asked, and the events that are reported for each attribute."""

    url: str
    events: dict[str, Sequence[dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refuses: str = ""
    """The code of an error, instead of any answer."""

    def env(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_CLOUDTRAIL": self.url}

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        (attribute,) = request["LookupAttributes"]
        self.asked.append((attribute["AttributeKey"], attribute["AttributeValue"]))
        if self.refuses:
            return 400, {"__type": self.refuses, "message": "refused by a test"}
        results = self.events.get(attribute["AttributeValue"], ())
        return 200, {"Events": [{**entry, "EventTime": entry["EventTime"].timestamp()} for entry in results]}


@contextmanager
def trail_server() -> Iterator[Trail]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["X-Amz-Target"].endswith(".LookupEvents")
            status, answer = trail.answer(request)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    trail = Trail(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield trail
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
