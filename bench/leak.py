# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak contained on plain hosts: leak_response.yml beside an expert's script, and everything beside one credential.

The hosts have a ``.env`` each and nothing that restarts: an application needs the same for its start on both sides.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from bench import aws_cli
from bench.scene import HERE, Run
from sandbox import sshd
from sandbox.application import python
from sandbox.process import REPOSITORY, SandboxError, clean_environment, write_private
from tests.integration.by_hand import ssh_config
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


class LeakScene:
    """Every run begins settled and without open connections."""

    def __init__(self, lab: LeakLab) -> None:
        self._lab = lab
        self._config = lab.directory / "ssh_config"
        self._controls = lab.directory / "cp"
        control = {"ControlMaster": "auto", "ControlPersist": "60", "ControlPath": f"{self._controls}/%n"}
        write_private(self._config, ssh_config(lab.connection, **control))

    def leak(self, *, hosts: int) -> Run:
        return self._respond("cache")

    def leak_of_all(self, *, hosts: int) -> Run:
        """Every credential that the collection replaces without a third party."""
        return self._respond(ALL)

    def _respond(self, leaked: str) -> Run:
        self._close_connections()
        before, began = len(self._lab.moto.calls()), time.monotonic()
        done = self._lab.run(
            *("-e", f"leaked={leaked}", "-e", "confirm=yes", "-e", "leak_sessions=false", "-f", "20"),
            *("-e", "env_deploy_serial=100%", "-e", f"leak_report_path={self._lab.directory / 'post-mortems'}"),
            playbook="playbooks/leak_response.yml",
        )
        seconds = time.monotonic() - began
        contained = re.search(r"contained in ([\d.]+) s", done.text)
        if done.code or not contained:
            raise SandboxError(f"leak_response.yml ended with {done.code}:\n{done.output[-4000:]}")
        return Run(seconds, {"contained": float(contained[1])}, [], self._calls(before))

    def leak_script(self, *, hosts: int) -> Run:
        self._close_connections()
        before, began = len(self._lab.moto.calls()), time.monotonic()
        done = subprocess.run(
            [str(HERE / "leak.sh")],
            cwd=REPOSITORY,
            env=clean_environment(
                **self._lab.moto.env(),
                PATH=f"{aws_cli.program().parent}{os.pathsep}{os.environ['PATH']}",
                HOME=str(self._lab.directory),
                HOSTS=" ".join(host.name for host in self._lab.hosts),
                SSH_CONFIG=str(self._config),
                APP=str(self._lab.directory),
                CACHE_HOST=self._lab.valkey.host,
                CACHE_PORT=str(self._lab.valkey.port),
                HEALTH_URL=self._lab.health_url,
            ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
        if done.returncode:
            raise SandboxError(f"leak.sh ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return Run(seconds, {"contained": seconds}, [], self._calls(before))

    def close(self) -> None:
        """Looks once more whether all is in order."""
        self._close_connections()
        self._lab.deploy("-e", "env_deploy_serial=100%")
        self._lab.assert_closed()
        self._lab.assert_consistent()
        self._lab.assert_one_login_each()

    def _calls(self, before: int) -> dict[str, int]:
        return dict(Counter(call["operation"] for call in self._lab.moto.calls(since=before)))

    def _close_connections(self) -> None:
        for control in self._controls.iterdir():
            command = ["ssh", "-F", "none", "-O", "exit", "-o", f"ControlPath={control}", "host"]
            subprocess.run(command, capture_output=True, check=False, timeout=10)


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
