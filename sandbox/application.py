# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sample application as a service without systemd: ``python -m sandbox.application restart DIRECTORY``.

A restart waits for nothing: whoever asks for it verifies the application's health.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from .process import (
    REPOSITORY,
    STATE_FILE,
    Process,
    SandboxError,
    alone,
    clean_environment,
    stop_saved,
    write_private,
)

SOURCE = REPOSITORY / "tests" / "app"
ENVIRONMENT = REPOSITORY / ".venv-app"
INSTALL = REPOSITORY / "scripts" / "pip_install.py"
RESTART_SCRIPT = """\
#!/bin/sh
cd '{repository}' && exec '{python}' -B -m sandbox.application restart '{directory}'
"""


def python() -> Path:
    """The application's own interpreter, whose packages are installed again if its requirements change."""
    with alone("venv-app"):  # parallel tests would fill it at the same time
        return _installed()


def _installed() -> Path:
    requirements = SOURCE / "requirements.txt"
    stamp, program = ENVIRONMENT / ".stamp", ENVIRONMENT / "bin" / "python"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != _stamp(program, requirements):
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        # This pip fills it: Debian's Python makes no environment with pip unless python3-venv is installed.
        for command in (
            ["-m", "venv", "--without-pip", str(ENVIRONMENT)],
            [str(INSTALL), ENVIRONMENT.name, str(program), "-r", str(requirements)],
        ):
            answer = subprocess.run([sys.executable, *command], stderr=subprocess.PIPE, text=True, check=False)
            if answer.returncode:
                raise SandboxError(f"The sample application's packages cannot be installed:\n{answer.stderr.strip()}")
        stamp.write_text(_stamp(program, requirements), encoding="utf-8")
    return program


def _stamp(program: Path, requirements: Path) -> str:
    """The digest of the interpreter there and of the requirements: both environments of the tests share it."""
    try:
        version = subprocess.run([program, "-c", "import sys; print(sys.version, end='')"], capture_output=True).stdout
    except OSError:
        return ""  # its Python was removed or belongs to another machine
    return hashlib.sha256(version + requirements.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Application:
    """The application in its own directory, to which its ``.env`` is deployed."""

    directory: Path
    port: int
    python: Path

    @property
    def env_file(self) -> Path:
        return self.directory / ".env"

    @property
    def log(self) -> Path:
        return self.directory / "application.log"

    @property
    def restart_command(self) -> str:
        return str(self.directory / "restart")

    @property
    def health_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health/"

    def install(self) -> None:
        """Writes the facts and the command of a restart."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self._description, json.dumps({key: str(value) for key, value in asdict(self).items()}))
        script = Path(self.restart_command)
        write_private(
            script, RESTART_SCRIPT.format(repository=REPOSITORY, python=sys.executable, directory=self.directory)
        )
        script.chmod(0o700)

    def share_tables(self) -> None:
        """Leaves it to another host to create the tables, in a shared database."""
        self._migrated.touch()

    @classmethod
    def load(cls, directory: Path) -> Application:
        saved = json.loads((directory / "application.json").read_text(encoding="utf-8"))
        return cls(Path(saved["directory"]), int(saved["port"]), Path(saved["python"]))

    def restart(self) -> None:
        with self._alone():
            if not self._description.exists():
                raise SandboxError(f"The application in {self.directory} was stopped for good.")
            stop_saved(self.directory)
            self._migrate()
            self._start()

    def stop(self) -> None:
        """Stops the application for good: a pending restart does nothing any more."""
        if self.directory.exists():
            with self._alone():
                self._description.unlink(missing_ok=True)
                stop_saved(self.directory)

    def _start(self) -> None:
        process = Process.start(
            [
                *(str(self.python), "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}"),
                *("--workers", "1", "--threads", "4", "--no-control-socket", "watchparty.wsgi"),
            ],
            log=self.log,
            cwd=SOURCE,
            environment=self._environment(),
            survives=True,
        )
        process.save(self.directory / STATE_FILE)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @property
    def _description(self) -> Path:
        return self.directory / "application.json"

    @property
    def _migrated(self) -> Path:
        return self.directory / ".migrated"

    def _environment(self) -> dict[str, str]:
        return clean_environment(
            HOME=str(self.directory),
            WATCHPARTY_ENV_FILE=str(self.env_file),
            PYTHONDONTWRITEBYTECODE="1",
            PYTHONUNBUFFERED="1",
        )

    def _migrate(self) -> None:
        """Creates the tables before the first start, like a release."""
        if self._migrated.exists():
            return
        with self.log.open("ab") as log:
            answer = subprocess.run(
                [str(self.python), "manage.py", "migrate", "--no-input", "--verbosity=0"],
                cwd=SOURCE,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        # An unreachable database shows in the health check.
        if answer.returncode == 0:
            self._migrated.touch()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.application")
    parser.add_argument("act", choices=["restart"])
    parser.add_argument("directory", type=Path)
    options = parser.parse_args()
    try:
        Application.load(options.directory).restart()
    except (SandboxError, FileNotFoundError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
