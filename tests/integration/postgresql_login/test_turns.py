# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins alternate on a real server, by an administrator with the rights of an RDS master user."""

from __future__ import annotations

import secrets
import threading
from typing import Any

import psycopg
import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import DatabaseError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import login_states
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import main as postgresql_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.postgresql_scram import scram_verifier
from sandbox.postgres import Postgres
from sandbox.process import wait_until
from tests.integration.postgresql_login.shop import Shop, failed

DEFAULTS = {name: option.get("default") for name, option in postgresql_main.ARGUMENT_SPEC.items()}


@pytest.mark.usefixtures("driver")
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
        revoked = shop.revoke()
        assert (revoked["changed"], revoked["ended"], revoked["refused"]) == (True, 1, True), revoked
        with pytest.raises(psycopg.OperationalError):
            running.execute("SELECT 1")
    again = shop.revoke()
    assert (again["changed"], again["ended"], again["refused"]) == (False, 0, True)
    assert not shop.accepts(shop.first)
    assert (
        shop.sql("SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'public'") == shop.owner
    )


def test_turns_go_on_for_ever(shop: Shop) -> None:
    for journal in range(10, 30, 10):
        for new, old in ((shop.second, shop.first), (shop.first, shop.second)):
            shop.passwords[new] = f"canary-{secrets.token_hex(16)}"
            assert shop.set(new, journal=journal).get("changed")
            assert shop.test(new)["usable"]
            assert shop.revoke(old, journal=journal + 1).get("refused")
            assert (shop.accepts(new), shop.accepts(old)) == (True, False)
            journal += 2


def test_no_password_reaches_the_servers_log(shop: Shop) -> None:
    shop.set()
    shop.test()
    shop.test(login_url=shop.url(shop.second, "canary-wrong"))
    shop.sql("ALTER ROLE {b} CONNECTION LIMIT 0")
    shop.test()
    shop.revoke()
    shop.sql("ALTER ROLE {b} CONNECTION LIMIT -1")
    log = shop.server.log.read_text()
    assert f'ALTER ROLE "{shop.second}" LOGIN PASSWORD' in log
    assert "canary" not in log
    assert not [password for password in shop.passwords.values() if password in log]


def test_the_spare_becomes_like_the_one_in_use(shop: Shop) -> None:
    shop.sql(
        'ALTER ROLE {a} SET search_path TO "$user", "Odd, name", public; ALTER ROLE {a} SET work_mem TO \'5MB\';'
        "ALTER ROLE {a} IN DATABASE {o} SET statement_timeout TO '7s'; ALTER ROLE {a} CONNECTION LIMIT 11;"
        "ALTER ROLE {b} SET geqo TO off; ALTER ROLE {b} VALID UNTIL '2001-01-01'; CREATE ROLE {o}_readers;"
        "GRANT {o}_readers TO {a};"
    )
    shop.server.let_administer("master", f"{shop.owner}_readers")
    answer = shop.set()
    assert answer.get("changed"), answer
    assert shop.test()["usable"]
    settings = (
        "SELECT setdatabase, unnest(setconfig) FROM pg_db_role_setting WHERE setrole = '{%s}'::regrole ORDER BY 1, 2"
    )
    assert shop.sql(settings % "b") == shop.sql(settings % "a") != ""
    assert (
        shop.sql("SELECT rolconnlimit, pg_has_role(oid, '{o}_readers', 'MEMBER') FROM pg_roles WHERE rolname = '{b}'")
        == "11|t"
    )
    with shop.connect(shop.second) as connection:
        assert connection.execute("SHOW search_path").fetchone() == ('"$user", "Odd, name", public',)


def test_a_missing_spare_is_made(shop: Shop) -> None:
    shop.sql("DROP ROLE {b}")
    assert shop.set()["statements"][0] == f'CREATE ROLE "{shop.second}" NOLOGIN'
    assert shop.test()["usable"]


def test_an_overtaken_run_changes_nothing(shop: Shop) -> None:
    shop.revoke(shop.second, journal=9)
    before = shop.roles()
    failed(shop.set(journal=8), "overtaken", "number 9", "this run read number 8")
    assert shop.set(journal=9)["changed"]
    shop.set(journal=12, login_url=shop.url(shop.second, "canary-other"), allow_sessions=True)
    assert shop.roles() != before
    before = shop.roles()
    failed(shop.revoke(shop.second, journal=11), "overtaken")
    assert shop.roles() == before


def test_a_late_set_of_a_login_that_an_abort_found_missing(shop: Shop) -> None:
    shop.sql("DROP ROLE {b}")
    assert shop.revoke(shop.second, journal=9)["refused"]
    failed(shop.set(journal=8), "overtaken")
    assert not shop.accepts(shop.second)


