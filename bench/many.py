# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Many database logins rotated in one run, compared with one login, on hosts that restart nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from bench.plain import PlainLab, healthy_server
from bench.run import Run
from bench.scripted import ScriptedScene
from sandbox import sshd
from sandbox.seed import Layout
from tests.integration.harness import ENVIRONMENT
from tests.integration.rotation_lab import MASTER, rotation_lab


class ManyLab(PlainLab):
    """A lab with the worked example's credentials, and more logins with their own setting, secret and database."""

    count = 50

    @property
    def names(self) -> list[str]:
        return [f"service_{number:02}" for number in range(1, self.count + 1)]

    def _fresh(self) -> Layout:
        for name in self.names:
            setting, group = f"{name.upper()}_URL", name.replace("_", "-")
            self.catalog["settings"][setting] = {"group": group, "type": "url", "sensitivity": "high"}
            self.catalog["credentials"][name] = {
                "kind": "postgresql_role",
                "max_age_days": 90,
                "admin": "database_admin",
                "appears_in": [{"setting": setting}],
            }
        layout = super()._fresh()
        urls = {
            name: self.postgres.url(f"{name}_a", self.postgres.create_logins(name, name, master=MASTER), name)
            for name in self.names
        }
        secrets = {
            f"watchparty/{ENVIRONMENT}/{name.replace('_', '-')}": {f"{name.upper()}_URL": url}
            for name, url in urls.items()
        }
        return replace(layout, secrets={**layout.secrets, **secrets})

    def login(self, name: str) -> str:
        """The login in use."""
        content = self.content(f"watchparty/{ENVIRONMENT}/{name.replace('_', '-')}")
        return urlsplit(content[f"{name.upper()}_URL"]).username or ""


class ManyScene(ScriptedScene):
    """Rotations of one login and of all."""

    lab: ManyLab

    def rotation_of_one(self, *, hosts: int) -> Run:
        return self._rotate("service_01")

    def rotation_of_many(self, *, hosts: int) -> Run:
        return self._rotate(*self.lab.names)

    def _rotate(self, *names: str) -> Run:
        self.close_connections()
        before = {name: self.lab.login(name) for name in names}
        run, _text = self.run_playbook(
            *("-e", f"rotation_credentials={','.join(names)}", "-e", "rotation_force=true", "-f", "20"),
            *("-e", "env_deploy_serial=100%"),
            playbook="playbooks/rotate.yml",
        )
        left = [name for name in names if self.lab.login(name) == before[name]]
        assert left == [], f"{left} did not rotate"
        return run

    def close(self) -> None:
        """Verifies the final state."""
        self.close_connections()
        self.lab.deploy("-e", "env_deploy_serial=100%")
        self.lab.assert_closed()
        self.lab.assert_consistent()


@contextmanager
def many_scene(hosts: int, count: int) -> Iterator[ManyScene]:
    ManyLab.count = count
    with healthy_server(), sshd.Sshd() as ssh, rotation_lab(ssh.host_vars(), hosts=hosts, kind=ManyLab) as lab:
        assert isinstance(lab, ManyLab)
        scene = ManyScene(lab)
        yield scene
        scene.close()
