# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Docker engine, and an image without a registry: its files are this machine's."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sandbox.process import Process, SandboxError, Server

MEMBERS = 65534
"""Group whose processes may use the engine."""
SYSTEM = "unix:///var/run/docker.sock"
_IMAGE = "localhost/watchparty-secrets-test"
_MADE_BY_DOCKER = {"dev", "etc", "proc", "sys"}
_started = ExitStack()


class DockerEngine(Server):
    @property
    def user(self) -> None:
        return None

    @property
    def address(self) -> str:
        return f"unix://{self.directory}/socket"

    def _prepare(self) -> None:
        self.directory.chmod(0o711)

    def _launch(self) -> Process:
        folders = [f"--{name}={self.directory}/{name}" for name in ("data-root", "exec-root", "pidfile")]
        network = ("--bridge=none", "--iptables=false", "--ip6tables=false")
        options = [*folders, *network, "--storage-driver=vfs", f"--group={MEMBERS}", f"--host={self.address}"]
        return self._process("unshare", "--mount", "dockerd", *options)  # its mounts end with it

    def _ready(self) -> bool:
        return (
            subprocess.run(["docker", "--host", self.address, "info"], capture_output=True, check=False).returncode == 0
        )


def command() -> tuple[str, ...]:
    """docker with an engine that has the image: as root an engine of our own, else this machine's."""
    if not _reached():
        pytest.skip("docker compose was not tested: no engine is here, and none can be started")
    return _reached()


@cache
def _reached() -> tuple[str, ...]:
    docker, address = shutil.which("docker"), SYSTEM
    if docker and os.geteuid() == 0 and shutil.which("dockerd"):
        try:
            address = _started.enter_context(DockerEngine()).address
        except SandboxError:  # such as in a container without privileges
            return ()
    reached = (docker or "", "--host", address)
    if not docker or subprocess.run([*reached, "import", "-", _IMAGE], input=_files(), check=False).returncode:
        return ()
    _started.callback(subprocess.run, [*reached, "rmi", "--force", _IMAGE], stdout=subprocess.DEVNULL, check=True)
    return reached


def stop() -> None:
    _started.close()
    _reached.cache_clear()


def service(words: Sequence[str], **more: Any) -> dict[str, Any]:
    """A compose service that runs a command of this machine, with its paths, network and process numbers."""
    return {
        "image": _IMAGE,
        "command": list(words),
        "user": f"{os.geteuid()}:{os.getegid()}",
        "env_file": [".env"],
        "volumes": ["/:/host"],
        "network_mode": "host",
        "pid": "host",
        "stop_grace_period": "0s",
        **more,
    }


def _files() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path in Path("/").iterdir():
            if path.name not in _MADE_BY_DOCKER:
                entry = tarfile.TarInfo(path.name)
                entry.type, entry.linkname = tarfile.SYMTYPE, f"/host/{path.name}"
                archive.addfile(entry)
    return content.getvalue()
