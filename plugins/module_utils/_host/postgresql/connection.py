# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection to PostgreSQL with the application's driver: psycopg 3, else psycopg2."""

from __future__ import annotations

import importlib
import os
import re
import ssl
import sys
import time
from types import TracebackType
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple, Type, TypeVar, Union

from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import (
    ADMIN_URL,
    LOCAL,
    SCRAM,
    ConnectionTarget,
    DatabaseError,
    Refusal,
    identifier,
    known,
    literal,
    not_connected,
    refusal,
    refuse_older,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.login_statements import (
    Admin,
    Membership,
    Role,
    ServerFacts,
    Statement,
)

APPLICATION = "watchparty.secrets"
# One key for all roles: changes of logins are rare and short. The lock covers one database; see ``apply``.
LOCK = 0x77707365
LIMITS = (
    "SET search_path = pg_catalog, pg_temp; SET lock_timeout = '5s'; SET statement_timeout = '15s'; "
    "SET idle_in_transaction_session_timeout = '60s'"
)
"""Limits, and the search path: behind a pooler, the database's owner may have set another one."""
SETTINGS = " ".join(
    "-c " + setting
    for setting in (
        "search_path=pg_catalog,pg_temp",
        "statement_timeout=15s",
        "lock_timeout=5s",
        "idle_in_transaction_session_timeout=60s",
        "exit_on_error=off",
        "default_transaction_read_only=off",
        "local_preload_libraries=",
        "temp_tablespaces=",
    )
)
NEWER = (" -c idle_session_timeout=0 -c transaction_timeout=0", " -c idle_session_timeout=0", "")  # since 17 and 14
AGAIN = 3

Row = Sequence[Any]
T = TypeVar("T")


class LoginResult(NamedTuple):
    session_user: str
    current_user: str


class LoginSessions(NamedTuple):
    """Sessions of one login from one address and program."""

    address: str
    application_name: str
    number: int
    known: bool


class Retry(Exception):
    """Raised if another transaction changed the same row."""


def driver() -> Any:
    for name in ("psycopg", "psycopg2"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise DatabaseError(
        "no_driver",
        "%s has neither psycopg nor psycopg2. Set rotation_python to an interpreter that has one of them, or install "
        "psycopg for this interpreter" % sys.executable,
    )


class ServerConnection:
    """A connection. A statement commits by itself unless it is between ``BEGIN`` and ``COMMIT``."""

    def __init__(self, target: ConnectionTarget, *, label: str, timeout: int) -> None:
        self.target = target
        self._driver = driver()
        try:
            self._connection = self._driver.connect(**_keywords(self._driver, target, timeout))
        except (self._driver.Error, OSError) as error:
            result = refusal(_scrubbed(str(error), target))
            raise PostgresqlLoginRefused(result, not_connected(result, target, label)) from None
        self._connection.autocommit = True

    @classmethod
    def administered(cls, target: ConnectionTarget, *, timeout: int) -> ServerConnection:
        """Connects as the administrator, by default only with SCRAM, and with short time limits."""
        options = {"require_auth": SCRAM, **target.options}
        server = cls.own_settings(target._replace(options=options), label=ADMIN_URL, timeout=timeout)
        server.rows(LIMITS, doing="setting time limits")
        return server

    @classmethod
    def own_settings(
        cls, target: ConnectionTarget, *, label: str, timeout: int, newer: Sequence[str] = NEWER
    ) -> ServerConnection:
        """Connects with its own settings, because a database's owner can set a search path for all.

        A pooler may reject them; then the server's settings apply.
        """
        options = {"options": "%s %s%s" % (target.options.get("options", ""), SETTINGS, newer[0])}
        try:
            return cls(target._replace(options={**target.options, **options}), label=label, timeout=timeout)
        except PostgresqlLoginRefused as refused:
            # A server writes in its own language. Of a setting that it does not know, the name stays.
            if newer[1:] and re.search(r"\W(idle_session|transaction)_timeout\W", refused.refusal.message):
                return cls.own_settings(target, label=label, timeout=timeout, newer=newer[1:])
            # Messages of PgBouncer and of RDS Proxy.
            if not re.search("startup parameter|command-line options", refused.refusal.message):
                raise
        return cls(target, label=label, timeout=timeout)

    @property
    def uses_password(self) -> bool:
        """Whether the server asked for a password, or identified the client by its certificate or account."""
        if self.target.host.startswith("/") or "sslcert" in self.target.options:
            return True
        return bool(getattr(self._connection, "pgconn", self._connection.info).used_password)

    def __enter__(self) -> ServerConnection:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._connection.close()

    def rows(self, text: str, *, doing: str) -> List[Row]:
        """Runs a statement. ``doing`` names the step in errors."""
        try:
            cursor = self._connection.cursor()
            cursor.execute(text)
            return list(cursor.fetchall()) if cursor.description else []
        except self._driver.Error as error:
            raise _translated(error, self.target, doing) from None

    def transaction(self, act: Callable[[], T], *, unblock: Optional[Callable[[], object]] = None) -> T:
        """Runs ``act`` in one transaction, alone among this collection's runs.

        In a leak, ``unblock`` ends sessions that hold locks.
        """
        for attempt in range(1, AGAIN + 1):
            try:
                self.rows("BEGIN; SELECT pg_advisory_xact_lock(%d)" % LOCK, doing="waiting for other runs")
                result = act()
                self.rows("COMMIT", doing="committing")
                return result
            except Retry:
                self.roll_back()
                if attempt == AGAIN:
                    raise DatabaseError(
                        "busy", "another session keeps changing the same roles; run again once that session has ended"
                    ) from None
                time.sleep(0.1 * attempt)
            except DatabaseError as error:
                self.roll_back()
                if error.reason != "busy" or unblock is None or attempt == AGAIN:
                    raise
                unblock()
            except BaseException:
                self.roll_back()
                raise
        raise AssertionError("not reached")

    def roll_back(self) -> None:
        try:
            self.rows("ROLLBACK", doing="rolling back")
        except DatabaseError:
            # The connection is gone, and the transaction with it.
            return


class PostgresqlLoginRefused(DatabaseError):
    """Raised when a connection fails."""

    def __init__(self, failure: Refusal, error: DatabaseError) -> None:
        self.refusal = failure
        super().__init__(error.reason, str(error))


def _keywords(used: Any, target: ConnectionTarget, timeout: int) -> Dict[str, Any]:
    keywords: Dict[str, Any] = {
        "connect_timeout": timeout,
        "application_name": APPLICATION,
        "client_encoding": "UTF8",
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        **target.keywords(),
    }
    libpq = used.pq.version() if hasattr(used, "pq") else used.extensions.libpq_version()
    if libpq >= 120000:
        keywords["tcp_user_timeout"] = 20000
    if keywords.get("sslrootcert") == "system" and keywords.get("sslmode") in ("verify-ca", "verify-full"):
        keywords["sslrootcert"] = _authorities()
    return _with_scram(keywords, libpq) if "require_auth" in keywords else keywords


def _with_scram(keywords: Dict[str, Any], libpq: int) -> Dict[str, Any]:
    """Makes libpq answer only what ``require_auth`` allows.

    libpq before 16 does not know that option. With TLS, channel binding has the same effect: libpq never answers a
    request for the password or its MD5 hash.
    """
    if libpq >= 160000:
        return keywords
    allowed = keywords.pop("require_auth")
    if libpq >= 130000 and allowed == SCRAM and keywords.get("sslmode") in ("require", "verify-ca", "verify-full"):
        return {**keywords, "channel_binding": "require"}
    raise DatabaseError(
        "old_libpq",
        "the libpq of %s is version %d. It would send the unencrypted password to a server that asks for it. Upgrade "
        "psycopg[binary] or psycopg2-binary there to libpq 16 or newer; with 13 to 15, use TLS"
        % (sys.executable, libpq // 10000),
    )


def _authorities() -> str:
    """The host's file of trusted authorities. The driver's own TLS library may look elsewhere."""
    cafile = ssl.get_default_verify_paths().cafile
    known = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
    for path in (cafile, *known):
        if path and os.path.isfile(path):
            return path
    raise DatabaseError(
        "no_authorities",
        "this host has no file of trusted certificates; install ca-certificates, or name a file in server.tls.ca",
    )


def _scrubbed(text: str, target: ConnectionTarget) -> str:
    return text.replace(target.password, "********") if target.password else text


_CODES = {
    "55P03": ("busy", "another session holds a lock for more than 5 seconds; run again"),
    "57014": ("slow", "the server took more than 15 seconds; check its load, then run again"),
    "57P01": ("interrupted", "the server ended the connection; run again"),
    "25006": ("read_only", "the server is read-only, perhaps a standby: the URL must lead to the primary"),
    "2BP01": ("owns_things", "other objects depend on it: first run REASSIGN OWNED and DROP OWNED in each database"),
    "42501": ("missing_right", "a right is missing; run the statement once as a superuser, or grant the right"),
    "53300": ("limit", "no connection is free"),
}


def _translated(error: Any, target: ConnectionTarget, doing: str) -> Union[DatabaseError, Retry]:
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    answer = getattr(getattr(error, "diag", None), "message_primary", None) or str(error)
    answer = _scrubbed(" ".join(str(answer).split()), target)
    if code in ("40001", "40P01") or "tuple concurrently" in answer:
        return Retry()
    if code is None:
        result = refusal(answer)
        message = "the connection to %s broke; uncommitted changes were rolled back. Run again" % target.place
        return DatabaseError(result.reason, "%s: %s. The answer was: %s" % (doing, message, answer))
    reason, message = _CODES.get(code, ("refused_statement", "the server refuses the statement (%s)" % code))
    return DatabaseError(reason, "%s: %s. The answer was: %s" % (doing, message, answer))


def observe(server: ServerConnection, names: Sequence[str]) -> ServerFacts:
    doing = "reading roles"
    # to_jsonb, because the options exist since version 16.
    members = (
        "SELECT m.rolname, g.rolname, bool_or(a.admin_option), "
        "bool_or(coalesce((to_jsonb(a)->>'inherit_option')::bool, true)), "
        "bool_or(coalesce((to_jsonb(a)->>'set_option')::bool, true)) FROM pg_auth_members a "
        "JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid WHERE m.rolname IN (%s) GROUP BY 1, 2"
    )
    settings = (
        "SELECT r.rolname, coalesce(d.datname, ''), unnest(s.setconfig) FROM pg_db_role_setting s "
        "JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase WHERE r.rolname IN (%s)"
    )
    roles = (
        "SELECT rolname, oid::bigint, rolcanlogin, rolsuper, rolinherit, rolconnlimit, "
        "coalesce(rolvaliduntil < 'infinity', false), shobj_description(oid, 'pg_authid'), "
        "pg_has_role(oid, 'USAGE WITH ADMIN OPTION') FROM pg_roles WHERE rolname IN (%s)"
    )
    wanted = ", ".join(literal(name) for name in names)
    groups: Dict[str, Dict[str, Membership]] = {name: {} for name in names}
    for member, group, *options in server.rows(members % wanted, doing=doing):
        groups[member][group] = Membership(*options)
    role_settings: Dict[str, Dict[Tuple[str, str], str]] = {name: {} for name in names}
    for name, database, line in server.rows(settings % wanted, doing=doing):
        setting, _equals, value = line.partition("=")
        role_settings[name][(database, setting)] = value
    result = {
        row[0]: Role(*row, settings=role_settings[row[0]], member_of=groups[row[0]])  # type: ignore[misc]
        for row in server.rows(roles % wanted, doing=doing)
    }
    return ServerFacts(administrator(server), result)


def administrator(server: ServerConnection) -> Admin:
    (row,) = server.rows(
        "SELECT current_user::text, current_setting('server_version_num')::int, rolsuper, rolcreaterole, "
        "pg_has_role('pg_signal_backend', 'USAGE'), pg_has_role('pg_read_all_stats', 'USAGE') "
        "FROM pg_roles WHERE rolname = current_user",
        doing="reading the administrator's rights",
    )
    return Admin(*row)


def apply(server: ServerConnection, plan: Sequence[Statement], login: str, journal: int) -> None:
    """Runs a plan inside the transaction.

    Reads the record again before writing it: the lock excludes only runs in the same database. Any other run has
    committed before the first statement here, or waits for it.
    """
    for statement in plan:
        if statement.records:
            role = observe(server, [login]).roles[login]
            refuse_older(role.comment, login, journal)
        server.rows(statement.text, doing=statement.shown)


def sessions(server: ServerConnection, login: str, addresses: Sequence[str]) -> List[LoginSessions]:
    """Sessions of this role by address and program."""
    text = (
        "SELECT host(client_addr), coalesce(application_name, ''), count(*) FROM pg_stat_activity "
        "WHERE usename = %s AND pid <> pg_backend_pid() GROUP BY 1, 2 ORDER BY 1, 2"
    )
    rows = server.rows(text % literal(login), doing="listing sessions")
    return [
        LoginSessions(address or LOCAL, program, count, known(address, addresses)) for address, program, count in rows
    ]


def may_end_sessions(admin: Admin, login: str) -> None:
    for has, group, right in (
        (admin.reads_sessions, "pg_monitor", "read the client addresses of sessions"),
        (admin.signals, "pg_signal_backend", "end sessions"),
    ):
        if not (has or admin.superuser):
            raise DatabaseError(
                "missing_right",
                "administrator %s may not %s of role %s. Run as a superuser: GRANT %s TO %s"
                % (admin.name, right, login, group, identifier(admin.name)),
            )


def end_sessions(server: ServerConnection, login: str, *, seconds: float) -> int:
    """Ends every session of a role, also one that is just logging in. Returns the number of sessions."""
    text = (
        "SELECT pid, backend_start::text, pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE usename = %s AND pid <> pg_backend_pid()"
    )
    ended: Set[Tuple[int, str]] = set()
    quiet, deadline = 0, time.monotonic() + seconds
    while quiet < 2:
        rows = server.rows(text % literal(login), doing="ending sessions of %s" % login)
        ended.update((pid, start) for pid, start, _signalled in rows)
        quiet = 0 if rows else quiet + 1
        if rows and time.monotonic() > deadline:
            raise DatabaseError(
                "sessions_stay",
                "%d sessions of role %s did not end within %d seconds; check them in pg_stat_activity, then run again"
                % (len(rows), login, seconds),
            )
        time.sleep(0.02)
    return len(ended)


def try_login(target: ConnectionTarget, label: str, timeout: int) -> Union[LoginResult, PostgresqlLoginRefused]:
    """Logs in. Returns the session's roles, or the error of the refused login."""
    try:
        with ServerConnection.own_settings(target, label=label, timeout=timeout) as server:
            (row,) = server.rows("SELECT session_user::text, current_user::text", doing="asking who we are")
            return LoginResult(*row)
    except PostgresqlLoginRefused as refused:
        return refused
