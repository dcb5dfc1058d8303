# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who logs in as what, on the twins in memory; what a module on the host gets, and what comes back."""

from __future__ import annotations

import importlib.util
import json
import shlex
import subprocess
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import (
    Parties,
    ServerAction,
    administrator,
    beforehand,
    outside,
    parties,
    present_login,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, CORE, KINDS, NOW, OLD_URL, World

ADMIN = "admin-test"
DOCUMENT: dict[str, Any] = {
    **CATALOG,
    "settings": {**CATALOG["settings"], "CACHE_URL": {"parameter": "CACHE_URL", "type": "url"}},
    "credentials": {
        "admin": {
            "kind": "given",
            "server": {"address": "db", "aliases": ["moved"]},
            "appears_in": [{"secret": "admin-{environment}", "keys": ["username", "password"]}],
        },
        "cache_admin": {
            "kind": "login",
            "server": {"address": "cache", "aliases": ["cache:6380"], "tls": {"mode": "disable", "reason": "a test"}},
            "appears_in": [{"secret": "admin-{environment}", "key": "cache"}],
        },
        "database": {"kind": "login", "admin": "admin", "appears_in": [{"setting": "URL"}]},
        "cache": {"kind": "login", "admin": "cache_admin", "appears_in": [{"setting": "CACHE_URL"}]},
        "own": {
            "kind": "login",
            "admin": "own",
            "server": {"address": "cache"},
            "appears_in": [{"setting": "NOTE"}],
        },
        "homeless": {"kind": "login", "admin": "admin", "appears_in": [{"setting": "KEY"}]},
    },
}
PARSED = catalog_parser.parse(DOCUMENT, "test")
ADMIN_URL = (
    "postgresql://root:admin-canary@db:5432/postgres?sslmode=verify-full&sslrootcert=system&gssencmode=disable"
    "&require_auth=scram-sha-256"
)
ADMIN_KEYS = {"username": "root", "password": "admin-canary", "cache": "rediss://boss:cache-canary@cache:6380"}


@pytest.fixture
def world() -> World:
    made = World(catalog=PARSED)
    made.secrets.seed(ADMIN, json.dumps(ADMIN_KEYS))
    made.parameters.seed("/app/test/CACHE_URL", "redis://:old-cache@cache/0")
    return made


def setting(world: World, rotator: Any = None) -> RotationSetup:
    return RotationSetup(world.catalog, KINDS, rotator or world.rotator(), SimpleNamespace())  # type: ignore[arg-type]


def found(world: World, rotator: Any, name: str = "database", **more: Any) -> Parties:
    return parties(setting(world, rotator), name, "postgresql", **more)


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
        with pytest.raises(RotationError, match="has made no new value yet, so nothing is to be removed"):
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

    @pytest.mark.parametrize("declared", ["before", "meanwhile"])
    def test_a_leak(self, world: World, declared: str) -> None:
        """Also one that is declared while an ordinary rotation is open, which is finished or aborted first."""
        rotator = world.begun("database", leak="leak-1" if declared == "before" else "")
        assert found(world, rotator).leak is (declared == "before")
        incident = {"id": "leak-1", "at": NOW, "who": "x", "declared": ["database"]}
        rotator.append(rotator.look(), "r1", "create", incident=incident)
        one = found(world, rotator)
        assert (one.leak, one.late) == (True, False)


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
            RotationError, match=r"^cache: secret admin-test key cache leads to thief:6380, and "
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
        rotator.advance("revoke")
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
            RotationError, match=r"^database: no address is declared .* Add to credentials\.admin: server: "
        ):
            administrator(setting(world), "database", "postgresql")
        with pytest.raises(RotationError, match=r"^own: nothing says who may change it; name its administrator in "):
            administrator(setting(world), "own", "valkey")


class TestElsewhere:
    """Whoever may write one parameter cannot get a password sent to his own server."""

    WORDS = r"^database: URL .* leads to thief:5432, and credentials\.admin\.server declares db:5432, moved:5432\."

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
        with pytest.raises(RotationError, match=r"^database: URL .* leads to db:5432, and .* declares other:5432\."):
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
            ("nobody", "^nobody: is no credential of the catalog"),
            ("homeless", "^homeless: its server's address is unknown"),
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

