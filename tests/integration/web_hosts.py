# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Web servers and workers of the sample application on this machine, one database and cache behind them.

Each has a ``.env`` of its own, as hosts have, and is stopped and started as systemd would.
"""

from __future__ import annotations

import contextlib
import os
import signal
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.application import SOURCE, python
from sandbox.load import Manage
from sandbox.postgres import Postgres
from sandbox.process import Process, clean_environment, free_port, wait_until, write_private
from sandbox.valkey import Valkey


class Web:
    """gunicorn, and a worker where one is asked for."""

    def __init__(self, directory: Path, *, worker: bool = False) -> None:
        directory.mkdir(mode=0o700)
        self.directory = directory
        self.env_file = directory / ".env"
        self.port = free_port()
        self._worker = worker
        self._running: list[Process] = []
        self._ended = False
        self._said = 0

    def write(self, settings: Mapping[str, str]) -> None:
        beside = self.env_file.with_suffix(".new")
        write_private(beside, "".join(f"{name}='{value}'\n" for name, value in settings.items()))
        beside.replace(self.env_file)

    def start(self) -> None:
        self.launch()
        self.wait()

    def launch(self) -> None:
        self._ended, self._said = False, len(self._worker_words())
        bind = ["--bind", f"127.0.0.1:{self.port}", "--workers", "1", "--threads", "4", "--no-control-socket"]
        self._run("gunicorn", *bind, "watchparty.wsgi")
        if self._worker:
            self._run(
                "celery", "--app", "watchparty", "worker", "--concurrency", "1", "--pool", "threads", "-l", "info"
            )

    def wait(self) -> None:
        """Until the web server answers and the worker works: while they start, they do not hear that they shall end."""
        assert wait_until(self._healthy, seconds=60), self.log_text()
        assert not self._worker or wait_until(self._works, seconds=60), self.log_text()

    def end(self) -> None:
        """Ask all to end, once; each finishes what it has begun."""
        if self._ended:
            return
        self._ended = True
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)

    def stop(self) -> None:
        self.end()
        for process in self._running:
            assert wait_until(lambda process=process: not process.running(), seconds=60), self.log_text()
        self._running = []

    def restart(self, settings: Mapping[str, str]) -> None:
        restart([self], settings)

    def log_text(self) -> str:
        return "".join(path.read_text(errors="replace")[-3000:] for path in sorted(self.directory.glob("*.log")))

    def _run(self, module: str, *arguments: str) -> None:
        self._running.append(
            Process.start(
                [str(python()), "-m", module, *arguments],
                log=self.directory / f"{module}.log",
                cwd=SOURCE,
                environment=clean_environment(
                    HOME=str(self.directory), WATCHPARTY_ENV_FILE=str(self.env_file), PYTHONDONTWRITEBYTECODE="1"
                ),
            )
        )

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _works(self) -> bool:
        return " ready." in self._worker_words()[self._said :]

    def _worker_words(self) -> str:
        log = self.directory / "celery.log"
        return log.read_text(errors="replace") if log.exists() else ""


def restart(hosts: Sequence[Web], settings: Mapping[str, str]) -> None:
    """Restart these at the same moment."""
    for host in hosts:
        host.write(settings)
        host.end()
    for host in hosts:
        host.stop()
        host.launch()
    for host in hosts:
        host.wait()


class WebHosts:
    """Some of them. As a context manager they are started inside and stopped after."""

    def __init__(self, directory: Path, settings: Mapping[str, str], *, count: int = 2, worker: bool = False) -> None:
        self.settings = dict(settings)
        self.hosts = [Web(directory / f"web{number}", worker=worker) for number in range(1, count + 1)]

    @property
    def addresses(self) -> list[tuple[str, int]]:
        return [("127.0.0.1", host.port) for host in self.hosts]

    @property
    def manage(self) -> Manage:
        return Manage(python(), tuple(host.env_file for host in self.hosts))

    def __enter__(self) -> WebHosts:
        for host in self.hosts:
            host.write(self.settings)
        self.manage.run("migrate", "--no-input", "--verbosity=0", text="")
        for host in self.hosts:
            host.start()
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts:
            host.stop()


def settings(postgres: Postgres, valkey: Valkey, *, key: str, **extra: str) -> dict[str, str]:
    """Settings of the whole application on these servers; the database is made when it is not there."""
    role, password = "web", "only-for-this-test-0123456789"
    if not postgres.accepts(role, password, "web"):
        postgres.create_login(role, password, "web")
    return {
        "SECRET_KEY": key,
        "DJANGO_SETTINGS_MODULE": "watchparty.settings.production",
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": postgres.url(role, password, "web"),
        "REDIS_URL": valkey.url(0),
        "CELERY_BROKER_URL": valkey.url(1),
        "CELERY_RESULT_BACKEND": valkey.url(2),
        **extra,
    }
