# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who logs in as what on a server, on the twins in memory."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import (
    administrator,
    beforehand,
    outside,
    present_login,
)
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CORE, NOW, OLD_URL, World
from tests.unit.plugins.plugin_utils._rotation.server_world import (
    ADMIN,
    ADMIN_KEYS,
    ADMIN_URL,
    PARSED,
    administered,
    found,
    setting,
)


@pytest.fixture
def world() -> World:
    return administered()


class TestParties:
    def test_before_a_new_value_is_made(self, world: World) -> None:
        one = found(world, world.begun("database"))
        assert (one.old, one.new, one.admin) == (Login("app_a", "old"), None, Login("root", "admin-canary"))
        assert (one.url, one.admin_url) == (OLD_URL, ADMIN_URL)
        assert (one.number, one.rotation, one.aborting, one.nothing) == (1, "r1", False, False)
        assert one.removed == one.old

    def test_once_it_is_made(self, world: World) -> None:
        rotator = world.begun("database")
        password = world.created(rotator).credentials["database"].password
        one = found(world, rotator)
        assert one.new == Login("app_b", password)
        assert one.of(one.new) == f"postgres://app_b:{password}@db/app"
        assert one.removed == one.old
        assert set(one.values) == {password, "admin-canary"}, "what is shorter would blot out other words"

    def test_no_value_is_shown(self, world: World) -> None:
        rotator = world.begun("database")
        world.created(rotator)
        one = found(world, rotator)
        assert not any(value in repr(one) for value in (*one.values, OLD_URL))

    def test_on_the_way_back_the_new_one_goes(self, world: World) -> None:
        rotator = world.begun("database")
        world.created(rotator)
        rotator.advance("abort", reason="why")
        one = found(world, rotator)
        assert (one.aborting, one.nothing, one.removed) == (True, False, one.new)

    def test_on_the_way_back_before_a_new_one_was_made(self, world: World) -> None:
        rotator = world.begun("database")
        rotator.advance("withdraw")
        one = found(world, rotator)
        assert one.nothing
        with pytest.raises(RotationError, match="has made no new value yet, so there is no value to remove"):
            _ = one.removed

    def test_what_was_planned_from_counts_whatever_is_current(self, world: World) -> None:
        rotator = world.begun("database")
        world.created(rotator)
        rotator.advance("promote")
        rotator.promote()
        assert found(world, rotator).old == Login("app_a", "old")

    def test_notes_of_earlier_acts(self, world: World) -> None:
        rotator = world.begun("database")
        rotator.advance("set", notes={"database": {"last": 7}, "other": {"last": 8}})
        assert found(world, rotator).notes == {"last": 7}

    def test_one_that_is_not_in_the_rotation(self, world: World) -> None:
        with pytest.raises(RotationError, match=r"^cache is not in rotation r1 of .*; it has database$"):
            found(world, world.begun("database"), "cache")

    def test_a_late_revocation(self, world: World) -> None:
        """The old value is what the versions of the pending task hold, the new one what the stores hold now."""
        former = world.first[CORE]
        world.write("URL", "postgres://app_b:now@moved/app")
        world.write("url", "postgres://app_b:now@moved/app", "copy-test")
        due = {"credential": "database", "act": "revoke", "due": NOW, "rotation": "r0"}
        versions = {CORE: former, "copy-test": world.first["copy-test"]}
        late = world.rotator("run0")
        by = {"at": NOW, "who": "x", "rotation": "r0"}
        late.append(
            late.look(),
            "r0",
            "closed",
            rotated=dict.fromkeys(PARSED.credentials, by),
            pending_tasks={"r0/database": {**due, "secrets": versions, "notes": {"a:1": "run/7"}}},
        )
        one = found(world, world.begun(force=False))
        assert (one.old, one.new) == (Login("app_a", "old"), Login("app_b", "now"))
        assert one.url == "postgres://app_b:now@moved/app", "where the application goes now"
        assert one.of(one.old) == "postgres://app_a:old@moved/app"
        assert (one.late, one.notes) == (True, {"a:1": "run/7"})
        assert not one.leak

    @pytest.mark.parametrize("leak", ["leak-1", ""])
    def test_a_leak(self, world: World, leak: str) -> None:
        """An open incident may be another credential's: only the rotation tells whether it answers one."""
        rotator = world.begun("database", leak=leak)
        incident = {"id": "leak-1", "at": NOW, "who": "x", "declared": ["cache"]}
        rotator.append(rotator.look(), "r1", "create", incident=incident)
        one = found(world, rotator)
        assert (one.leak, one.late) == (bool(leak), False)


