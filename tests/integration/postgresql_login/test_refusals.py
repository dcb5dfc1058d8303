# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What cannot be done is refused by name, and nothing is changed."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import threading
from urllib.parse import unquote, urlsplit

import psycopg
import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import (
    connection as postgresql_connection,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import login_states
from tests.integration.postgresql_login.shop import Shop, failed


def test_errors_of_a_login(shop: Shop) -> None:
    shop.set()
    url = shop.url(shop.second)
    failed(shop.test(login_url=shop.url(shop.second, "canary")), "wrong_password", "rejects the password", shop.second)
    failed(shop.test(login_url=shop.url(shop.second, database="nowhere")), "no_database", "the database does not exist")
    failed(shop.test(login_url=url.replace(str(shop.server.port), "1")), "unreachable", "cannot be reached")
    failed(shop.test(login_url=url.replace("127.0.0.1", "host.invalid")), "unreachable")
    failed(shop.test(login_url=shop.url(shop.first)), "bad_url", f"logs in as {shop.first}")
    for cause, cure, reason, word in (
        ("ALTER ROLE {b} CONNECTION LIMIT 0", "ALTER ROLE {b} CONNECTION LIMIT -1", "role_limit", "connection limit"),
        ("ALTER DATABASE {o} CONNECTION LIMIT 0", "ALTER DATABASE {o} CONNECTION LIMIT -1", "database_limit", "limit"),
        ("ALTER ROLE {b} RESET role", "ALTER ROLE {b} SET role TO {o}", "not_a_member", "SET role TO"),
        ("REVOKE {o} FROM {b}", "GRANT {o} TO {b}", "no_connect", "GRANT CONNECT"),
        ("ALTER ROLE {b} NOLOGIN", "ALTER ROLE {b} LOGIN", "no_login", "NOLOGIN"),
        (
            "ALTER ROLE {b} SET default_transaction_read_only TO on",
            "ALTER ROLE {b} RESET default_transaction_read_only",
            "read_only",
            "read-only",
        ),
    ):
        shop.sql(cause)
        failed(shop.test(), reason, word)
        planned = shop.test(check=True)
        assert (planned["usable"], planned["reason"], planned.get("failed")) == (False, reason, None)
        shop.sql(cure)
        assert shop.test().get("usable"), cure
    shop.sql("REVOKE TEMPORARY ON DATABASE {o} FROM {o}, PUBLIC")
    assert shop.test() == {"changed": False, "usable": True, "temporary_table": False, "login": shop.second}


def test_a_login_that_works_without_becoming_the_owner_is_mended(shop: Shop) -> None:
    shop.set()
    shop.sql("ALTER ROLE {b} RESET role")
    assert shop.set()["statements"][0].endswith(f"SET \"role\" TO '{shop.owner}'")
    assert shop.test()["usable"]


def test_the_printed_command_makes_a_login_act_as_the_owner(shop: Shop) -> None:
    shop.set()
    shop.sql("ALTER ROLE {b} RESET role; REVOKE {o} FROM {b}; GRANT CONNECT ON DATABASE {o} TO {b}")
    message = failed(shop.test(), "not_a_member", f"must act as {shop.owner}")
    shop.server.execute(message.partition("Run as a superuser: ")[2])
    assert shop.test()["usable"]


def test_connections_at_their_limit(shop: Shop) -> None:
    shop.set()
    held = []
    try:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                held.append(shop.connect(shop.first))
        failed(shop.test(), "limit", "max_connections")
        failed(
            shop.set(login_url=shop.url(shop.second, "canary-other")),
            "limit",
            "the administrator's URL",
            "max_connections",
        )
    finally:
        for connection in held:
            connection.close()


def test_pg_hba_refuses(shop: Shop) -> None:
    rules = shop.server.directory / "data" / "pg_hba.conf"
    before = rules.read_text()
    try:
        rules.write_text(f"host all {shop.second} all reject\n{before}")
        shop.sql("SELECT pg_reload_conf()")
        shop.set()
        failed(shop.test(), "not_from_here", "+owner")
    finally:
        rules.write_text(before)
        shop.sql("SELECT pg_reload_conf()")


def test_errors_of_the_administrator(shop: Shop) -> None:
    before, admin = shop.roles(), shop.server.admin_url_of()
    wrong = shop.server.url("master", "canary-wrong", "postgres")
    failed(shop.set(admin_url=wrong), "wrong_password", "the administrator's URL", "master")
    failed(shop.set(admin_url=admin.replace(str(shop.server.port), "1")), "unreachable", "the administrator's URL")
    failed(shop.set(admin_url="canary"), "bad_url", "the administrator's URL is not a PostgreSQL URL")
    failed(shop.set(owner="nobody"), "no_owner", "nobody")
    failed(shop.set(verifier=None), "missing_option", "state=present needs verifier")
    failed(shop.revoke(admin_url=shop.url(shop.first)), "own_login", shop.first)
    failed(shop.sessions(admin_url=shop.url(shop.second)), "wrong_password")
    with shop.connect(shop.first):
        failed(shop.revoke(known_addresses=["web1"]), "bad_address", "web1")
        failed(
            shop.sessions(admin_url=weak(shop, "CREATEROLE", "pg_signal_backend")), "missing_right", "GRANT pg_monitor"
        )
    failed(shop.set(admin_url=weak(shop, "")), "missing_right", "lacks CREATEROLE")
    failed(shop.revoke(admin_url=weak(shop, "CREATEROLE", "pg_monitor")), "missing_right", "GRANT pg_signal_backend")
    assert shop.sessions(login="nobody") == {"changed": False, "sessions": [], "login": "nobody"}
    assert shop.roles() == before


def test_what_is_asked_before_a_rotation(shop: Shop) -> None:
    """The answer is the one that setting or ending a login would give, and nothing is written."""
    before, admin = shop.roles(), shop.server.admin_url_of()
    allowed = {"changed": False, "login": shop.second}
    assert shop.check() == shop.check(check=True) == allowed
    failed(
        shop.check(admin_url=shop.server.url("master", "canary-wrong", "postgres")),
        "wrong_password",
        "the administrator's URL",
    )
    failed(shop.check(admin_url=admin.replace(str(shop.server.port), "1")), "unreachable", "the administrator's URL")
    failed(shop.check(owner="nobody"), "no_owner", "role nobody (owner) does not exist")
    failed(shop.check(like="nobody"), "no_like", "role nobody (like) does not exist")
    failed(shop.check(like=None), "missing_option", "state=checked needs like")
    failed(shop.check(admin_url=shop.url(shop.first)), "missing_right", "lacks CREATEROLE")
    failed(shop.check(admin_url=weak(shop, "")), "missing_right", "lacks CREATEROLE")
    failed(shop.check(admin_url=weak(shop, "CREATEROLE", "pg_monitor")), "missing_right", "GRANT pg_signal_backend")
    failed(shop.check(admin_url=weak(shop, "CREATEROLE", "pg_signal_backend")), "missing_right", "GRANT pg_monitor")
    boss = weak(shop, "CREATEROLE", "pg_monitor", "pg_signal_backend")
    assert shop.check(admin_url=boss) == allowed
    failed(shop.check(admin_url=boss, like=unquote(str(urlsplit(boss).username))), "own_login", "name another")
    assert shop.roles() == before
    shop.set()
    with shop.connect(shop.second):
        failed(shop.check(), "in_use", f"role {shop.second} is in use")
    failed(shop.check(journal=4), "overtaken", shop.second)
    assert shop.check() == allowed


def weak(shop: Shop, attributes: str, *groups: str) -> str:
    """The URL of an administrator that has only these rights."""
    name = f"weak{secrets.token_hex(4)}"
    shop.server.create_login(name, f"canary-{name}", name)
    shop.server.execute(f"ALTER ROLE {name} {attributes};" + "".join(f"GRANT {group} TO {name};" for group in groups))
    shop.server.let_administer(name, shop.owner, shop.first, shop.second)
    return shop.server.url(name, f"canary-{name}", name)


def test_an_administrator_without_admin_option(shop: Shop) -> None:
    shop.sql("REVOKE {o}, {b} FROM master")
    if int(shop.server.version.partition(".")[0]) < 16:
        assert shop.set()["changed"]
        return
    failed(shop.set(), "missing_right", f'GRANT "{shop.second}" TO "master" WITH ADMIN TRUE')
    shop.server.let_administer("master", shop.second)
    assert shop.set()["changed"]
    shop.sql("DROP ROLE {b}")
    failed(shop.set(), "missing_right", f'GRANT "{shop.owner}" TO "master" WITH ADMIN TRUE')


def test_a_right_that_only_the_server_knows_of(shop: Shop) -> None:
    shop.sql("ALTER ROLE {a} SET log_min_duration_statement TO 100")
    before = shop.roles()
    failed(
        shop.set(), "missing_right", f'ALTER ROLE "{shop.second}" SET "log_min_duration_statement"', "as a superuser"
    )
    assert shop.roles() == before
    shop.sql("ALTER ROLE {b} SET log_min_duration_statement TO 100")
    assert shop.set()["changed"]


def test_a_lock_is_not_waited_for_long(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = postgresql_connection.LIMITS.replace("lock_timeout = '5s'", "lock_timeout = '1s'")
    monkeypatch.setattr(postgresql_connection, "LIMITS", limits)
    with psycopg.connect(shop.server.admin_url_of()) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (postgresql_connection.LOCK,))
        failed(shop.set(), "busy", "waiting for other runs", "5 seconds")
    assert shop.set()["changed"]


def test_a_server_that_is_too_slow(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = postgresql_connection.LIMITS.replace("statement_timeout = '15s'", "statement_timeout = '300ms'")
    monkeypatch.setattr(postgresql_connection, "LIMITS", limits)
    before = shop.roles()
    with psycopg.connect(shop.server.admin_url_of()) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (postgresql_connection.LOCK,))
        failed(shop.set(), "slow", "15 seconds")
    assert shop.roles() == before


def test_a_session_that_does_not_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_states, "PATIENCE", 1.0)
    shop.set()
    with shop.connect(shop.first) as running:
        backend = running.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        try:
            failed(shop.revoke(), "sessions_stay", f"1 sessions of role {shop.first}", "pg_stat_activity")
            assert not shop.accepts(shop.first)
        finally:
            os.kill(backend, signal.SIGCONT)
        assert shop.revoke()["refused"]


def test_a_connection_that_breaks_off_leaves_nothing_half_done(shop: Shop) -> None:
    before, done = shop.roles(), threading.Event()

    def cut() -> None:
        with psycopg.connect(shop.server.admin_url(), autocommit=True) as boss:
            while not done.is_set():
                boss.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'master'")

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        answers = [shop.set() for _ in range(10)]
    finally:
        done.set()
        thread.join()
    broken = [answer for answer in answers if answer.get("failed")]
    assert broken
    for answer in broken:
        assert answer["reason"] in ("interrupted", "unreachable", "starting"), answer
    if len(broken) == len(answers):
        assert shop.roles() == before
    assert shop.set().get("failed") is None
    assert shop.accepts(shop.second)


def test_no_driver(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, name, None)
    failed(shop.test(), "no_driver", sys.executable, "install psycopg")