@pytest.mark.parametrize("database", ["the same", "another"])
def test_of_two_runs_at_once_the_later_number_wins(shop: Shop, database: str) -> None:
    """Also where their administrators' URLs name different databases, between which no advisory lock holds."""
    shop.server.execute(f"GRANT CONNECT ON DATABASE {shop.owner} TO master")
    urls = [shop.server.admin_url_of(), shop.server.admin_url_of(database=shop.owner)]
    for attempt in range(8):
        shop.passwords[shop.second] = f"canary-{secrets.token_hex(16)}"
        number, outcomes = 100 * (attempt + 1), {}
        args = shop.args(shop.second, verifier=scram_verifier(shop.passwords[shop.second], secrets.token_bytes(16)))

        def act(state: str, journal: int, url: str, args: dict[str, Any] = args, outcomes: Any = outcomes) -> None:
            params = {**DEFAULTS, **args, "state": state, "journal": journal, "admin_url": url}
            try:
                outcomes[state] = login_states.carry_out(params, check_mode=False)
            except DatabaseError as error:
                outcomes[state] = error.reason

        both = [
            threading.Thread(target=act, args=("present", number + 1, urls[0])),
            threading.Thread(target=act, args=("revoked", number + 2, urls[database == "another"])),
        ]
        for thread in both if attempt % 2 else reversed(both):
            thread.start()
        for thread in both:
            thread.join()
        assert outcomes["revoked"]["refused"], outcomes
        assert not shop.accepts(shop.second), outcomes
        assert f'"journal": {number + 2}' in shop.roles()


def test_a_change_by_hand_meanwhile_is_planned_anew(shop: Shop) -> None:
    with psycopg.connect(shop.server.admin_url_of()) as other:
        other.execute(f"ALTER ROLE {shop.second} CONNECTION LIMIT 5")
        timer = threading.Timer(0.3, other.commit)
        timer.start()
        answer = shop.set()
        timer.join()
    assert answer.get("changed"), answer
    assert "CONNECTION LIMIT -1" in "".join(answer["statements"])
    assert shop.sql("SELECT rolconnlimit FROM pg_roles WHERE rolname = '{b}'") == "-1"


def test_a_login_in_use_keeps_its_password(shop: Shop) -> None:
    old = shop.passwords[shop.first]
    with shop.connect(shop.first, application_name="gunicorn"):
        shop.passwords[shop.first] = "canary-of-a-mistake"
        failed(shop.set(shop.first), "in_use", "127.0.0.1 (1 of gunicorn)")
        assert shop.server.accepts(shop.first, old, shop.owner)
        assert shop.set(shop.first, allow_sessions=True)["changed"]
    assert shop.accepts(shop.first)


def test_sessions_from_elsewhere_stop_a_revoke(shop: Shop) -> None:
    shop.set()
    before = shop.roles()
    with shop.connect(shop.first, application_name="report"), shop.connect(shop.first, application_name=""):
        listed = shop.sessions(known_addresses=["10.0.0.0/8"])
        row = {"address": "127.0.0.1", "count": 1, "known": False}
        assert listed["sessions"] == [{**row, "application_name": name} for name in ("", "report")]
        assert not listed["changed"]
        answer = shop.revoke(known_addresses=["10.0.0.0/8"])
        failed(answer, "unknown_sessions", "127.0.0.1 (1 of report)", "an unnamed program")
        assert "add their addresses (-e rotation_known_addresses=127.0.0.1), or add -e rotation_allow" in answer["msg"]
        assert answer["sessions"] == listed["sessions"]
        assert shop.roles() == before
        assert shop.accepts(shop.first)
        planned = shop.revoke(known_addresses=[], allow_sessions=True, check=True)
        assert (planned["changed"], len(planned["statements"]), len(planned["sessions"])) == (True, 2, 2)
        assert shop.revoke(known_addresses=[], allow_sessions=True)["ended"] == 2
    assert shop.sessions()["sessions"] == []


def test_programs_that_keep_coming_back_are_out(shop: Shop) -> None:
    shop.set()
    done, tried = threading.Event(), [0, 0]

    def hammer() -> None:
        while not done.is_set():
            try:
                with psycopg.connect(shop.url(shop.first), autocommit=True) as connection:
                    tried[0] += 1
                    connection.execute("SELECT pg_sleep(0.01)")
            except psycopg.Error:
                tried[1] += 1

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        assert wait_until(lambda: tried[0] > 0, seconds=60)
        answer = shop.revoke()
        assert answer.get("refused"), answer
        assert shop.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = '{a}'") == "0"
        rejected = tried[1]
        assert wait_until(lambda: tried[1] > rejected + 8, seconds=60)
        accepted = tried[0]
        assert wait_until(lambda: tried[1] > rejected + 16, seconds=60)
        assert tried[0] == accepted
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_a_revoke_without_proof_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.set()
    monkeypatch.setattr(login_states, "PATIENCE", 1.0)
    failed(shop.revoke(login_url=shop.url(shop.first).replace(str(shop.server.port), "1")), "not_verified", "reached")
    assert shop.revoke()["refused"]
    with Postgres(binaries=shop.server._programs) as other:
        other.create_login(shop.first, shop.passwords[shop.first], shop.owner)
        url = other.url(shop.first, shop.passwords[shop.first], shop.owner)
        failed(shop.revoke(login_url=url), "still_accepted", "another server than the administrator's URL")
    assert shop.revoke()["refused"]


def test_check_mode_writes_nothing(shop: Shop) -> None:
    before = shop.roles()
    planned = shop.set(check=True)
    assert planned["changed"]
    assert "LOGIN PASSWORD '…'" in planned["diff"]["after"]
    assert shop.revoke(check=True)["changed"]
    assert shop.call(state="unprepared", check=True, **shop.args(shop.first)).get("failed")
    assert shop.roles() == before


def test_a_password_outside_ascii(shop: Shop) -> None:
    shop.passwords[shop.second] = "p\u00e4\u00a0\u2168\u017f\u00ad"
    assert shop.set()["changed"]
    assert shop.test()["usable"]
    assert shop.accepts(shop.second)