class TestBeforehand:
    def test_who_would_take_turns(self, world: World) -> None:
        one = beforehand(setting(world), "database", "postgresql")
        assert (one.old, one.admin) == (Login("app_a", "old"), Login("root", "admin-canary"))
        assert (one.url, one.admin_url, one.leak) == (OLD_URL, ADMIN_URL, False)
        assert (one.number, one.aborting, bool(one.rotation)) == (0, False, True)
        assert one.new is not None
        assert (one.new.username, len(str(one.new.password))) == ("app_b", 64)
        assert one.new != beforehand(setting(world), "database", "postgresql").new, "a password that nobody has"

    def test_nothing_is_written(self, world: World) -> None:
        before = (dict(world.labels()), dict(world.parameters._parameters))
        beforehand(setting(world), "cache", "valkey")
        assert (dict(world.labels()), dict(world.parameters._parameters)) == before

    def test_only_what_is_planned_for_a_leak_answers_it(self, world: World) -> None:
        journal = world.rotator("run0")
        incident = {"id": "leak-1", "at": NOW, "who": "x", "declared": ["cache"]}
        journal.append(journal.look(), "r0", "closed", incident=incident)
        assert not beforehand(setting(world), "database", "postgresql").leak
        assert beforehand(replace(setting(world), plans_leak=True), "database", "postgresql").leak

    def test_its_journal_number_is_the_newest(self, world: World) -> None:
        rotator = world.begun("database")
        assert beforehand(setting(world), "database", "postgresql").number == rotator.look().head

    def test_of_a_kind_that_is_not_known(self, world: World) -> None:
        made = replace(setting(world), kinds={})
        one = beforehand(made, "database", "postgresql").new
        assert one is not None
        assert one.username == "app_a"


class TestAdministrator:
    def test_that_logs_in_where_the_catalog_says(self, world: World) -> None:
        assert administrator(setting(world), "database", "postgresql") == (Login("root", "admin-canary"), ADMIN_URL)

    def test_that_has_a_url_of_its_own(self, world: World) -> None:
        """Only the login is taken from it."""
        login, url = administrator(setting(world), "cache", "valkey")
        assert (login, url) == (Login("boss", "cache-canary"), "redis://boss:cache-canary@cache:6379/0")

    def test_whose_own_url_leads_elsewhere(self, world: World) -> None:
        world.secrets.seed(ADMIN, json.dumps({**ADMIN_KEYS, "cache": "rediss://boss:cache-canary@thief:6380"}))
        with pytest.raises(
            RotationError, match=r"^cache: secret admin-test key cache leads to thief:6380, but "
        ) as caught:
            administrator(setting(world), "cache", "valkey")
        assert "credentials.cache_admin.server declares cache:6379, cache:6380" in str(caught.value)
        assert "canary" not in str(caught.value)

    def test_that_is_the_credential_itself(self, world: World) -> None:
        """The URL is a store value, and sends even its own password nowhere else."""
        world.write("NOTE", "redis://:self@cache")
        found = (Login(None, "self"), "rediss://:self@cache:6379/0?ssl_cert_reqs=required&ssl_check_hostname=true")
        assert administrator(setting(world), "own", "valkey") == found
        world.write("NOTE", "redis://:self@h")
        with pytest.raises(RotationError, match=r"^own: NOTE .* leads to h:6379"):
            administrator(setting(world), "own", "valkey")

    def test_that_rotates_with_it(self, world: World) -> None:
        """Its old value may have been removed already, once anything is."""
        rotator = world.begun("database", "cache_admin")
        password = world.created(rotator).credentials["cache_admin"].password
        _journal, rotation = rotator.mine()
        assert administrator(setting(world, rotator), "cache", "valkey", rotation)[0].password == "cache-canary"
        for step in ("revoke_first", "revoke"):
            rotator.advance(step)
            _journal, rotation = rotator.mine()
            login, url = administrator(setting(world, rotator), "cache", "valkey", rotation)
            assert (login, url) == (Login("boss", password), f"redis://boss:{password}@cache:6379/0")
            login, _url = administrator(setting(world, rotator), "database", "postgresql", rotation)
            assert login == Login("root", "admin-canary"), "this one does not"

    @pytest.mark.parametrize("keys", [{"username": "root"}, {}])
    def test_that_cannot_be_read(self, world: World, keys: dict[str, str]) -> None:
        world.secrets.seed(ADMIN, json.dumps(keys))
        with pytest.raises(RotationError, match=r"^database: its administrator admin cannot be read: secret admin-"):
            administrator(setting(world), "database", "postgresql")

    def test_that_is_not_declared(self, world: World) -> None:
        credentials = {**world.catalog.credentials}
        credentials["admin"] = replace(credentials["admin"], server=None)
        credentials["own"] = replace(credentials["own"], admin=None)
        world.catalog = replace(world.catalog, credentials=credentials)
        with pytest.raises(
            RotationError,
            match=r"^database: its administrator admin has no declared address, .* Add to credentials\.admin: server: ",
        ):
            administrator(setting(world), "database", "postgresql")
        with pytest.raises(RotationError, match=r"^own: its administrator is not declared; name it in "):
            administrator(setting(world), "own", "valkey")


