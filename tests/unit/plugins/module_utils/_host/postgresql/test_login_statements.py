# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import DatabaseError, with_record
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import (
    login_statements,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.login_statements import (
    Admin,
    Membership,
    Role,
    ServerFacts,
    Statement,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.postgresql_scram import scram_verifier

VERIFIER = scram_verifier("new", bytes(16))
OWNER = Role("shop", 1, can_login=False)
MEMBER: dict[str, Any] = {"settings": {("", "role"): "shop"}, "member_of": {"shop": Membership()}}
IN_USE = Role("shop_a", 2, can_login=True, **MEMBER)
SPARE = Role("shop_b", 3, can_login=False, **MEMBER)
COMMENT = """COMMENT ON ROLE "shop_b" IS '{"watchparty.secrets": {"journal": 5}}'"""


def facts(*roles: Role, version: int = 150000, **admin: Any) -> ServerFacts:
    return ServerFacts(Admin("master", version, **admin), {role.name: role for role in roles})


def shown(plan: list[Statement]) -> list[str]:
    assert all("SCRAM" not in statement.shown for statement in plan)
    assert [statement.records for statement in plan[:-1]] == [False] * (len(plan) - 1)
    return [statement.shown for statement in plan]


def present(seen: ServerFacts, **extra: Any) -> list[Statement]:
    result = {"login": "shop_b", "owner": "shop", "verifier": VERIFIER, "journal": 5, "like": "shop_a", **extra}
    return login_statements.plan_present(seen, **result)


def refused(reason: str, act: Any, *args: Any, **result: Any) -> str:
    with pytest.raises(DatabaseError) as caught:
        act(*args, **result)
    assert caught.value.reason == reason
    return str(caught.value)


def test_a_spare_login_gets_a_password_and_no_more() -> None:
    plan = present(facts(OWNER, IN_USE, SPARE))
    assert shown(plan) == ["ALTER ROLE \"shop_b\" LOGIN PASSWORD '…'", COMMENT]
    assert plan[0].text == f"ALTER ROLE \"shop_b\" LOGIN PASSWORD '{VERIFIER}'"
    assert plan[1].records


def test_a_missing_login_is_made() -> None:
    assert shown(present(facts(OWNER, IN_USE)))[:3] == [
        'CREATE ROLE "shop_b" NOLOGIN',
        'GRANT "shop" TO "shop_b"',
        'ALTER ROLE "shop_b" SET "role" TO \'shop\'',
    ]
    newer = shown(present(facts(OWNER, IN_USE, version=160000)))
    assert newer[1] == 'GRANT "shop" TO "shop_b" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE'


def test_it_becomes_like_the_other_one() -> None:
    other = IN_USE._replace(
        connection_limit=20,
        settings={
            ("", "role"): "shop",
            ("", "search_path"): '"$user", app',
            ("", "statement_timeout"): "5s",
            ("shop", "my.setting"): "it's",
        },
        member_of={"shop": Membership(), "readers": Membership(admin=True), "writers": Membership(inherit=False)},
    )
    spare = SPARE._replace(
        inherits=False,
        expires=True,
        settings={("", "role"): "shop", ("", "statement_timeout"): "9s", ("shop", "geqo"): "off"},
        member_of={"shop": Membership(admin=True), "readers": Membership()},
    )
    assert shown(present(facts(OWNER, other, spare, version=170000)))[:-1] == [
        'GRANT "readers" TO "shop_b" WITH ADMIN TRUE, INHERIT TRUE, SET TRUE',
        'GRANT "writers" TO "shop_b" WITH ADMIN FALSE, INHERIT FALSE, SET TRUE',
        "ALTER ROLE \"shop_b\" SET \"search_path\" TO '$user', 'app'",
        'ALTER ROLE "shop_b" SET "statement_timeout" TO \'5s\'',
        'ALTER ROLE "shop_b" IN DATABASE "shop" SET "my"."setting" TO \'…\'',
        'ALTER ROLE "shop_b" IN DATABASE "shop" RESET "geqo"',
        "ALTER ROLE \"shop_b\" LOGIN INHERIT CONNECTION LIMIT 20 VALID UNTIL 'infinity' PASSWORD '…'",
    ]
    older = shown(present(facts(OWNER, other, spare)))
    assert older[:1] == ['GRANT "readers" TO "shop_b" WITH ADMIN OPTION']


def test_without_a_model_its_own_settings_stay() -> None:
    spare = SPARE._replace(settings={("", "role"): "other", ("", "geqo"): "off"}, connection_limit=3)
    assert shown(present(facts(OWNER, spare), like=None))[:-1] == [
        'ALTER ROLE "shop_b" SET "role" TO \'shop\'',
        "ALTER ROLE \"shop_b\" LOGIN PASSWORD '…'",
    ]


def test_the_owner_itself_can_be_the_model() -> None:
    owner = OWNER._replace(can_login=True, settings={("", "geqo"): "off"}, member_of={"readers": Membership()})
    assert shown(present(facts(owner), like="shop"))[1:-2] == [
        'GRANT "shop" TO "shop_b"',
        'ALTER ROLE "shop_b" SET "geqo" TO \'off\'',
        'ALTER ROLE "shop_b" SET "role" TO \'shop\'',
    ]


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1), max_size=4))
def test_lists_are_split_as_the_server_joins_them(names: list[str]) -> None:
    """The server puts in quotes whatever is not a plain lower-case name."""
    plain = [name.isascii() and name.isidentifier() and name.islower() for name in names]
    stored = ", ".join(
        name if simple else '"{}"'.format(name.replace('"', '""')) for name, simple in zip(names, plain, strict=True)
    )
    assert login_statements._names(stored) == names


