# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation of the database's login: rotate.yml compared with an expert's script, on the same hosts and servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.run import Run
from bench.scripted import ScriptedScene
from sandbox import sshd
from tests.integration.rotation_lab import OWNER, RotationLab, rotation_lab

SERIAL = '{"env_deploy_serial": [1, "100%"]}'
"""Batches: one host first, then all others."""


class RotationScene(ScriptedScene):
    """Hosts that run the sample application."""

    def __init__(self, lab: RotationLab) -> None:
        super().__init__(lab)
        self._hosts = list(lab.hosts)

    def rotation(self, *, hosts: int) -> Run:
        self._begin(hosts)
        run, _text = self.run_playbook(
            *("-e", "rotation_credentials=database", "-e", "rotation_force=true", "-e", SERIAL, "-f", "20"),
            playbook="playbooks/rotate.yml",
        )
        return run

    def script(self, *, hosts: int) -> Run:
        self._begin(hosts)
        server = self.lab.postgres
        return self.run_script("rotation.sh", PGHOST=server.host, PGPORT=str(server.port), PGDATABASE=OWNER)

    def _begin(self, hosts: int) -> None:
        self.lab.hosts = self._hosts[:hosts]
        self.close_connections()

    def close(self) -> None:
        """Verifies the final state."""
        self.lab.hosts = self._hosts
        self.close_connections()
        self.lab.deploy("-e", "env_deploy_serial=100%")
        self.lab.assert_settled()


@contextmanager
def rotation_scene(hosts: int) -> Iterator[RotationScene]:
    with sshd.Sshd() as server, rotation_lab(server.host_vars(), hosts=hosts) as lab:
        for host in lab.hosts:
            Path(host.directory / "health-url").write_text(host.application.health_url)
        scene = RotationScene(lab)
        yield scene
        scene.close()
