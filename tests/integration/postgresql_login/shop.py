# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A database whose logins alternate, and the module called on it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import psycopg

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.postgresql_scram import scram_verifier
from sandbox.postgres import Postgres

Call = Callable[..., dict[str, Any]]


class Shop:
    """A database in the layout that rotates, and the module called on it."""

    def __init__(self, server: Postgres, call: Call, name: str) -> None:
        self.server, self.call, self.owner = server, call, name
        self.first, self.second = f"{name}_a", f"{name}_b"
        self.passwords = {self.second: f"canary-{secrets.token_hex(16)}"}

    def url(self, login: str, password: str | None = None, database: str | None = None) -> str:
        return self.server.url(login, password or self.passwords.get(login, "canary-none"), database or self.owner)

    def args(self, login: str, **extra: Any) -> dict[str, Any]:
        args = {"admin_url": self.server.admin_url_of(), "login": login, "owner": self.owner}
        return {**args, "login_url": self.url(login), "journal": 5, "known_addresses": ["127.0.0.1"], **extra}

    def set(self, login: str | None = None, **extra: Any) -> dict[str, Any]:
        login = login or self.second
        verifier = scram_verifier(self.passwords[login], secrets.token_bytes(16))
        like = self.first if login == self.second else self.second
        return self.call(state="present", **self.args(login, **{"verifier": verifier, "like": like, **extra}))

    def check(self, **extra: Any) -> dict[str, Any]:
        return self.call(state="checked", **self.args(self.second, **{"like": self.first, **extra}))

    def test(self, login: str | None = None, **extra: Any) -> dict[str, Any]:
        return self.call(state="usable", **self.args(login or self.second, **extra))

    def revoke(self, login: str | None = None, **extra: Any) -> dict[str, Any]:
        return self.call(state="revoked", **self.args(login or self.first, **extra))

    def sessions(self, login: str | None = None, **extra: Any) -> dict[str, Any]:
        return self.call(state="sessions", **self.args(login or self.first, **extra))

    def connect(self, login: str, **extra: Any) -> psycopg.Connection:
        return psycopg.connect(self.url(login), autocommit=True, **extra)

    def accepts(self, login: str) -> bool:
        return self.server.accepts(login, self.passwords[login], self.owner)

    def sql(self, statements: str) -> str:
        names = {"o": self.owner, "a": self.first, "b": self.second}
        return self.server.execute(statements.format(**names), database=self.owner)

    def roles(self) -> str:
        """All that the server keeps of the three roles."""
        return self.sql(
            "SELECT rolname, rolcanlogin, rolpassword, rolinherit, rolconnlimit, shobj_description(oid, 'pg_authid'), "
            "(SELECT string_agg(setconfig::text, ' ') FROM pg_db_role_setting WHERE setrole = a.oid), "
            "(SELECT string_agg(m::text, ' ') FROM pg_auth_members m WHERE m.member = a.oid) "
            "FROM pg_authid a WHERE rolname ~ '^{o}(_[ab])?$' ORDER BY 1"
        )


def prepare(shop: Shop, state: str = "prepared", **extra: Any) -> dict[str, Any]:
    args = {"admin_url": shop.server.admin_url_of(), "owner": shop.owner, "journal": 5, **extra}
    return shop.call(state=state, **args)


def failed(answer: dict[str, Any], reason: str, *messages: str) -> str:
    assert answer.get("failed"), answer
    assert (answer["reason"], [word for word in messages if word not in answer["msg"]]) == (reason, []), answer
    return str(answer["msg"])
