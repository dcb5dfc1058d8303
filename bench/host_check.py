# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verification's execution on one host: now, and in another commit.

systemctl and journalctl are stand-ins, so that only the program's own work is measured.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.run import Meter, Run
from sandbox.process import REPOSITORY, SandboxError, clean_environment

SETTINGS, SENSITIVE, FILES = 42, 12, 60
SHARED = ("/tmp/", "/var/tmp/", "/dev/shm/", "/opt/", "/srv/")
DOCUMENT = """
import json
from types import SimpleNamespace as Space
from ansible_collections.watchparty.secrets.plugins.modules import host_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program
action = Space(_task=Space(check_mode=False, diff=False))
document = remote_program._document(action, host_check, packages=False, private=False)
spec = {name: option.get("default") for name, option in host_check.ARGUMENT_SPEC.items()}
print(json.dumps([remote_program._BOOT, {**document, "seconds": 0}, spec]))
"""
"""Program that prints what a commit's code sends to a host's Python."""


class HostCheck:
    """A host in a folder."""

    def __init__(self, place: Path, health: str) -> None:
        self._place = place
        env = place / "app" / ".env"
        env.parent.mkdir()
        values = [base64.b64encode(hashlib.sha256(bytes([number])).digest()).decode() for number in range(SETTINGS)]
        lines = [f"SETTING_{number}='{value}'\n" for number, value in enumerate(values)]
        env.write_text("".join(lines), encoding="utf-8")
        for number in range(FILES):
            file = env.parent / f"folder{number % 6}" / f"file{number}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"text {number}\n" * 100, encoding="utf-8")
        unit = {"Id": "web.service", "LoadState": "loaded", "ActiveState": "active", "SubState": "running"}
        unit |= {"Type": "simple", "MainPID": str(os.getpid()), "UnitFileState": "enabled", "User": "nobody"}
        shown = "".join(f"{name}={value}\n" for name, value in unit.items())
        (place / "bin").mkdir()
        for name, text in (("systemctl", shown), ("journalctl", "ready\n")):
            program = place / "bin" / name
            program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\n", encoding="utf-8")
            program.chmod(0o755)
        self._args = {
            "path": str(env),
            "units": ["web.service"],
            "health": [health],
            "fingerprint_key": "key",
            "sensitive": [f"SETTING_{number}" for number in range(SENSITIVE)],
            "patterns": [f"SETTING_{number}" for number in range(SETTINGS)],
        }

    def program(self, collections: Path) -> tuple[str, bytes]:
        """The command of the host's Python, and its standard input."""
        environment = clean_environment(PYTHONPATH=str(collections))
        done = subprocess.run(
            [sys.executable, "-c", DOCUMENT], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SandboxError(f"the program of the host was not made:\n{done.stderr[-2000:]}")
        boot, document, spec = json.loads(done.stdout)
        places = [pattern for pattern in spec.get("places", ()) if not pattern.startswith(SHARED)]
        args = {**self._args, "places": places}
        document["params"] = {**spec, **{name: value for name, value in args.items() if name in spec}}
        return boot, json.dumps(document).encode()

    def run(self, program: tuple[str, bytes]) -> Run:
        boot, document = program
        environment = clean_environment(PATH=f"{self._place / 'bin'}:{os.environ['PATH']}")
        meter, before = Meter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", boot], env=environment, input=document, capture_output=True, check=False
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = replace(meter.run(), processor=sum(after[:2]) - sum(before[:2]))  # finer than a tick
        if b'"fingerprints"' not in done.stdout:
            raise SandboxError(f"the host gave no answer:\n{(done.stdout + done.stderr)[-2000:]!r}")
        return run


@contextmanager
def host_scene() -> Iterator[HostCheck]:
    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Prints nothing to the terminal."""

    with (
        tempfile.TemporaryDirectory(prefix="bench-") as directory,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as server,
    ):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield HostCheck(Path(directory), f"http://127.0.0.1:{server.server_port}/")
        finally:
            server.shutdown()


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """A folder of collections with this one as in the commit."""
    done = subprocess.run(
        ["git", "-C", str(REPOSITORY), "archive", commit, "plugins"], capture_output=True, check=False
    )
    if done.returncode:
        raise SandboxError(f"git has no commit {commit} here:\n{done.stderr.decode()[-500:]}")
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        place = Path(directory) / "ansible_collections" / "watchparty" / "secrets"
        place.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            tar.extractall(place, filter="data")
        yield Path(directory)
