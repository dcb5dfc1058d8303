# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation's lab whose hosts have a ``.env`` and restart nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from sandbox.application import python
from tests.integration.harness import ENVIRONMENT
from tests.integration.rotation_lab import RotationLab


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@dataclass(frozen=True)
class PlainHost:
    """A folder with a ``.env``, reached over ssh by its own name."""

    directory: Path

    @property
    def name(self) -> str:
        return self.directory.name


class PlainLab(RotationLab):
    """A rotation's lab whose hosts run nothing."""

    health_url = ""

    def add_hosts(self, count: int = 1, **variables: Any) -> list[Any]:
        for _ in range(count):
            directory = self.directory / f"app{len(self.hosts) + 1}"
            directory.mkdir()
            self.hosts.append(PlainHost(directory))  # type: ignore[arg-type]
            self.host_vars[directory.name] = {
                **self.connection,
                "ansible_become": False,
                "ansible_remote_tmp": str(self.directory / "remote-temp"),
                "app_environment": ENVIRONMENT,
                "env_deploy_path": str(directory / ".env"),
                "env_deploy_owner": directory.owner(),
                "env_deploy_restart_command": "true",
                "env_deploy_health_url": self.health_url,
                "rotation_python": str(python()),
                **variables,
            }
        return self.hosts

    def close(self) -> None:
        self.hosts = []
        super().close()


@contextmanager
def healthy_server() -> Iterator[None]:
    """Serves the health address of every lab made meanwhile."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    Thread(target=server.serve_forever, daemon=True).start()
    PlainLab.health_url = f"http://127.0.0.1:{server.server_address[1]}/health/"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
