# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Previous values are tried at a real MariaDB, and no account in use is locked by that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import MysqlConnection
from sandbox.mariadb import MariaDB
from sandbox.process import free_port

NOW, OLD = "canary-current", "canary-of-the-old-password"
NATIVE = "mysql_native_password"


@pytest.fixture
def turned(maria: MariaDB) -> MariaDB:
    """After a rotation: app_b logs in, and app_a is locked."""
    for host in ("127.%", "10.%"):
        maria.execute(f"ALTER USER app_b@'{host}' IDENTIFIED BY '{NOW}' ACCOUNT UNLOCK")
        maria.execute(f"ALTER USER app_a@'{host}' IDENTIFIED BY 'canary-random' ACCOUNT LOCK")
    return maria


def tried(maria: MariaDB, *former: str, current: str = NOW, port: int = 0) -> tuple[str, str]:
    """Each of ``former`` as user:password."""
    address = {"host": maria.host, "port": port or maria.port, "tls_mode": "disable"}
    entry = {
        "credential": "mail",
        "server": "mysql",
        "current": f"mysql://app_b:{current}@{maria.host}",
        "former": [f"mysql://{login}@{maria.host}" for login in former],
        "address": address,
    }
    result = revoked_logins.try_logins([entry], 5)["mail"]
    assert "canary" not in result["message"]
    return result["state"], result["message"]


@contextmanager
def limited(maria: MariaDB, most: int) -> Iterator[None]:
    maria.execute(f"SET GLOBAL max_password_errors = {most}")
    try:
        yield
    finally:
        maria.execute("SET GLOBAL max_password_errors = DEFAULT")


def test_previous_values_that_are_rejected(turned: MariaDB) -> None:
    state, message = tried(turned, f"app_a:{OLD}", f"app_b:{OLD}", "nobody:canary")
    assert (state, message) == (
        "refused",
        f"rejected now at 127.0.0.1:{turned.port}, which accepts the current value (3 previous logins were tried)",
    )


@pytest.mark.parametrize(
    "statement",
    [
        f"ALTER USER app_a@'127.%' IDENTIFIED BY '{OLD}' ACCOUNT UNLOCK",
        f"ALTER USER app_b@'127.%' IDENTIFIED VIA {NATIVE} USING PASSWORD('{NOW}') OR {NATIVE} USING PASSWORD('{OLD}')",
    ],
    ids=["the account is unlocked", "a second password"],
)
def test_the_value_before_is_valid_again(turned: MariaDB, statement: str) -> None:
    turned.execute(statement)
    state, message = tried(turned, f"app_a:{OLD}", f"app_b:{OLD}", "app_b:canary-older")
    assert (state, message) == ("accepted", f"a previous value still logs in at 127.0.0.1:{turned.port}")


def test_a_server_that_proves_nothing(turned: MariaDB) -> None:
    state, message = tried(turned, f"app_a:{OLD}", current="canary-wrong")
    assert (state, "login app_b was rejected" in message) == ("untried", True)
    state, message = tried(turned, f"app_a:{OLD}", port=free_port())
    assert (state, "does not answer as MySQL or MariaDB" in message) == ("untried", True)
    turned.execute("ALTER USER app_a@'127.%' IDENTIFIED BY 'canary-older' ACCOUNT UNLOCK PASSWORD EXPIRE")
    turned.execute("SET GLOBAL disconnect_on_expired_password = 1")
    try:
        state, _message = tried(turned, "app_a:canary-older")
    finally:
        turned.execute("SET GLOBAL disconnect_on_expired_password = DEFAULT")
    assert state == "untried", "the server knows the password, but lets no session begin"


def test_no_account_in_use_is_locked(turned: MariaDB) -> None:
    """The account of the other turn may be: a rotation unlocks it."""
    with limited(turned, revoked_logins.WRONG_PASSWORDS):
        for _run in range(8):
            assert tried(turned, f"app_a:{OLD}", "app_b:canary-1", "app_b:canary-2", "app_b:canary-3")[0] == "refused"
        assert turned.accepts("app_b", NOW)
        turned.execute(f"ALTER USER app_a@'127.%' IDENTIFIED BY '{OLD}' ACCOUNT UNLOCK")
        assert turned.accepts("app_a", OLD)


def test_a_server_that_locks_after_few_wrong_passwords(turned: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    with limited(turned, 1):
        state, message = tried(turned, f"app_b:{OLD}")
        assert (state, "locks an account after 1 wrong passwords" in message) == ("untried", True)
        assert turned.accepts("app_b", NOW)
    rows = MysqlConnection.rows

    def of_mysql(connection: MysqlConnection, query: str, *arguments: Any, **more: Any) -> Any:
        if "SHOW CREATE USER" in query:
            return [("CREATE USER `app_b`@`%` IDENTIFIED WITH 'x' FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 1",)]
        return rows(connection, query, *arguments, **more)

    monkeypatch.setattr(MysqlConnection, "rows", of_mysql)
    assert tried(turned, f"app_b:{OLD}")[1].startswith("nothing was tried: the server locks an account after 3 wrong")
