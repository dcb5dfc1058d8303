# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A scene for rotations and leaks: a lab, and an expert's script on the same hosts and servers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench import aws_cli
from bench.run import Meter, Run
from bench.scene import HERE
from sandbox.process import REPOSITORY, SandboxError, clean_environment, write_private
from tests.integration.by_hand import ssh_config
from tests.integration.rotation_lab import LOG_GROUP, RotationLab

STREAM = "script"
LONGEST = 3 * 3600
"""Seconds for a run. On a busy machine a run takes long, and that is a figure too."""


class ScriptedScene:
    """A scene in which every run begins settled and without open connections."""

    def __init__(self, lab: RotationLab) -> None:
        self.lab = lab
        lab.longest = LONGEST
        lab.forks = False  # a fork would be measured without its start
        self._config = lab.directory / "ssh_config"
        self._controls = lab.directory / "cp"
        control = {"ControlMaster": "auto", "ControlPersist": "60", "ControlPath": f"{self._controls}/%n"}
        # Separate from the collection's own, whose lines are chained.
        lab.moto.client("logs").create_log_stream(logGroupName=LOG_GROUP, logStreamName=STREAM)
        write_private(self._config, ssh_config(lab.connection, **control))

    def run_script(self, name: str, **variables: str) -> Run:
        self.close_connections()
        meter = Meter(self.lab.moto)
        done = subprocess.run(
            [str(HERE / name)],
            cwd=REPOSITORY,
            env=clean_environment(
                **self.lab.moto.env(),
                PATH=f"{aws_cli.program().parent}{os.pathsep}{os.environ['PATH']}",
                HOME=str(self.lab.directory),
                HOSTS=" ".join(host.name for host in self.lab.hosts),
                SSH_CONFIG=str(self._config),
                APP=str(self.lab.directory),
                STREAM=STREAM,
                USER="expert",
                **variables,
            ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        run = meter.run()
        if done.returncode:
            raise SandboxError(f"{name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return run

    def run_playbook(
        self, *arguments: str, playbook: str, callbacks: Mapping[str, Path] | None = None
    ) -> tuple[Run, str]:
        """Times a run. Returns the run with its plays and tasks, and its output. ``callbacks`` of the bench write more
        files."""
        paths = callbacks or {}
        plays_file = self.lab.directory / "plays.jsonl"
        meter = Meter(self.lab.moto)
        done = self.lab.run(
            *arguments,
            playbook=playbook,
            environment={
                "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
                "ANSIBLE_CALLBACKS_ENABLED": ",".join(["bench_plays", *paths]),
                "BENCH_PLAYS": str(plays_file),
                **{name.upper(): str(file) for name, file in paths.items()},
            },
        )
        run = meter.run()
        if done.code:
            raise SandboxError(f"{playbook} ended with {done.code}:\n{done.output[-4000:]}")
        return run.with_plays(plays_file), done.text

    def close_connections(self) -> None:
        for control in self._controls.iterdir():
            command = ["ssh", "-F", "none", "-O", "exit", "-o", f"ControlPath={control}", "host"]
            subprocess.run(command, capture_output=True, check=False, timeout=10)
