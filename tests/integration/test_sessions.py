# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SECRET_KEY rotates on two web servers under parallel requests: Django loses sessions, the session engine does not.

docs/explanation/sessions.md says what is behind it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.application import SOURCE, python
from sandbox.load import Load, Report
from sandbox.postgres import Postgres
from sandbox.process import clean_environment, wait_until
from sandbox.valkey import Valkey
from tests.integration.counts import Record, loaded
from tests.integration.web_hosts import WebHosts, restart, settings

OLD, NEW = "the-old-key-" * 5, "the-new-key-" * 5
STOCK = "django.contrib.sessions.backends."
SESSIONS = 20
WANTED_REQUESTS = 2000


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, Valkey]]:
    with Postgres() as postgres, Valkey() as valkey:
        yield postgres, valkey


def rotate(wanted: dict[str, str], directory: Path, *, together: bool, requests: int) -> Report:
    """The key's two phases: the first host by host, the second too or on all hosts at once."""
    with WebHosts(directory, wanted) as web:
        with Load(web.addresses, manage=web.manage, sessions=SESSIONS, tasks=False, burst_every=2, pause=0.02) as load:
            time.sleep(1)
            for host in web.hosts:
                restart([host], {**wanted, "SECRET_KEY_FALLBACKS": NEW})
            switched = {**wanted, "SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD}
            for group in [web.hosts] if together else [[host] for host in web.hosts]:
                restart(group, switched)
                time.sleep(3)
            assert wait_until(lambda: load.so_far()[0] >= requests, seconds=120)
        assert load.report is not None
        return load.report


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["db", "cache", "cached_db"])
def test_django_alone_loses_sessions(
    servers: tuple[Postgres, Valkey], tmp_path: Path, engine: str, record_property: Record
) -> None:
    wanted = settings(*servers, key=OLD, SESSION_ENGINE=STOCK + engine)
    report = rotate(wanted, tmp_path, together=True, requests=500)
    loaded(record_property, f"Django's {engine} sessions alone", report)
    assert report.lost > 0
    assert report.failed == 0, report.messages


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["db", "cache", "cached_db"])
def test_with_the_session_engine_none_is_lost(
    servers: tuple[Postgres, Valkey], tmp_path: Path, engine: str, record_property: Record
) -> None:
    """Even where the second phase goes host by host, and both keys sign for a while."""
    extra = {"SESSION_ENGINE": "watchparty.sessions", "SESSION_ENGINE_BELOW": STOCK + engine}
    report = rotate(settings(*servers, key=OLD, **extra), tmp_path, together=False, requests=WANTED_REQUESTS)
    loaded(record_property, f"{engine} sessions with the session engine", report)
    assert (report.lost, report.anonymous, report.failed) == (0, 0, 0), report.messages
    assert report.requests >= WANTED_REQUESTS
    assert report.parallel_bursts >= SESSIONS


@pytest.mark.parametrize("engine", ["db", "cache", "cached_db", "file", "signed_cookies"])
def test_the_session_engine_over_each_of_djangos(tmp_path: Path, engine: str) -> None:
    """Its own tests, as the application runs them."""
    done = subprocess.run(
        [str(python()), "manage.py", "test", "watchparty"],
        cwd=SOURCE,
        env=clean_environment(
            TMPDIR=str(tmp_path),
            WATCHPARTY_ENV_FILE=os.devnull,
            SECRET_KEY=OLD,
            SESSION_ENGINE_BELOW=STOCK + engine,
            PYTHONDONTWRITEBYTECODE="1",
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 0 tests" not in done.stderr
