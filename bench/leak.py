# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak contained on plain hosts: leak_response.yml compared with an expert's script, and all credentials compared
with one.

The hosts have a ``.env`` each and restart nothing: an application takes the same time to start on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bench.plain import PlainLab, healthy_server
from bench.run import Run
from bench.scripted import ScriptedScene
from sandbox import sshd
from sandbox.process import SandboxError
from tests.integration.rotation_lab import ALL, rotation_lab


class LeakScene(ScriptedScene):
    """Hosts that run nothing."""

    lab: PlainLab

    def leak(self, *, hosts: int) -> Run:
        return self._respond("cache")

    def leak_of_all(self, *, hosts: int) -> Run:
        """Replaces every credential that the collection replaces without a third party."""
        return self._respond(ALL)

    def _respond(self, leaked: str) -> Run:
        self.close_connections()
        run, text = self.run_playbook(
            *("-e", f"leak_credentials={leaked}", "-e", "leak_confirm=yes", "-e", "leak_sessions=false", "-f", "20"),
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
        """Verifies the final state."""
        self.close_connections()
        self.lab.deploy("-e", "env_deploy_serial=100%")
        self.lab.assert_closed()
        self.lab.assert_consistent()
        self.lab.assert_one_login_each()


@contextmanager
def leak_scene(hosts: int) -> Iterator[LeakScene]:
    with healthy_server(), sshd.Sshd() as ssh, rotation_lab(ssh.host_vars(), hosts=hosts, kind=PlainLab) as lab:
        assert isinstance(lab, PlainLab)
        scene = LeakScene(lab)
        yield scene
        scene.close()
