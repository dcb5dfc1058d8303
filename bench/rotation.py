# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation of the database's login: rotate.yml beside an expert's script, on the same hosts and servers."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import aws_cli
from bench.scene import HERE, Run
from sandbox import sshd
from sandbox.process import REPOSITORY, SandboxError, clean_environment, write_private
from tests.integration.by_hand import ssh_config
from tests.integration.rotation_lab import OWNER, RotationLab, rotation_lab

SERIAL = '{"env_deploy_serial": [1, "100%"]}'
"""One host first, then all others at once."""


class RotationScene:
    """Hosts that run the sample application. Every run begins settled and without open connections."""

    def __init__(self, lab: RotationLab) -> None:
        self._lab = lab
        self._hosts = list(lab.hosts)
        self._config = lab.directory / "ssh_config"
        self._controls = lab.directory / "cp"
        control = {"ControlMaster": "auto", "ControlPersist": "60", "ControlPath": f"{self._controls}/%n"}
        write_private(self._config, ssh_config(lab.connection, **control))

    def rotation(self, *, hosts: int) -> Run:
        self._begin(hosts)
        plays_file = self._lab.directory / "plays.jsonl"
        before, began = len(self._lab.moto.calls()), time.monotonic()
        done = self._lab.rotate(
            *("-e", "credential=database", "-e", "rotation_force=true", "-e", SERIAL, "-f", "20"),
            environment={
                "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
                "ANSIBLE_CALLBACKS_ENABLED": "bench_plays",
                "BENCH_PLAYS": str(plays_file),
            },
        )
        seconds = time.monotonic() - began
        if done.code:
            raise SandboxError(f"rotate.yml ended with {done.code}:\n{done.output[-4000:]}")
        plays = [json.loads(line) for line in plays_file.read_text(encoding="utf-8").splitlines()]
        return Run(
            seconds,
            {play["play"]: play["seconds"] for play in plays},
            [(f"{play['play']}: {name}", taken) for play in plays for name, taken in play["tasks"]],
            self._calls(before),
        )

    def script(self, *, hosts: int) -> Run:
        self._begin(hosts)
        before, began = len(self._lab.moto.calls()), time.monotonic()
        done = subprocess.run(
            [str(HERE / "rotation.sh")],
            cwd=REPOSITORY,
            env=clean_environment(
                **self._lab.moto.env(),
                PATH=f"{aws_cli.program().parent}{os.pathsep}{os.environ['PATH']}",
                HOME=str(self._lab.directory),
                HOSTS=" ".join(host.name for host in self._lab.hosts),
                SSH_CONFIG=str(self._config),
                APP=str(self._lab.directory),
                PGHOST=self._lab.postgres.host,
                PGPORT=str(self._lab.postgres.port),
                PGDATABASE=OWNER,
            ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
        if done.returncode:
            raise SandboxError(f"rotation.sh ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return Run(seconds, {}, [], self._calls(before))

    def _begin(self, hosts: int) -> None:
        self._lab.hosts = self._hosts[:hosts]
        self._close_connections()

    def close(self) -> None:
        """Looks once more whether all is in order."""
        self._lab.hosts = self._hosts
        self._close_connections()
        self._lab.deploy("-e", "env_deploy_serial=100%")
        self._lab.assert_settled()

    def _calls(self, before: int) -> dict[str, int]:
        return dict(Counter(call["operation"] for call in self._lab.moto.calls(since=before)))

    def _close_connections(self) -> None:
        for control in self._controls.iterdir():
            command = ["ssh", "-F", "none", "-O", "exit", "-o", f"ControlPath={control}", "host"]
            subprocess.run(command, capture_output=True, check=False, timeout=10)


@contextmanager
def rotation_scene(hosts: int) -> Iterator[RotationScene]:
    with sshd.Sshd() as server, rotation_lab(server.host_vars(), hosts=hosts) as lab:
        for host in lab.hosts:
            Path(host.directory / "health-url").write_text(host.application.health_url)
        scene = RotationScene(lab)
        yield scene
        scene.close()
