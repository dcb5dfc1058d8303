# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From one login that owns everything to an owner and two logins, and back."""

from __future__ import annotations

from tests.integration.postgresql_login.shop import Shop, failed, prepare


def test_from_one_login_to_two(single: Shop) -> None:
    with single.connect(single.owner, application_name="gunicorn") as running:
        planned = prepare(single, check=True)
        assert planned["statements"][0] == f'CREATE ROLE "{single.first}" NOLOGIN'
        assert single.sql("SELECT count(*) FROM pg_roles WHERE rolname ~ '^{o}_'") == "0"
        assert prepare(single)["statements"] == planned["statements"]
        assert prepare(single) == {"changed": False, "statements": []}
        assert running.execute("SELECT count(*) FROM app.orders").fetchall() == [(0,)]
        assert not single.accepts(single.first)
        assert single.set(single.first, like=single.owner)["changed"]
        assert single.test(single.first)["usable"]
        with single.connect(single.first) as new:
            new.execute("ALTER TABLE orders ADD COLUMN note text; CREATE TABLE app.more ()")
        failed(prepare(single, "unprepared"), "in_use", "can log in")
        assert prepare(single)["changed"] is False
        ended = single.revoke(single.owner)
        assert (ended["ended"], ended["refused"]) == (1, True), ended
    assert (single.accepts(single.owner), single.accepts(single.first)) == (False, True)
    assert (
        single.sql("SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables WHERE schemaname = 'app'")
        == single.owner
    )
    assert single.sql("SELECT datdba::regrole FROM pg_database WHERE datname = '{o}'") == single.owner
    failed(prepare(single, "unprepared"), "in_use")
    assert single.set(like=single.first)["changed"]
    assert single.test()["usable"]
    assert single.revoke(single.first)["refused"]


def test_preparing_is_reversible(single: Shop) -> None:
    before = single.roles()
    prepare(single)
    assert prepare(single, "unprepared", check=True)["changed"]
    assert prepare(single, "unprepared")["statements"] == [
        f'DROP ROLE "{single.owner}{suffix}"' for suffix in ("_a", "_b")
    ]
    assert prepare(single, "unprepared") == {"changed": False, "statements": []}
    assert single.roles() == before
    prepare(single)
    single.sql("CREATE TABLE theirs (); ALTER TABLE theirs OWNER TO {a}")
    failed(prepare(single, "unprepared"), "owns_things", "DROP ROLE", "REASSIGN OWNED")


def test_what_the_administrator_lacks_for_preparing(single: Shop) -> None:
    before = single.roles()
    failed(prepare(single, owner="nobody"), "no_owner", "nobody")
    failed(prepare(single, owner="x" * 62), "bad_name", "63 bytes")
    failed(prepare(single, owner="postgres"), "superuser", "NOSUPERUSER")
    failed(prepare(single, admin_url=None), "missing_option", "admin_url")
    if int(single.server.version.partition(".")[0]) >= 16:
        single.sql("REVOKE {o} FROM master")
        failed(prepare(single), "missing_right", f'GRANT "{single.owner}" TO "master" WITH ADMIN TRUE')
    assert single.roles() == before
