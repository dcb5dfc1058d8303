# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection to MySQL or MariaDB with PyMySQL. Python 3.8.

No message quotes the server: it may repeat what was sent. A server may also send anything, and PyMySQL raises any error
at that.
"""

from __future__ import annotations

import ssl
import sys
import time
from typing import Any, Dict, List, Mapping, NoReturn, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import tls_context

SECONDS = 10
LOOKS, PAUSE = 8, 0.25
"""Tries at a full server, and seconds in between."""
DENIED = (1045, 1698)
"""A wrong password, or another authentication plugin."""
LOCKED = (4150, 4151, 3118, 3955)
"""A locked account, also after wrong passwords: codes of MariaDB and of MySQL."""
FULL = 1040
"""The server has no connection left. Other limits belong to one account."""
NO_RIGHT = (1044, 1095, 1142, 1227, 1370, 1410)
READ_ONLY = (1290, 1836)
NO_TLS, UNKNOWN_SESSION, UNKNOWN_ACCOUNT, ABORTED = 2026, 1094, 1396, 1184


class LoginRefused(RotationError):
    """Raised if the server rejects the login itself."""


class AccountUnknown(RotationError):
    """Raised if the server does not use an account that its table has."""


class NoConnectionLeft(RotationError):
    """Raised if other sessions use every connection."""


class MysqlConnection:
    """A login to one server: ``server`` is its host, port and TLS files in the catalog."""

    def __init__(self, server: Mapping[str, Any], login: Mapping[str, str]) -> None:
        self.place = "%s:%d" % (server["host"], server["port"])
        self._user = login["username"]
        self._driver = _driver()
        try:
            self._connection = _opened(self._driver, server, login)
        except Exception as error:  # noqa: BLE001 # pylint: disable=broad-exception-caught
            self._fail(error)

    def __enter__(self) -> MysqlConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def rows(self, query: str, parameters: Sequence[Any] = (), *, columns: int = 1) -> List[Tuple[Any, ...]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query, tuple(parameters))
                rows = list(cursor.fetchall())
            if any(len(row) != columns for row in rows):
                raise ValueError
            return rows
        except Exception as error:  # noqa: BLE001 # pylint: disable=broad-exception-caught
            return self._fail(error)

    def records(self, query: str) -> List[Dict[str, Any]]:
        """Rows by column name, because columns differ between versions. Raises RotationError."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query)
                names = [str(column[0]) for column in cursor.description or ()]
                return [dict(zip(names, row)) for row in cursor.fetchall()]
        except Exception as error:  # noqa: BLE001 # pylint: disable=broad-exception-caught
            return self._fail(error)

    def ended(self, number: int) -> bool:
        """Ends a session. Returns whether it was still there."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("KILL CONNECTION %s", (number,))
        except Exception as error:  # noqa: BLE001 # pylint: disable=broad-exception-caught
            if _code(error) == UNKNOWN_SESSION:
                return False
            self._fail(error)
        return True

    def _fail(self, error: Exception) -> NoReturn:
        code = NO_TLS if isinstance(getattr(error, "original_exception", error), ssl.SSLError) else _code(error)
        if code in DENIED or code in LOCKED:
            reason = "is locked" if code in LOCKED else "was rejected"
            raise LoginRefused("login %s %s at %s (error %d)" % (self._user, reason, self.place, code)) from None
        if code == FULL:
            message = "%s has no connection left (error %d); end sessions there, or raise max_connections"
            raise NoConnectionLeft(message % (self.place, code)) from None
        if code == NO_TLS:
            remedy = "give its authority in server.tls.ca of the catalog, or correct the server's TLS"
            raise RotationError("the TLS of %s cannot be verified; %s" % (self.place, remedy)) from None
        if code == ABORTED:
            remedy = "Correct init_connect, or if it is not yours: SET GLOBAL init_connect = ''"
            raise RotationError(
                "%s ends each session of %s (error %d), because init_connect fails there. %s"
                % (self.place, self._user, code, remedy)
            ) from None
        if code in NO_RIGHT:
            rights = "CREATE USER, CONNECTION ADMIN (MySQL: CONNECTION_ADMIN), PROCESS and SELECT on mysql.*"
            raise RotationError(
                "user %s lacks a right at %s (error %d); grant this user %s" % (self._user, self.place, code, rights)
            ) from None
        if 1000 <= code < 2000 or code >= 3000:
            kind = AccountUnknown if code == UNKNOWN_ACCOUNT else RotationError
            remedy = "look up the error in the server's manual, and correct its cause"
            remedy = "if it is the primary: SET GLOBAL read_only = OFF" if code in READ_ONLY else remedy
            raise kind("%s rejected a statement (error %d); %s" % (self.place, code, remedy)) from None
        raise RotationError(
            "%s does not answer as MySQL or MariaDB (error %s); start it, or correct server.address in the catalog"
            % (self.place, code or type(error).__name__)
        ) from None


def administered(server: Mapping[str, Any], login: Mapping[str, str]) -> MysqlConnection:
    """Connects as the administrator. A full server reserves one connection, which an earlier run's session may hold for
    a moment."""
    for _look in range(LOOKS):
        try:
            return MysqlConnection(server, login)
        except NoConnectionLeft:
            time.sleep(PAUSE)
    return MysqlConnection(server, login)


def _code(error: Exception) -> int:
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0


def _driver() -> Any:
    try:
        import pymysql
    except ImportError:
        raise RotationError(
            "%s has no PyMySQL. Set rotation_python to an interpreter that has it (docs/how-to/prepare-hosts.md, The "
            "rotation host). If it is the system's Python, install a package such as python3-pymysql" % sys.executable
        ) from None
    return pymysql


SETTINGS = (
    "SET SESSION sql_select_limit = 18446744073709551615 /*M! , max_statement_time = 0, tx_read_only = 0 */ "
    "/*!80000 , max_execution_time = 0, transaction_read_only = 0 */"
)
"""Settings that no global setting overrides. Each server runs its own comment."""


def _opened(driver: Any, server: Mapping[str, Any], login: Mapping[str, str]) -> Any:
    class Connection(driver.connections.Connection):
        def _request_authentication(self) -> None:
            # Before version 1.2, PyMySQL logs in without TLS if a server, or an attacker before it, offers none.
            if self.ssl and not self.server_capabilities & driver.constants.CLIENT.SSL:
                raise driver.err.OperationalError(NO_TLS, "no TLS")
            super()._request_authentication()

    context = tls_context.of_server(server)
    return Connection(
        host=server["host"],
        port=server["port"],
        user=login["username"],
        password=login["password"],
        connect_timeout=SECONDS,
        read_timeout=SECONDS,
        write_timeout=SECONDS,
        autocommit=True,
        charset="utf8mb4",
        init_command=SETTINGS,
        sql_mode="",  # the server's mode may quote names in SHOW GRANTS differently
        local_infile=False,
        ssl=context,
        ssl_disabled=context is None,
    )