def test_a_list_with_an_open_quote_is_refused() -> None:
    other = IN_USE._replace(settings={("", "search_path"): '"a'})
    assert "open quote" in refused("bad_setting", present, facts(OWNER, other, SPARE))
    other = IN_USE._replace(settings={("", "role"): "shop", ("", "search_path"): ""})
    assert 'ALTER ROLE "shop_b" SET "search_path" TO \'\'' in shown(present(facts(OWNER, other, SPARE)))


def test_what_present_refuses() -> None:
    seen = facts(OWNER, IN_USE, SPARE)
    assert "both shop" in refused("login_is_owner", present, seen, login="shop")
    assert "not a SCRAM" in refused("bad_verifier", present, seen, verifier="plain' text")
    assert "plain" not in refused("bad_verifier", present, seen, verifier="plain' text")
    assert "shop (owner)" in refused("no_owner", present, facts(IN_USE, SPARE))
    assert "shop_a (like)" in refused("no_like", present, facts(OWNER, SPARE))
    newer = SPARE._replace(comment=with_record("Spare", 6))
    assert "6" in refused("overtaken", present, facts(OWNER, IN_USE, newer))


def test_the_layout_needs_no_password_and_refuses_the_same() -> None:
    def layout(seen: ServerFacts, **extra: Any) -> list[Statement]:
        return login_statements.plan_layout(
            seen, **{"login": "shop_b", "owner": "shop", "journal": 5, "like": "shop_a", **extra}
        )

    assert shown(layout(facts(OWNER, IN_USE))) == shown(present(facts(OWNER, IN_USE)))[:-2]
    refused("login_is_owner", layout, facts(OWNER, IN_USE), login="shop")
    refused("no_owner", layout, facts(IN_USE, SPARE))
    refused("no_like", layout, facts(OWNER, SPARE))
    refused("overtaken", layout, facts(OWNER, IN_USE, SPARE._replace(comment=with_record(None, 6))))
    refused("missing_right", layout, facts(OWNER, IN_USE, creates_roles=False))


def test_what_the_administrator_lacks_is_named() -> None:
    weak = facts(OWNER, IN_USE, SPARE, creates_roles=False)
    assert 'ALTER ROLE "master" CREATEROLE' in refused("missing_right", present, weak)
    boss = SPARE._replace(superuser=True)
    assert "shop_b is a superuser" in refused("missing_right", present, facts(OWNER, IN_USE, boss))
    foreign = SPARE._replace(administered=False)
    present(facts(OWNER, IN_USE, foreign))
    message = refused("missing_right", present, facts(OWNER, IN_USE, foreign, version=160000))
    assert 'GRANT "shop_b" TO "master" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE' in message
    theirs = OWNER._replace(administered=False)
    present(facts(theirs, IN_USE, SPARE, version=160000))
    message = refused("missing_right", present, facts(theirs, IN_USE, version=160000))
    assert 'GRANT "shop" TO "master" WITH ADMIN TRUE' in message
    present(facts(theirs, IN_USE, foreign, version=160000, superuser=True, creates_roles=False))


