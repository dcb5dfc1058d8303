# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Old sessions are tried against the running application. Those that it refuses or accepts are reported."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.application import SOURCE
from sandbox.browser import Browser, Tally
from sandbox.postgres import Postgres
from sandbox.valkey import Valkey
from tests.integration.sessions_lab import ENGINES, KEY, NEXT_KEY, PASSWORD, STOCK, Servers, end
from tests.integration.web_hosts import WebHosts, settings

pytestmark = pytest.mark.slow
ENDED, SIGNED = "a session that was ended", "a session that previous SECRET_KEY 1 signed"


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Postgres() as postgres, Valkey() as valkey:
        yield postgres, valkey


def probed(servers: Servers, directory: Path, engine: str, **extra: str) -> dict[str, Any]:
    """The result for an application with the next key, after its present one had leaked."""
    (directory / "sessions").mkdir()
    wanted = settings(*servers, key=NEXT_KEY, SESSION_ENGINE=STOCK + engine, **extra)
    wanted["SESSION_FILE_PATH"] = str(directory / "sessions")
    with WebHosts(directory, wanted, count=1) as web:
        host = web.hosts[0]
        web.manage.run("make_users", "ana", text=PASSWORD)
        url = f"http://127.0.0.1:{host.port}/account/"
        result = end(chdir=str(SOURCE), env_file=str(host.env_file), probe_url=url, former=[KEY], former_unread=[])
        left = servers[0].execute("SELECT count(*) FROM django_session", database="web").split()
        assert "0" in left or engine not in ("db", "cached_db"), "the probe leaves no session behind"
        assert list((directory / "sessions").iterdir()) == []
    return result


@pytest.mark.parametrize("engine", ENGINES)
def test_they_are_refused(servers: Servers, tmp_path: Path, engine: str) -> None:
    result = probed(servers, tmp_path, engine)
    assert result["accepted"] == result["not_tried"] == [], result
    messages = [line.partition(":")[0] for line in result["tried"]]
    assert messages == ([SIGNED] if engine == "signed_cookies" else [ENDED, SIGNED])


@pytest.mark.parametrize("engine", ["db", "signed_cookies"])
def test_a_key_that_is_still_a_fallback_is_reported_loudly(servers: Servers, tmp_path: Path, engine: str) -> None:
    """What a thief signs with it still logs in."""
    result = probed(servers, tmp_path, engine, SECRET_KEY_FALLBACKS=KEY)
    assert [line.partition(" at http")[0] for line in result["accepted"]] == [f"{SIGNED} is STILL ACCEPTED"]


def test_an_address_that_everybody_gets_tells_nothing(servers: Servers, tmp_path: Path) -> None:
    with WebHosts(tmp_path, settings(*servers, key=NEXT_KEY), count=1) as web:
        web.manage.run("make_users", "ana", text=PASSWORD)
        url = f"http://127.0.0.1:{web.hosts[0].port}/whoami/"
        options: dict[str, Any] = {"chdir": str(SOURCE), "env_file": str(web.hosts[0].env_file), "probe_url": url}
        result = end(**options)
        assert result["not_tried"] == [f"an old session: {url} answers 200 to clients that are not logged in"]
        assert result["tried"] == result["accepted"] == []
        assert "check mode makes no session" in end(check=True, **options)["not_tried"][0]
        assert "not all users'" in end(**options, users=["ana"])["not_tried"][0]


@pytest.mark.parametrize("trouble", ["nobody", "engine"])
def test_a_try_that_fails_keeps_nobody_logged_in(servers: Servers, tmp_path: Path, trouble: str) -> None:
    extra = {"SESSION_ENGINE": STOCK + "db"}
    with WebHosts(tmp_path, settings(*servers, key=NEXT_KEY, **extra), count=1) as web:
        web.manage.run("make_users", "ana", text=PASSWORD)
        host = web.hosts[0]
        ana = Browser("ana", PASSWORD, host.port, "127.0.0.1", Tally())
        asyncio.run(ana.log_in())
        assert asyncio.run(ana.still_in())
        options: dict[str, Any] = {"chdir": str(SOURCE), "env_file": str(host.env_file), "former": [KEY]}
        options["probe_url"] = f"http://127.0.0.1:{host.port}/account/"
        if trouble == "nobody":
            options["probe_user"], why = "nobody", "there is no active user nobody whose session could be tried"
        else:
            other = tmp_path / "other.env"
            text = host.env_file.read_text()
            other.write_text(text.replace(STOCK + "db", "watchparty.health"))
            options |= {"env_file": str(other), "engine": "db"}
            why = "AttributeError: module '********' has no attribute 'SessionStore'"
        result = end(**options)
        assert not asyncio.run(ana.still_in()), result
        assert result["count"] >= 1
        assert (
            result["tried"],
            result["accepted"],
        ) == ([], [])
        (line,) = result["not_tried"]
        assert line.startswith("an old session: "), line
        assert why in line


def test_tried_alone_nothing_ends(servers: Servers, tmp_path: Path) -> None:
    """In an engine that keeps sessions one is made only if that is asked for."""
    with WebHosts(tmp_path, settings(*servers, key=NEXT_KEY, SESSION_ENGINE=STOCK + "db"), count=1) as web:
        web.manage.run("make_users", "ana", text=PASSWORD)
        url = f"http://127.0.0.1:{web.hosts[0].port}/account/"
        options: dict[str, Any] = {"chdir": str(SOURCE), "env_file": str(web.hosts[0].env_file), "state": "tried"}
        options |= {"probe_url": url, "former": [KEY]}
        kept = servers[0].execute("SELECT count(*) FROM django_session", database="web")
        for entry in ({}, {"make": True, "check": True}):
            result = end(**options, **entry)
            assert (result["skipped"], "tried" in result) == (True, False)
            assert "and this run makes none" in result["msg"]
        result = end(**options, make=True)
        assert [line.partition(":")[0] for line in result["tried"]] == [SIGNED]
        assert (result["changed"], result["accepted"], result["not_tried"]) == (False, [], [])
        result = end(**options, make=True, ended=True)
        assert [line.partition(":")[0] for line in result["tried"]] == [ENDED, SIGNED]
        assert servers[0].execute("SELECT count(*) FROM django_session", database="web") == kept
        for name in ("probe_url", "chdir"):
            failed = end(**{key: value for key, value in options.items() if key != name}, make=True)
            assert "set django_chdir (option chdir) and django_probe_url" in failed["msg"]


@pytest.mark.parametrize("fallbacks", ["", KEY])
def test_tried_alone_in_cookies(servers: Servers, tmp_path: Path, fallbacks: str) -> None:
    extra = {"SECRET_KEY_FALLBACKS": fallbacks} if fallbacks else {}
    wanted = settings(*servers, key=NEXT_KEY, SESSION_ENGINE=STOCK + "signed_cookies", **extra)
    with WebHosts(tmp_path, wanted, count=1) as web:
        web.manage.run("make_users", "ana", text=PASSWORD)
        url = f"http://127.0.0.1:{web.hosts[0].port}/account/"
        result = end(chdir=str(SOURCE), env_file=str(web.hosts[0].env_file), state="tried", probe_url=url, former=[KEY])
    assert [bool(result[name]) for name in ("accepted", "tried")] == ([True, False] if fallbacks else [False, True])