class TestElsewhere:
    """Whoever may write one parameter cannot get a password sent to his own server."""

    WORDS = r"^database: URL .* leads to thief:5432, but credentials\.admin\.server declares db:5432, moved:5432\."

    def test_before_and_outside_a_rotation(self, world: World) -> None:
        for secret, key in ((CORE, "URL"), ("copy-test", "url")):
            world.write(key, "postgres://app_a:old@thief/app", secret)
        for ask in (
            lambda: beforehand(setting(world), "database", "postgresql"),
            lambda: present_login(setting(world), "database"),
            lambda: outside(setting(world), "database", "postgresql", []),
        ):
            with pytest.raises(RotationError, match=self.WORDS) as caught:
                ask()
            assert "old" not in str(caught.value)

    def test_in_a_rotation(self, world: World) -> None:
        """What it was planned from was looked at; the catalog may say otherwise by now."""
        rotator = world.begun("database")
        admin = world.catalog.credentials["admin"]
        moved = replace(admin, server=replace(admin.server, address="other", aliases=()))
        world.catalog = replace(world.catalog, credentials={**world.catalog.credentials, "admin": moved})
        with pytest.raises(RotationError, match=r"^database: URL .* leads to db:5432, but .* declares other:5432\."):
            found(world, rotator)

    def test_a_plan_refuses_it(self, world: World) -> None:
        for secret, key in ((CORE, "URL"), ("copy-test", "url")):
            world.write(key, "postgres://app_a:old@thief/app", secret)
        with pytest.raises(AssertionError, match="leads to thief:5432"):
            world.begun("database")


class TestPresentLogin:
    def test_in_a_secret_or_a_parameter(self, world: World) -> None:
        assert present_login(setting(world), "database") == (Login("app_a", "old"), OLD_URL)
        assert present_login(setting(world), "cache") == (Login(None, "old-cache"), "redis://:old-cache@cache/0")

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("nobody", "^nobody: is not a credential of the catalog"),
            ("homeless", "^homeless: the address of its server is unknown"),
        ],
    )
    def test_that_is_not_to_be_had(self, world: World, name: str, words: str) -> None:
        with pytest.raises(RotationError, match=words):
            present_login(setting(world), name)

    def test_places_that_differ(self, world: World) -> None:
        world.write("URL", "postgres://app_a:other@db/app")
        with pytest.raises(RotationError, match=r"^database: URL .* hold different passwords"):
            present_login(setting(world), "database")


# The action: what reaches the host, and what comes back.