def test_a_login_is_ended_once() -> None:
    plan = login_statements.plan_revoked(facts(IN_USE), login="shop_a", journal=5)
    assert shown(plan) == ['ALTER ROLE "shop_a" NOLOGIN PASSWORD NULL', COMMENT.replace("shop_b", "shop_a")]
    ended = IN_USE._replace(can_login=False, comment=with_record(None, 5))
    assert login_statements.plan_revoked(facts(ended), login="shop_a", journal=5) == []
    assert len(login_statements.plan_revoked(facts(ended), login="shop_a", journal=6)) == 2
    refused("overtaken", login_statements.plan_revoked, facts(ended), login="shop_a", journal=4)
    refused(
        "missing_right", login_statements.plan_revoked, facts(IN_USE, creates_roles=False), login="shop_a", journal=5
    )


def test_a_missing_login_is_kept_from_a_late_set() -> None:
    plan = login_statements.plan_revoked(facts(), login="shop_b", journal=5)
    assert shown(plan) == ['CREATE ROLE "shop_b" NOLOGIN', COMMENT]
    refused("missing_right", login_statements.plan_revoked, facts(creates_roles=False), login="shop_b", journal=5)


def test_preparing() -> None:
    owner = OWNER._replace(can_login=True, connection_limit=9, settings={("", "geqo"): "off"})
    plan = login_statements.plan_prepared(facts(owner), owner="shop")
    assert shown(plan)[:5] == [
        'CREATE ROLE "shop_a" NOLOGIN',
        'GRANT "shop" TO "shop_a"',
        'ALTER ROLE "shop_a" SET "geqo" TO \'off\'',
        'ALTER ROLE "shop_a" SET "role" TO \'shop\'',
        'ALTER ROLE "shop_a" CONNECTION LIMIT 9',
    ]
    assert len(plan) == 10
    done = owner._replace(connection_limit=-1, settings={})
    assert login_statements.plan_prepared(facts(done, IN_USE, SPARE), owner="shop") == []
    refused("no_owner", login_statements.plan_prepared, facts(), owner="shop")
    refused("superuser", login_statements.plan_prepared, facts(OWNER._replace(superuser=True)), owner="shop")
    unknown = Role("shop_a", 7, can_login=True)
    assert "shop_a can log in and is not a member of shop" in refused(
        "name_taken", login_statements.plan_prepared, facts(owner, unknown), owner="shop"
    )
    theirs = owner._replace(administered=False)
    refused("missing_right", login_statements.plan_prepared, facts(theirs, version=160000), owner="shop")


def test_unpreparing() -> None:
    def plan(*roles: Role, **extra: Any) -> list[Statement]:
        return login_statements.plan_unprepared(facts(*roles), **{"owner": "shop", "journal": 5, "in_use": {}, **extra})

    owner, idle = OWNER._replace(can_login=True), IN_USE._replace(can_login=False)
    assert shown(plan(owner, idle, SPARE)) == ['DROP ROLE "shop_a"', 'DROP ROLE "shop_b"']
    assert shown(plan(owner, SPARE)) == ['DROP ROLE "shop_b"']
    assert plan(owner) == []
    assert "can log in" in refused("in_use", plan, owner, IN_USE)
    assert "2 sessions" in refused("in_use", plan, owner, SPARE, in_use={"shop_b": 2})
    assert "no login would remain" in refused("in_use", plan, OWNER, SPARE)
    used = SPARE._replace(comment=with_record(None, 6))
    refused("overtaken", plan, owner, used)
    assert shown(plan(owner, used, journal=0)) == ['DROP ROLE "shop_b"']
    refused("no_owner", plan)


def test_of_a_leaked_login_no_setting_is_copied() -> None:
    """The other one keeps those of its last turn, and the leaked one gets them too."""
    role = ("", "role")
    own = SPARE._replace(settings={role: "shop", ("", "timezone"): "UTC"})
    leaked = IN_USE._replace(settings={role: "shop", ("", "search_path"): "evil", ("shop", "lock_timeout"): "1"})
    seen = facts(OWNER, leaked, own)
    assert shown(present(seen, leaked=True)) == ["ALTER ROLE \"shop_b\" LOGIN PASSWORD '…'", COMMENT]
    names = login_statements.not_copied(seen, login="shop_b", like="shop_a")
    assert names == ["lock_timeout in database shop", "search_path"]
    plan = login_statements.plan_revoked(seen, login="shop_a", journal=5, successor="shop_b")
    assert shown(plan)[1:-1] == [
        'ALTER ROLE "shop_a" SET "timezone" TO \'UTC\'',
        'ALTER ROLE "shop_a" RESET "search_path"',
        'ALTER ROLE "shop_a" IN DATABASE "shop" RESET "lock_timeout"',
    ]
