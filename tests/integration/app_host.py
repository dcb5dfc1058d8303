# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One application host on this machine: the sample application, its ``.env`` and what a deploy keeps beside it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from sandbox.application import Application, python
from sandbox.process import REPOSITORY, STATE_FILE, Process, free_port, stop_saved, wait_until, write_private
from tests import state

_RESTART = """\
#!/bin/sh
# Where one file alone may run, any other leaves the application down.
cd '{directory}' || exit 1
if [ -e only ] && [ "$(sha256sum < .env)" != "$(cat only)" ]; then
    cd '{repository}' && exec '{python}' -B -m tests.integration.app_host '{directory}'
fi
exec ./restart
"""


@dataclass(frozen=True)
class AppHost:
    """One application host: the sample application in a directory of its own."""

    name: str
    application: Application

    @classmethod
    def install(cls, directory: Path) -> AppHost:
        """The application, not started yet, and the command that restarts it."""
        host = cls(directory.name, Application(directory, free_port(), python()))
        host.application.install()
        program = Path(host.restart_command)
        write_private(program, _RESTART.format(directory=directory, repository=REPOSITORY, python=sys.executable))
        program.chmod(0o700)
        return host

    @property
    def restart_command(self) -> str:
        return str(self.directory / "restart-host")

    @property
    def directory(self) -> Path:
        return self.application.directory

    @property
    def port(self) -> int:
        return self.application.port

    @property
    def env_file(self) -> Path:
        return self.application.env_file

    @property
    def mark(self) -> dict[str, Any]:
        path = state.mark(self.env_file)
        return json.loads(path.read_text()) if path.exists() else {}

    def values(self) -> dict[str, str]:
        return dotenv.from_dotenv(self.env_file.read_text(encoding="utf-8"))

    def digest(self) -> str:
        return hashlib.sha256(self.env_file.read_bytes()).hexdigest()

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(self.application.health_url, timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def last_words(self) -> str:
        return f"\n{self.name}:\n" + self.application.log.read_text(encoding="utf-8", errors="replace")[-1500:]

    def started(self) -> float:
        """When the application's process began."""
        ticks = int(Process.load(self.directory / STATE_FILE).born)
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")

    @contextmanager
    def runs_only_on_the_present_file(self) -> Iterator[None]:
        """Inside, the application is down after a restart on any other ``.env``."""
        (self.directory / "only").write_text(f"{self.digest()}  -")
        try:
            yield
        finally:
            (self.directory / "only").unlink()

    def assert_healthy(self) -> None:
        """Its services were started on the file, are healthy, and the mark says so."""
        assert (self.mark.get("healthy") or {}).get("digest") == self.digest(), f"{self.name}: is not healthy"
        assert self.started() >= self.env_file.stat().st_mtime - 0.1, f"{self.name}: its service runs on another file"
        assert wait_until(self.healthy, seconds=60), f"{self.name}: is not healthy"
        for path in (self.env_file, state.mark(self.env_file), state.backup(self.env_file)):
            assert path.stat().st_mode & 0o777 == 0o600, f"{self.name}: mode of {path}"


if __name__ == "__main__":
    # Leaves the application in this directory down, as one that cannot start on its settings is.
    stop_saved(Path(sys.argv[1]))
