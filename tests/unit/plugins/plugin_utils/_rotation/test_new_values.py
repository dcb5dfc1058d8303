# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""New values, and above all those that a provider makes: kept once, staged from there, forgotten at the end."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Denied,
    NotFound,
    RotationError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, PendingTask
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import user_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan_inputs
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import rollback as rotation_rollback
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import Who
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import (
    Issued,
    former_login,
    kept_apart,
    login_for,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import Item, RotationRequest
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator
from tests.fakes.memory_stores import Hook, MemoryJournal, MemoryParameters, MemorySecrets

CORE, OWN = "app/test/core", "app-rotation-logins/test/r1"
CATALOG: dict[str, Any] = {
    "application": "app",
    "settings": {
        "STORAGE_ACCESS_KEY_ID": {"group": "core", "sensitivity": "low"},
        "STORAGE_SECRET": {"group": "core"},
        "PASSWORD": {"group": "core"},
    },
    "credentials": {
        "storage": {
            "kind": "keys",
            "appears_in": [{"setting": "STORAGE_ACCESS_KEY_ID"}, {"setting": "STORAGE_SECRET"}],
        },
        "database": {"kind": "login", "appears_in": [{"setting": "PASSWORD"}]},
    },
}
KINDS = {"keys": Kind("keys", value="provider", needs_user=True), "login": Kind("login")}
OLD = {"STORAGE_ACCESS_KEY_ID": "old-id", "STORAGE_SECRET": "old-canary", "PASSWORD": "old-password"}
NEW = Login("new-id", "new-canary")


@dataclass
class World:
    secrets: MemorySecrets
    rotator: Rotator
    ground: plan_inputs.PlanInputs

    def begin(self, *names: str) -> rotation_plan.RotationPlan:
        plan = rotation_plan.plan(self.ground, RotationRequest(names, force=True))
        self.rotator.open(Journal(), "r1", plan, self.ground.contents)
        self.rotator.advance("create")
        return plan

    @property
    def issued(self) -> Issued:
        _journal, rotation = self.rotator.mine()
        return self.rotator.issued(rotation)

    def create(self) -> Any:
        return self.rotator.create(KINDS, lambda _kind: "generated", {})


@pytest.fixture
def world() -> World:
    catalog = catalog_parser.parse(CATALOG, "test")
    secrets = MemorySecrets()
    secrets.seed(CORE, json.dumps(OLD))
    rotator = Rotator(
        catalog=catalog,
        secrets=secrets,
        parameters=MemoryParameters(),
        journal=MemoryJournal(),
        me=Who("run1", "ann@laptop"),
        clock=lambda: "2026-11-25T15:00:00Z",
    )
    now = datetime(2026, 11, 25, 15, tzinfo=UTC)
    return World(secrets, rotator, plan_inputs.PlanInputs(catalog, Journal(), secrets.read([CORE]), KINDS, now))


class TestPlan:
    def test_the_journal_knows_that_a_provider_makes_it(self, world: World) -> None:
        plan = world.begin()
        kept = plan.entry()
        assert kept["credentials"]["storage"] == {"kind": "keys", "act": "rotate", "phases": 1, "issued": True}
        assert "issued" not in kept["credentials"]["database"]
        assert kept_apart(kept) == ["storage"]
        assert {item.credential: item.issued for item in rotation_plan.items_of(kept)} == {
            "storage": True,
            "database": False,
        }

    def test_what_the_provider_has_against_it(self, world: World) -> None:
        ground = replace(world.ground, against={"storage": "it has two keys"})
        plan = rotation_plan.plan(ground, RotationRequest(force=True))
        assert plan.refused == {"storage": "it has two keys"}
        assert [item.credential for item in plan.items] == ["database"]

    def test_it_needs_a_place_for_its_user_name(self, world: World) -> None:
        document = {**CATALOG, "credentials": {"storage": {"kind": "keys", "appears_in": [{"setting": "PASSWORD"}]}}}
        plan = rotation_plan.plan(
            replace(world.ground, catalog=catalog_parser.parse(document, "test")), RotationRequest(force=True)
        )
        assert (
            "no place in the catalog holds its user name or id; add a setting to appears_in" in plan.refused["storage"]
        )


class TestIssued:
    def test_kept_once(self, world: World) -> None:
        world.begin("storage")
        assert world.issued.find("storage") is None
        world.issued.keep("storage", NEW)
        world.issued.keep("storage", NEW)
        assert world.issued.find("storage") == world.issued.take("storage") == NEW
        with pytest.raises(AlreadyExists):
            world.issued.keep("storage", Login("another-id", "another-canary"))
        assert world.issued.find("storage") == NEW

    def test_staged_from_there(self, world: World) -> None:
        world.begin()
        with pytest.raises(NotFound, match="storage: its provider has made no new value"):
            world.create()
        world.issued.keep("storage", NEW)
        assert world.create().credentials == {"storage": NEW, "database": Login(None, "generated")}
        (staged,) = [text for text in world.secrets._secrets[CORE].contents.values() if "new-id" in text]
        assert json.loads(staged) == {
            "STORAGE_ACCESS_KEY_ID": "new-id",
            "STORAGE_SECRET": "new-canary",
            "PASSWORD": "generated",
        }
        assert set(world.secrets._secrets) == {CORE, OWN, f"{OWN}/storage"}
        rotation_rollback.tidy(world.rotator)
        assert set(world.secrets._secrets) == {CORE}
        rotation_rollback.tidy(world.rotator)

    def test_forgotten_though_nothing_was_staged(self, world: World) -> None:
        world.begin()
        world.issued.keep("storage", NEW)
        rotation_rollback.tidy(world.rotator)
        assert set(world.secrets._secrets) == {CORE}

    def test_one_that_may_not_be_read_is_not_one_that_was_never_made(self, world: World) -> None:
        class Refuses(Hook):
            def before(self, op: str, name: str) -> None:
                if name == f"{OWN}/storage":
                    raise Denied("no", "no")

        world.begin("storage")
        world.issued.keep("storage", NEW)
        world.secrets.hook = Refuses()
        with pytest.raises(Denied, match="allow secretsmanager:GetSecretValue"):
            world.issued.find("storage")


class TestOthers:
    def found(self, world: World, name: str = "database") -> credential_graph.StoredCredential:
        return credential_graph.find(
            world.rotator.catalog, world.rotator.catalog.credentials[name], world.ground.contents
        )

    def test_generated(self, world: World) -> None:
        made = login_for(Kind("k", length=20), self.found(world), None, lambda kind: "x" * kind.length)
        assert made == Login(None, "x" * 20)

    @pytest.mark.parametrize(
        ("given", "wanted"),
        [
            (Login(None, "given"), Login("old-id", "given")),
            (Login("given-id", None), Login("given-id", "old-canary")),
            (Login("given-id", "given"), Login("given-id", "given")),
        ],
    )
    def test_supplied(self, world: World, given: Login, wanted: Login) -> None:
        assert login_for(Kind("k", value="supplied"), self.found(world, "storage"), given, str) == wanted

    @pytest.mark.parametrize("value", ["generated", "provider"])
    def test_given_where_it_is_made_elsewhere(self, world: World, value: str) -> None:
        with pytest.raises(
            RotationError,
            match=r"^database needs no value from you; remove the line database from the file in rotation_values_file$",
        ):
            login_for(Kind("k", value=value), self.found(world), Login(None, "canary"), str)

    def test_needed_again(self, world: World) -> None:
        with pytest.raises(RotationError, match="database: the rotation needs its new value again"):
            login_for(Kind("k", value="supplied"), self.found(world), None, str)

    def test_a_former_one(self, world: World) -> None:
        version = world.ground.contents.readings[CORE].version
        world.secrets.seed(CORE, json.dumps({**OLD, "PASSWORD": "newer"}))
        pending_task = PendingTask("r0/database", "database", "revoke", "2026-11-25T15:00:00Z", "r0", {CORE: version})
        item = Item("database", "login", rotation_plan.REVOKE, phases=0, pending_task="r0/database")
        catalog = world.rotator.catalog
        journal = Journal(pending_tasks={"r0/database": pending_task})
        assert former_login(catalog, world.secrets, journal, item) == Login(None, "old-password")
        with pytest.raises(RotationError, match="the journal no longer has the pending task r0/database"):
            former_login(catalog, world.secrets, Journal(), item)
        gone = Journal(pending_tasks={"r0/database": replace(pending_task, secrets={CORE: "0" * 36})})
        with pytest.raises(RotationError, match="its previous key cannot be read"):
            former_login(catalog, world.secrets, gone, item)


@pytest.mark.parametrize(
    ("arn", "user"),
    [
        ("arn:aws:iam::123456789012:user/app", "app"),
        ("arn:aws-cn:iam::123456789012:user/a/b/app", "app"),
        ("arn:aws:sts::123456789012:assumed-role/app/session", None),
        ("arn:aws:sts::123456789012:user/moto", None),
        ("arn:aws:iam::123456789012:root", None),
        ("", None),
    ],
)
def test_the_user_in_an_arn(arn: str, user: str | None) -> None:
    assert user_of(arn) == user
