# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak contained on plain hosts: leak_response.yml beside an expert's script, and everything beside one credential.

The hosts have a ``.env`` each and nothing that restarts: an application needs the same for its start on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from bench.scene import Run
from bench.scripted import ScriptedScene
from sandbox import sshd
from sandbox.application import python
from sandbox.process import SandboxError
from tests.integration.harness import ENVIRONMENT
from tests.integration.rotation_lab import ALL, RotationLab, rotation_lab


class Healthy(BaseHTTPRequestHandler):
    """Answers 200 to every request."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@dataclass(frozen=True)
class PlainHost:
    """A folder with a ``.env``, reached over ssh by a name of its own."""

    directory: Path

    @property
    def name(self) -> str:
        return self.directory.name


class LeakLab(RotationLab):
    """A rotation's lab whose hosts run nothing."""

    health_url = ""

    def add_hosts(self, count: int = 1, **variables: Any) -> list[Any]:  # type: ignore[override]
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


class LeakScene(ScriptedScene):
    """Hosts that run nothing."""

    lab: LeakLab

    def leak(self, *, hosts: int) -> Run:
        return self._respond("cache")

    def leak_of_all(self, *, hosts: int) -> Run:
        """Every credential that the collection replaces without a third party."""
        return self._respond(ALL)

    def _respond(self, leaked: str) -> Run:
        self.close_connections()
        run, text = self.run_playbook(
            *("-e", f"leaked={leaked}", "-e", "confirm=yes", "-e", "leak_sessions=false", "-f", "20"),
            *("-e", "env_deploy_serial=100%", "-e", f"leak_report_path={self.lab.directory / 'post-mortems'}"),
            playbook="playbooks/leak_response.yml",
        )
        contained = re.search(r"contained in ([\d.]+) s", text)
        if not contained:
            raise SandboxError(f"leak_response.yml does not tell its time to contain:\n{text[-4000:]}")
        return replace(run, plays={**run.plays, "contained": float(contained[1])})

    def leak_script(self, *, hosts: int) -> Run:
        cache = {"CACHE_HOST": self.lab.valkey.host, "CACHE_PORT": str(self.lab.valkey.port)}
        run = self.run_script("leak.sh", HEALTH_URL=self.lab.health_url, **cache)
        return replace(run, plays={"contained": run.seconds})

    def close(self) -> None:
        """Looks once more whether all is in order."""
        self.close_connections()
        self.lab.deploy("-e", "env_deploy_serial=100%")
        self.lab.assert_closed()
        self.lab.assert_consistent()
        self.lab.assert_one_login_each()


@contextmanager
def leak_scene(hosts: int) -> Iterator[LeakScene]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        LeakLab.health_url = f"http://127.0.0.1:{server.server_address[1]}/health/"
        with sshd.Sshd() as ssh, rotation_lab(ssh.host_vars(), hosts=hosts, kind=LeakLab) as lab:
            assert isinstance(lab, LeakLab)
            scene = LeakScene(lab)
            yield scene
            scene.close()
    finally:
        server.shutdown()
        server.server_close()
