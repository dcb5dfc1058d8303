# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions of a rotation share: through moto in this process, and on the twins in memory."""

from __future__ import annotations

import copy
import json
import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    JournalError,
    NotFound,
    RotationError,
    WrongAccount,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import kind_declarations
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import RotationAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import (
    DROP_FALLBACK,
    RENEW,
    REVOKE,
    ROTATE,
    Item,
    RotationPlan,
    pending_tasks,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, CORE, KINDS, NOW, TOKEN, World, opened

ALL = ("database", "django", "token")
KIND = "description: x\nvalue: generated\n"


class TestGenerate:
    @given(st.integers(1, 128))
    def test_a_value(self, length: int) -> None:
        text = rotation_context.generate(length)
        assert len(text) == length
        assert set(text) <= set(string.ascii_letters + string.digits + "-")
        assert text[0] in string.ascii_letters, "is never taken for an option"

    def test_no_two_are_the_same(self) -> None:
        assert len({rotation_context.generate(32) for _turn in range(1000)}) == 1000


class TestTold:
    @pytest.fixture
    def world(self) -> World:
        return World()

    def summary(self, world: World, rotator: Any, **changed: Any) -> dict[str, Any]:
        setting = RotationSetup(rotator.catalog, {**KINDS, **changed}, rotator, SimpleNamespace())  # type: ignore[arg-type]
        journal = rotator.look()
        return rotation_context.summary(setting, journal, opened(journal))

    def test_an_open_rotation(self, world: World) -> None:
        rotator = world.begun(*ALL)
        result = self.summary(world, rotator)
        assert (result["id"], result["run"], result["step"], result["number"]) == ("r1", "run1", "create", 1)
        assert result["todo"][:4] == ["create", "set", "test", "deploy_1"]
        assert (result["phases"], result["wait"], result["refused"]) == (2, 0, {})
        assert (result["secrets"], result["parameters"]) == (sorted([CORE, "copy-test"]), [TOKEN])
        assert result["merged"] == []
        assert [credential["name"] for credential in result["credentials"]] == list(ALL)
        assert result["record"]["outcome"] == "completed"
        world.created(rotator)
        theirs = world.write("NOTE", "newer")
        rotator.advance("promote")
        rotator.promote()
        merged = self.summary(world, rotator)
        assert merged["merged"][0].startswith(f"secret {CORE}: another writer's change of other keys was merged")
        assert merged["record"]["secrets"][CORE] == {"from": theirs, "to": world.labels()["AWSCURRENT"]}
        assert result["record"]["pending_tasks"] == ["token: its old value is to be revoked where it was issued"]
        audit_record.require({**result["record"], "application": "app", "environment": "test"})

    def test_no_value_is_in_it(self, world: World) -> None:
        rotator = world.begun(*ALL)
        values = world.created(rotator)
        rotator.advance("promote")
        rotator.promote()
        text = json.dumps(self.summary(world, rotator))
        for login in values.credentials.values():
            assert str(login.password) not in text
        assert ":old@" not in text

    def test_one_that_goes_back(self, world: World) -> None:
        rotator = world.begun("database")
        rotator.advance("abort", reason="web1: health\ncheck \x1b[31mfailed" + "x" * 500)
        result = self.summary(world, rotator)
        assert result["todo"] == ["abort", "withdraw", "discard"]
        assert result["record"]["outcome"] == "rolled_back"
        assert result["record"]["reason"].startswith("web1: health check  [31mfailedxxx")
        assert len(result["record"]["reason"]) == 400
        assert "secrets" not in result["record"]

    def test_one_that_goes_back_without_a_word(self, world: World) -> None:
        rotator = world.begun("database")
        rotator.advance("abort")
        record = self.summary(world, rotator)["record"]
        assert (record["outcome"], record["reason"]) == ("rolled_back", "no reason was given")

    def test_words_that_the_audit_log_would_refuse(self, world: World) -> None:
        """Those of a plan and of a reason that stand in a journal already, too."""
        rotator = world.rotator()
        kinds = {"login-2_0": kind_declarations.Kind("login-2_0")}
        item = Item("database", "Login-2.0", ROTATE)
        refused = {"token": f"write scheme://user:password@host/… there, not {'0f' * 16}"}
        rotator.open(rotator.look(), "r1", RotationPlan((item,), refused), Contents())
        rotator.advance("record")
        record = self.summary(world, rotator, **kinds)["record"]
        assert record["skipped"] == {"token": "write scheme://…@host/… there, not …"}
        assert record["kinds"] == {"database": "login-2_0"}
        audit_record.require({**record, "application": "app", "environment": "test"})
        rotator.advance("abort", reason="web1: redis://u:canary@h is refused")
        record = self.summary(world, rotator, **kinds)["record"]
        assert record["reason"] == "web1: redis://…@h is refused"
        audit_record.require({**record, "application": "app", "environment": "test"})

    @pytest.mark.parametrize(
        ("seconds", "incident", "later"), [(3600, "", False), (3601, "", True), (3601, "i", False)]
    )
    def test_a_revocation_that_comes_later(self, world: World, seconds: int, incident: str, *, later: bool) -> None:
        database = replace(world.catalog.credentials["database"], revoke_after=seconds)
        world.catalog = replace(world.catalog, credentials={**world.catalog.credentials, "database": database})
        rotator = world.begun("database", leak=incident)
        world.created(rotator)
        assert not self.summary(world, rotator)["credentials"][0]["later"], "only its step asks"
        rotator.advance("revoke")
        result = self.summary(world, rotator)
        assert result["credentials"][0]["later"] is later
        assert result["wait"] == (3600 if seconds == 3600 else 0)

    @pytest.mark.parametrize(
        ("stages", "seconds", "act", "refused"),
        [
            (("set", "revoke"), 3600, ROTATE, True),
            (("set", "revoke"), 3601, ROTATE, False),
            (("set",), 0, ROTATE, False),
            ((), 0, RENEW, True),
            (("set", "revoke"), 3601, REVOKE, True),
            (("set",), 3601, REVOKE, False),
        ],
    )
    def test_whether_the_old_value_is_refused_at_its_end(
        self, world: World, stages: tuple[str, ...], seconds: int, act: str, *, refused: bool
    ) -> None:
        """Not what is revoked later, nor what only its provider can revoke."""
        database = replace(world.catalog.credentials["database"], revoke_after=seconds)
        catalog = replace(world.catalog, credentials={**world.catalog.credentials, "database": database})
        kinds = {"login": kind_declarations.Kind("login", stages=stages)}
        setting = RotationSetup(catalog, kinds, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
        plan = RotationPlan((Item("database", "login", act),)).entry()
        left = pending_tasks(catalog, "r1", plan, datetime.now(UTC))
        rotation = OpenRotation("r1", "record", "who", "since", plan=plan)
        assert (rotation_context.refused_at_end(setting, rotation, left) == ["database"]) is refused
        rotator = world.begun("database", leak="leak-1")
        result = self.summary(world, rotator)
        assert (
            result["opened"],
            result["credentials"][0]["hosts"],
            result["credentials"][0]["hosts_with_old_key"],
        ) == ([], [], [])
        rotator.advance("test", hosts_with_old_key={"database": ["web2"]})
        result = self.summary(world, rotator)
        assert (
            result["opened"],
            result["credentials"][0]["hosts_with_old_key"],
        ) == (["web2"], ["web2"])

    @pytest.mark.parametrize("used_for", [["sessions"], ["signing"]])
    def test_where_a_dropped_key_of_sessions_stood(self, used_for: list[str]) -> None:
        """In the versions planned from, of the secrets that list previous keys and of no others."""
        document = copy.deepcopy(CATALOG)
        document["credentials"]["django"]["used_for"] = used_for
        world = World(catalog=catalog_parser.parse(document, "test"))
        setting = RotationSetup(world.catalog, KINDS, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
        for act in (DROP_FALLBACK, ROTATE):
            item = Item("django", "key", act)
            rotation = OpenRotation(
                "r1", "revoke", "who", "since", plan=RotationPlan((item,), secrets={CORE: "v1", "x": "v2"}).entry()
            )
            dropped = rotation_context.item_summary(setting, item, rotation)["dropped_from"]
            assert dropped == ({CORE: "v1"} if act == DROP_FALLBACK and used_for == ["sessions"] else {})

    def test_a_removal_on_some_hosts(self, world: World) -> None:
        rotator = world.rotator()
        left = {"credential": "database", "act": "revoke", "due": NOW, "rotation": "r0", "hosts": ["web2"]}
        journal = rotator.append(rotator.look(), "r0", "closed", pending_tasks={"r0/database": left})
        plan = RotationPlan(
            (Item("database", "login", REVOKE, phases=0, pending_task="r0/database", hosts=("web2",)),),
            incident="leak-1",
        )
        rotator.open(journal, "r1", plan, Contents())
        rotator.advance("revoke")
        result = self.summary(world, rotator)
        assert (result["opened"], result["credentials"][0]["hosts"]) == (["web2"], ["web2"])

    def test_a_kind_that_is_gone(self, world: World) -> None:
        rotator = world.begun("database")
        setting = RotationSetup(rotator.catalog, {}, rotator, SimpleNamespace())  # type: ignore[arg-type]
        journal = rotator.look()
        message = r"^database: the folder of its kind login is missing, but rotation"
        with pytest.raises(RotationError, match=message):
            rotation_context.summary(setting, journal, opened(journal))

    def test_a_credential_that_is_gone(self, world: World) -> None:
        world.begun("database")
        world.catalog = replace(world.catalog, credentials={})
        with pytest.raises(
            RotationError,
            match=r"^the catalog no longer declares database; restore the entry, and remove it only after rotation r1",
        ):
            self.summary(world, world.rotator())

    def test_a_kind_says_which_stages_it_has(self, world: World) -> None:
        rotator = world.begun("database")
        kind = kind_declarations.Kind("login", stages=("set", "revoke"), folder="/kinds/login")
        credential = self.summary(world, rotator, login=kind)["credentials"][0]
        assert (credential["stages"], credential["built_in"], credential["act"]) == (["set", "revoke"], False, "rotate")

    def test_what_a_dropped_key_signed_is_tried_after_all_that_goes(self, world: World) -> None:
        """A session that is accepted keeps no other old value valid."""
        rotator = world.rotator()
        names = ("database", "django", "token")
        kinds = [(name, world.catalog.credentials[name].kind) for name in names]
        items = tuple(
            Item(name, kind, "drop_fallback" if name == "django" else "revoke", phases=0) for name, kind in kinds
        )
        rotator.open(rotator.look(), "r1", RotationPlan(items, {}), Contents())
        rotator.advance("revoke")
        result = self.summary(world, rotator)
        assert [item["name"] for item in result["revoking"]] == ["database", "token", "django"]
        assert [credential["name"] for credential in result["credentials"]] == list(names)

    def test_where_a_former_key_is_dropped_there_is_only_something_to_verify(self, world: World) -> None:
        kind = kind_declarations.Kind("login", stages=("set", "revoke", "dropped"), folder="/kinds/login")
        setting = RotationSetup(world.catalog, {"login": kind}, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
        dropped = rotation_context.credential_summary(setting, Item("database", "login", act="drop_fallback"))
        assert dropped["stages"] == ["revoke"]
        plain = RotationSetup(
            world.catalog, {"login": replace(kind, stages=("revoke",))}, setting.rotator, setting.connection
        )
        assert (
            rotation_context.credential_summary(plain, Item("database", "login", act="drop_fallback"))["stages"] == []
        )

    def test_servers_that_can_be_asked_beforehand(self, world: World) -> None:
        """Those of credentials that get a new value, where their kind has a task for it."""
        kinds = {
            "login": kind_declarations.Kind("login", stages=("check", "set"), folder="/kinds/login"),
            "given": KINDS["given"],
        }
        setting = RotationSetup(world.catalog, kinds, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
        items = (
            Item("database", "login"),
            Item("database", "login", RENEW),
            Item("database", "login", REVOKE, pending_task="r0/database"),
            Item("token", "given"),
        )
        check_summaries = rotation_context.check_summaries(setting, RotationPlan(items))
        assert [(check_summary["name"], check_summary["act"]) for check_summary in check_summaries] == [
            ("database", "rotate"),
            ("database", "renew"),
        ]


# Through the options of an action, against moto.

DOCUMENT: dict[str, Any] = {"application": "app", "settings": {"A": {"value": "x"}}}
KEYS = {"access_key": "testing", "secret_key": "testing"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    with mock_aws():
        yield


def arguments(document: dict[str, Any] = DOCUMENT, **extra: Any) -> dict[str, Any]:
    return {"catalog": document, "environment": "test", "region": "eu-west-3", **KEYS, **extra}


@pytest.mark.usefixtures("aws")
class TestPrepared:
    def test_the_stores(self) -> None:
        secrets = boto3.client(
            "secretsmanager", region_name="eu-west-3", aws_access_key_id="x", aws_secret_access_key="x"
        )
        secrets.create_secret(Name="s", SecretString="{}")
        rotation_setup = rotation_context.prepared("test", arguments(run="run7"))
        assert (rotation_setup.rotator.me.run, rotation_setup.rotator.me.holder["pid"]) == (
            "run7",
            rotation_context.process_identity.holder()["pid"],
        )
        assert set(rotation_setup.rotator.secrets.describe("s").stages) == {"AWSCURRENT"}
        with pytest.raises(JournalError, match="the catalog names no journal, but rotations"):
            rotation_setup.rotator.look()
        assert "external" in rotation_setup.kinds

    def test_a_run_of_its_own(self) -> None:
        runs = {rotation_context.prepared("test", arguments()).rotator.me.run for _turn in range(2)}
        assert len(runs) == 2

    @pytest.mark.parametrize(("given", "expected"), [("eu-north-1", "eu-north-1"), (None, "eu-west-3")])
    def test_the_region_of_the_catalog_is_the_last_resort(self, given: str | None, expected: str) -> None:
        document = {**DOCUMENT, "environments": {"test": {"region": "eu-west-3"}}}
        rotation_setup = rotation_context.prepared("test", arguments(document, region=given))
        assert rotation_setup.connection.region == expected

    def test_another_account_is_refused_before_anything_is_read(self) -> None:
        document = {**DOCUMENT, "environments": {"test": {"expected_account_id": "999999999999"}}}
        with pytest.raises(WrongAccount, match="expects 999999999999"):
            rotation_context.prepared("test", arguments(document), check_account=True)
        right = {**DOCUMENT, "environments": {"test": {"expected_account_id": "123456789012"}}}
        rotation_setup = rotation_context.prepared("test", arguments(right), check_account=True)
        assert rotation_setup.catalog.expected_account_id == "123456789012"

    def test_the_clock_is_utc_to_the_second(self) -> None:
        before = datetime.now(UTC).replace(microsecond=0)
        at = rotation_context.prepared("test", arguments()).rotator.clock()
        assert before <= datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) <= datetime.now(UTC)


class Says(RotationAction):
    """An action with an answer of the test's."""

    name = "watchparty.secrets.test"
    extra_options = {"fails": {"type": "bool", "default": False}}

    def answer(self, setting: RotationSetup, args: Any, task_vars: Any) -> dict[str, Any]:
        if args["fails"]:
            raise NotFound("secret x is not there")
        return {"changed": True, "environment": setting.catalog.environment, "vars": dict(task_vars)}


def action(made: type[RotationAction], **args: Any) -> RotationAction:
    task: Any = SimpleNamespace(args=args, async_val=0, check_mode=False, diff=False, action="test")
    connection = connection_loader.get("local", PlayContext(), "/dev/null")
    return made(task, connection, PlayContext(), None, SimpleNamespace(), None)


@pytest.mark.usefixtures("aws")
class TestAction:
    def test_an_answer(self) -> None:
        result = action(Says, **arguments()).run(task_vars={"a": 1})
        assert (result["changed"], result["environment"], result["vars"]) == (True, "test", {"a": 1})

    def test_an_error_is_a_failure_in_words(self) -> None:
        result = action(Says, **arguments(), fails=True).run()
        assert (
            result["failed"],
            result["msg"],
            result["error_type"],
        ) == (True, "secret x is not there", "NotFound")

    def test_a_malformed_catalog(self) -> None:
        result = action(Says, **arguments({"application": "app", "settings": {}})).run()
        assert result["failed"]
        assert result["error_type"] == "CatalogError"

    def test_the_base_has_no_answer(self) -> None:
        with pytest.raises(NotImplementedError):
            action(RotationAction, **arguments()).run()