MODULE = """
from __future__ import annotations
from ansible.module_utils.basic import AnsibleModule
ARGUMENT_SPEC = {
    "credential": {"type": "str"},
    "state": {"type": "str", "default": "present"},
    "login_url": {"type": "str", "no_log": True},
}
RETURNS = {"got": {"credential": str, "state": str, "login_url": str}, "words": [str]}
def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    if module.params["state"] == "revoked":
        module.fail_json(msg="no login with " + module.params["login_url"])
    module.exit_json(changed=True, got=module.params, words=["saw " + module.params["login_url"]])
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path = tmp_path_factory.mktemp("module") / "echo_login.py"
    path.write_text(MODULE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("echo_login", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


class Echo(ServerAction):
    name = "watchparty.secrets.echo_login"
    set_here = ("login_url",)
    error: Exception | None = None
    sent: list[tuple[str, bytes]]

    def params(self, setting: RotationSetup, args: Any, masked: list[str]) -> dict[str, Any] | None:
        one = parties(setting, args["credential"], "postgresql")
        masked += one.values
        if self.error:
            raise self.error
        return None if one.nothing else {"login_url": one.admin_url}

    def _low_level_execute_command(self, command: str, *, sudoable: bool = True, in_data: bytes) -> dict[str, Any]:  # type: ignore[override]
        self.sent.append((command, in_data))
        done = subprocess.run(shlex.split(command), input=in_data, capture_output=True, check=False)
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}


@pytest.fixture
def run(world: World, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the action in the rotation of ``rotator``, on this machine."""

    def start(rotator: Any, *, pipelining: bool = True, error: Exception | None = None, **args: Any) -> Any:
        monkeypatch.setattr(rotation_context, "prepared", lambda _name, _args: setting(world, rotator))
        monkeypatch.setattr(Echo, "module", module)
        monkeypatch.setattr(Echo, "error", error)
        connection = connection_loader.get("local", PlayContext(), "/dev/null")
        connection.set_options(var_options={"ansible_pipelining": pipelining})
        given = {"catalog": {}, "environment": "test", "credential": "database", "python": sys.executable, **args}
        given = {name: one for name, one in given.items() if one is not None}
        task: Any = SimpleNamespace(
            become=False, args=given, async_val=0, check_mode=False, diff=False, action="echo", delegate_to=None
        )
        templar = SimpleNamespace(template=lambda text: text)
        action = Echo(task, connection, PlayContext(), None, templar, None)
        action.sent = []
        return action.run(task_vars={"inventory_hostname": "web1"}), action.sent

    return start


class TestServerAction:
    def test_values_go_over_standard_input_alone_and_come_back_masked(self, world: World, run: Any) -> None:
        answer, sent = run(world.begun("database"))
        [(command, document)] = sent
        assert "admin-canary" not in command
        assert b"admin-canary" in document
        assert answer["changed"]
        assert answer["words"] == [f"saw {ADMIN_URL.replace('admin-canary', '********')}"]
        assert "admin-canary" not in json.dumps(answer)
        assert (answer["got"]["credential"], answer["got"]["state"]) == ("database", "present")

    def test_what_the_user_gives_reaches_the_module(self, world: World, run: Any) -> None:
        answer, _sent = run(world.begun("database"), state="revoked")
        assert answer["failed"]
        assert answer["msg"] == f"no login with {ADMIN_URL.replace('admin-canary', '********')}"

    def test_options_of_its_own_are_refused(self, world: World, run: Any) -> None:
        with pytest.raises(AnsibleActionFail, match="sets login_url itself; give credential and state"):
            run(world.begun("database"), login_url="x")

    def test_a_credential_must_be_named(self, world: World, run: Any) -> None:
        with pytest.raises(AnsibleActionFail, match="credential"):
            run(world.begun("database"), credential=None)

    def test_nothing_is_sent_where_it_would_touch_the_disk(self, world: World, run: Any) -> None:
        with pytest.raises(AnsibleActionFail, match=r"^Nothing was sent: pipelining is off"):
            run(world.begun("database"), pipelining=False)

    def test_nothing_to_remove(self, world: World, run: Any) -> None:
        rotator = world.begun("database")
        rotator.advance("withdraw")
        answer, sent = run(rotator, state="revoked")
        assert (answer["skipped"], answer["changed"], sent) == (True, False, [])

    @pytest.mark.parametrize("error", [NotFound("x admin-canary y"), AnsibleActionFail("x admin-canary y")])
    def test_an_error_is_a_failure_without_a_value(self, world: World, run: Any, error: Exception) -> None:
        answer, sent = run(world.begun("database"), error=error)
        assert (answer["failed"], answer["msg"], answer["error_type"]) == (True, "x ******** y", type(error).__name__)
        assert sent == []

    def test_a_host_that_is_lost_is_a_failure_with_a_remedy(self, world: World, run: Any) -> None:
        answer, sent = run(world.begun("database"), error=AnsibleConnectionFailure("no\x1b route"))
        assert (answer["failed"], answer["not_reached"], sent) == (True, True, [])
        assert answer["msg"] == "web1 cannot be reached; choose another by -e rotation_host=…"
        assert answer["detail"] == "no route"

    def test_another_runs_rotation(self, world: World, run: Any) -> None:
        world.begun("database")
        world.taken_over()
        answer, sent = run(world.rotator("run1"))
        assert (answer["failed"], answer["error_type"], sent) == (True, "Overtaken", [])

    def test_a_run_that_was_overtaken_since_its_last_entry_has_an_older_number(self, world: World, run: Any) -> None:
        """It does not look before each act: the server knows the newer number, and refuses."""
        first = world.begun("database")
        second = world.taken_over()
        assert found(world, first).number < found(world, second).number

    def test_the_base_knows_no_values(self, world: World) -> None:
        with pytest.raises(NotImplementedError):
            ServerAction.params(object(), setting(world), {}, [])  # type: ignore[arg-type]
