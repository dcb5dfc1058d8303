# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sample application with users who are logged in, and the module that ends their sessions."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import redis

from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import main as django_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program
from sandbox.application import SOURCE, python
from sandbox.browser import Browser, Tally
from sandbox.postgres import Postgres
from sandbox.process import clean_environment
from sandbox.valkey import Valkey
from tests.integration.web_hosts import WebHosts, settings

STOCK = "django.contrib.sessions.backends."
ENGINES = ["db", "cache", "cached_db", "file", "signed_cookies"]
KEY, NEXT_KEY = "the-present-key-" * 4, "the-next-key-" * 5
PASSWORD = "canary-password-of-the-users"
Servers = tuple[Postgres, Valkey]


AS_ROOT = {"allow_root": os.geteuid() == 0}


class ThisHost:
    """An action plugin whose host is this machine."""

    def __init__(self, *, check: bool) -> None:
        self._task = SimpleNamespace(check_mode=check, diff=False, delegate_to=None)
        self._templar = SimpleNamespace(template=lambda text: text)
        self._connection = SimpleNamespace(has_option=lambda _name: False)

    def _low_level_execute_command(self, command: str, *, sudoable: bool, in_data: bytes) -> dict[str, Any]:
        assert sudoable
        done = subprocess.run(
            shlex.split(command), input=in_data, capture_output=True, check=False, env=clean_environment()
        )
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}


def end(*, check: bool = False, **options: Any) -> dict[str, Any]:
    """Runs the module as its action plugin does, with the application's interpreter."""
    valid = remote_program.validated(django_main.ARGUMENT_SPEC, {**AS_ROOT, **options})
    answer = remote_program.execute(
        ThisHost(check=check),  # type: ignore[arg-type]
        django_main,
        args=valid,
        task_vars={},
        packages=True,
        python=str(python()),
    )
    assert "canary" not in str(answer)
    return answer


@dataclass(frozen=True)
class Site:
    """The application with users who are logged in."""

    web: WebHosts
    valkey: Valkey
    postgres: Postgres

    @property
    def options(self) -> dict[str, Any]:
        return {"chdir": str(SOURCE), "env_file": str(self.web.hosts[0].env_file)}

    def log_in(self, user: str) -> Browser:
        browser = Browser(user, PASSWORD, self.web.hosts[0].port, "127.0.0.1", Tally())
        asyncio.run(browser.log_in())
        assert self.knows(browser)
        return browser

    def knows(self, browser: Browser) -> bool:
        """Whether the cookie that the user had still logs in; the cookie itself is kept."""
        known = asyncio.run(browser.still_in())
        assert browser.tally.failed == 0, browser.tally.messages
        return known

    def id_of(self, user: str) -> str:
        message = self.postgres.execute(f"SELECT id FROM auth_user WHERE username = '{user}'", database="web")
        return next(word for word in message.split() if word.isdigit())

    def cache(self) -> redis.Redis:
        return redis.Redis.from_url(self.valkey.url())


@contextmanager
def site(servers: Servers, directory: Path, **extra: str) -> Iterator[Site]:
    postgres, valkey = servers
    (directory / "sessions").mkdir()
    wanted = settings(*servers, key=KEY, SESSION_FILE_PATH=str(directory / "sessions"), **extra)
    with WebHosts(directory, wanted, count=1) as web:
        web.manage.run("make_users", "ana", "ben", text=PASSWORD)
        end(chdir=str(SOURCE), env_file=str(web.hosts[0].env_file))
        yield Site(web, valkey, postgres)


def engine_settings(engine: str, *, wrapped: bool) -> Mapping[str, str]:
    if wrapped:
        return {"SESSION_ENGINE": "watchparty.sessions", "SESSION_ENGINE_BELOW": STOCK + engine}
    return {"SESSION_ENGINE": STOCK + engine}
