# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A PostgreSQL and a Valkey in memory, changed by the same rules as the modules follow."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey, valkey_rules
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError

Point = Callable[[str, str, Callable[[], object]], object]
_LOGIN = re.compile(r"^[a-z]+://([^:@/]*):([^@/]*)@")


@lru_cache(4096)
def login_in(url: str) -> tuple[str, str]:
    match = _LOGIN.match(url)
    if match is None:
        return "", ""
    return unquote(match[1]), unquote(match[2])


@dataclass
class Login:
    """A role as pg_authid and its comment show it."""

    password: str | None = None
    can_login: bool = False
    journal: int = 0


@dataclass
class Postgres:
    """One server; a transaction is one act, which checks the journal number itself."""

    act: Point
    logins: dict[str, Login] = field(default_factory=dict)
    in_use: Callable[[str], bool] = lambda _login: False

    def accepts(self, url: str) -> bool:
        name, password = login_in(url)
        login = self.logins.get(name)
        return login is not None and login.can_login and login.password == password

    def checked(self, login: str, former: str, journal: int) -> None:
        def look() -> None:
            for name in (login, former):
                self._refuse_older(name, self.logins.get(name) or Login(), journal)
            if former not in self.logins:
                raise HostError(f"role {former} does not exist on the server")
            self._refuse_in_use(login, self.logins.get(login) or Login())

        self.act("look", login, look)

    def present(self, login: str, login_url: str, verifier: str, journal: int) -> None:
        if self.act("log in", login, lambda: self.accepts(login_url)):
            return

        def transaction() -> None:
            role = self.logins.get(login) or Login()
            self._refuse_older(login, role, journal)
            self._refuse_in_use(login, role)
            self.logins[login] = Login(verifier, True, journal)

        self.act("alter role", login, transaction)

    def usable(self, login: str, login_url: str) -> None:
        if not self.act("log in", login, lambda: self.accepts(login_url)):
            raise HostError(f"{login} is refused")

    def revoked(self, login: str, login_url: str, journal: int) -> None:
        def transaction() -> None:
            role = self.logins.get(login)
            if role is not None:
                self._refuse_older(login, role, journal)
                if not role.can_login and role.journal == journal:
                    return
            self.logins[login] = Login(None, False, journal)

        self.act("end role", login, transaction)
        if self.act("log in", login, lambda: self.accepts(login_url)):
            raise HostError(f"role {login} may no longer log in, and login_url still does")

    def _refuse_in_use(self, login: str, role: Login) -> None:
        if role.can_login and self.in_use(login):
            raise HostError(f"role {login} is in use, and login_url does not log in as it")

    @staticmethod
    def _refuse_older(login: str, role: Login, journal: int) -> None:
        if role.journal > journal:
            raise HostError(
                f"another run changed role {login} at journal number {role.journal}, but this run read number {journal}"
            )


@dataclass
class Valkey:
    """Nodes of one server; every ACL SETUSER is one act on one node."""

    act: Point
    nodes: dict[str, dict[str, valkey.User]] = field(default_factory=dict)

    def accepts(self, url: str) -> bool:
        name, password = login_in(url)
        digest = valkey.digest_of(password)
        return all(name in users and digest in users[name].digests for users in self.nodes.values())

    def digests(self, user: str) -> set[str]:
        return {digest for users in self.nodes.values() if user in users for digest in users[user].digests}

    def setuser(self, node: str, user: str, rules: tuple[str, ...], *, takes: bool) -> None:
        """All or nothing, as the server does it. Whoever ``takes`` a password away finds it gone without an error."""
        result = self.nodes[node].get(user)
        held = set(result.digests) if result else set()
        for rule in rules:
            if rule.startswith("!"):
                if rule[1:] not in held:
                    if takes or all(rule.startswith("!") for rule in rules):
                        return
                    raise HostError(f"{node}: no password was added, because this rotation was aborted in the meantime")
                held.discard(rule[1:])
            elif rule == "resetpass":
                held.clear()
            elif rule.startswith("#"):
                held.add(rule[1:])
        self.nodes[node][user] = user_of(user, held)

    def _each(
        self, user: str, plan: Callable[[dict[str, valkey.User]], tuple[tuple[str, ...], ...]], *, takes: bool = False
    ) -> None:
        """Looks at every node, then acts at each, as the module does."""
        plans = {node: self.act("look", node, lambda: plan(self.nodes[node])) for node in self.nodes}  # noqa: B023
        for node, commands in plans.items():
            for rules in commands:  # type: ignore[attr-defined]
                self.act("setuser", node, lambda: self.setuser(node, user, rules, takes=takes))  # noqa: B023

    def checked(self, user: str, digest: str, gate: str) -> None:
        def look(users: dict[str, valkey.User]) -> None:
            valkey_rules.plan_revoked(users, user, digest, gate=gate, keep_one=False)
            valkey_rules.plan_open(users, user, digest, like=None, gate=gate)

        for node in self.nodes:
            self.act("look", node, lambda: look(self.nodes[node]))  # noqa: B023 - called at once

    def open(self, user: str, digest: str, gate: str) -> None:
        self._each(user, lambda users: valkey_rules.plan_open(users, user, digest, like=None, gate=gate))

    def present(self, user: str, digest: str, gate: str | None, stored: Collection[str] | None) -> None:
        """In a leak with the passwords that the stores hold."""
        more: dict[str, Any] = {"gate": gate, "stored": stored}
        self._each(user, lambda users: valkey_rules.plan_present(users, user, digest, like=None, **more))

    def usable(self, login_url: str) -> None:
        if not self.act("log in", "valkey", lambda: self.accepts(login_url)):
            raise HostError("the new password is refused")

    def revoked(self, user: str, digest: str, gate: str | None, stored: Collection[str] | None) -> None:
        more: dict[str, Any] = {"gate": gate, "stored": stored, "keep_one": True}
        self._each(user, lambda users: valkey_rules.plan_revoked(users, user, digest, **more), takes=stored is not None)
        held = self.act("log in", "valkey", lambda: digest in self.digests(user))
        if held:
            raise HostError("the password was removed, but not every node rejects it")


def user_of(name: str, digests: set[str]) -> valkey.User:
    return valkey.User(name=name, enabled=True, nopass=False, digests=frozenset(digests), rules=())
