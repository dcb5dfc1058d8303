# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation writes, phase by phase, and what it leaves for later."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_parser,
    credential_graph,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    CONFIRM,
    Journal,
    PendingTask,
    Rotated,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import parse_secret
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import (
    DROP_FALLBACK,
    RENEW,
    REVOKE,
    ROTATE,
    Item,
    RotationPlan,
    RotationRequest,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan_inputs import PlanInputs

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)
CORE = "app/test/core"
CATALOG: dict[str, Any] = {
    "application": "app",
    "settings": {
        "URL": {"group": "core", "type": "url"},
        "TOKEN": {"parameter": "TOKEN"},
        "KEY": {"group": "core"},
        "FALLBACKS": {"group": "core", "type": "list", "copies": [{"secret": "copy-{environment}", "key": "f"}]},
        "OTHER_KEY": {"group": "core"},
    },
    "credentials": {
        "database": {"kind": "login", "appears_in": [{"setting": "URL"}], "revoke_after": 3601},
        "token": {"kind": "login", "appears_in": [{"setting": "TOKEN"}], "revoke_after": 3600},
        "django": {
            "kind": "key",
            "appears_in": [{"setting": "KEY"}],
            "fallbacks": "FALLBACKS",
            "used_for": ["sessions"],
            "fallback_seconds": 60,
        },
        "other": {
            "kind": "key",
            "appears_in": [{"setting": "OTHER_KEY"}],
            "fallbacks": "FALLBACKS",
            "used_for": ["signing"],
        },
    },
}
KINDS = {"login": Kind("login"), "key": Kind("key", routine="signing_key")}
FALLBACKS = Place(SECRETS_MANAGER, CORE, "FALLBACKS")
COPY = Place(SECRETS_MANAGER, "copy-test", "f")
KEY = Place(SECRETS_MANAGER, CORE, "KEY")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return catalog_parser.parse(CATALOG, "test")


@pytest.fixture
def contents(holding: Callable[..., Contents]) -> Callable[[str], Contents]:
    """The stores with these previous keys."""

    def make(former: str = "") -> Contents:
        texts = {"URL": "redis://app_a:old-u@h", "KEY": "old-k", "OTHER_KEY": "old-o", "FALLBACKS": former}
        return holding({CORE: json.dumps(texts), "copy-test": json.dumps({"f": former}), "/app/test/TOKEN": "old-t"})

    return make


def items(*names: str, act: str = ROTATE) -> tuple[Item, ...]:
    return tuple(Item(name, CATALOG["credentials"][name]["kind"], act, phases=phases_of(name)) for name in names)


def phases_of(name: str) -> int:
    return KINDS[CATALOG["credentials"][name]["kind"]].phases


class TestEdits:
    def test_a_login_is_the_same_in_every_phase(self, catalog: Catalog, contents: Any) -> None:
        values = {"database": Login("app_b", "new"), "token": Login(None, "new-t")}
        for phase in (1, 2):
            edits = rotation_plan.edits(catalog, items("database", "token"), contents(), values, phase)
            assert {place.key or place.name: text for place, text in edits.items()} == {
                "URL": "redis://app_b:new@h",
                "/app/test/TOKEN": "new-t",
            }

    @pytest.mark.parametrize(
        ("former", "first", "second"),
        [
            ("", "new", "old-k"),
            ("k0,k1", "new,k0,k1", "old-k,k0,k1"),
            ("old-k,k1", "new,old-k,k1", "old-k,k1"),
            ("k1,new", "new,k1", "old-k,k1,new"),
        ],
    )
    def test_a_key_is_a_fallback_before_it_signs(
        self, catalog: Catalog, contents: Any, former: str, first: str, second: str
    ) -> None:
        values = {"django": Login(None, "new")}
        edits = [rotation_plan.edits(catalog, items("django"), contents(former), values, phase) for phase in (1, 2)]
        assert edits[0] == {FALLBACKS: first, COPY: first}
        assert edits[1] == {FALLBACKS: second, COPY: second, KEY: "new"}

    @pytest.mark.parametrize(
        ("former", "left"), [("old", ""), ("k1,old", "k1"), ("old,k1,old", "k1"), ("k1", None), ("", None)]
    )
    def test_a_former_key_is_dropped(self, catalog: Catalog, contents: Any, former: str, left: str | None) -> None:
        drop = items("django", act=DROP_FALLBACK)
        edits = rotation_plan.edits(catalog, drop, contents(former), {"django": Login(None, "old")}, 1)
        assert edits == ({} if left is None else {FALLBACKS: left, COPY: left})

    def test_the_setting_of_former_keys_is_gone_from_the_catalog(self, contents: Any) -> None:
        django = {name: item for name, item in CATALOG["credentials"]["django"].items() if name != "fallbacks"}
        changed = catalog_parser.parse({**CATALOG, "credentials": {"django": django}}, "test")
        drop = items("django", act=DROP_FALLBACK)
        assert rotation_plan.edits(changed, drop, contents("old"), {"django": Login(None, "old")}, 1) == {}

    def test_a_late_revocation_writes_nothing(self, catalog: Catalog, contents: Any) -> None:
        assert rotation_plan.edits(catalog, items("database", act=REVOKE), contents(), {}, 1) == {}

    @given(
        former=st.lists(st.sampled_from(["k1", "k2", "old-k", "new"]), unique=True, max_size=4),
        new=st.sampled_from(["new", "new2"]),
    )
    def test_no_session_is_ever_signed_by_a_key_that_a_host_does_not_know(self, former: list[str], new: str) -> None:
        """Of two hosts, one a phase behind the other, each verifies what the other signs."""
        before = hold(",".join(former))
        states = [before]
        for phase in (1, 2):
            made = rotation_plan.edits(PARSED, items("django"), before, {"django": Login(None, new)}, phase)
            texts = credential_graph.contents_with(before, made)[0]
            states.append(hold_texts({**{name: reading.value for name, reading in before.readings.items()}, **texts}))
        known = [keys_of(state) for state in states]
        for earlier, later in ((known[0], known[1]), (known[1], known[2])):
            for group, other in ((earlier, later), (later, earlier)):
                assert group[0] in other
        assert set(known[0]) <= set(known[2]) | {new}, "a previous key is kept until its time comes"


PARSED = catalog_parser.parse(CATALOG, "test")


def hold_texts(texts: dict[str, str]) -> Contents:
    return Contents({name: Reading(SECRETS_MANAGER, name, "1", text) for name, text in texts.items()})


def hold(former: str) -> Contents:
    return hold_texts({CORE: json.dumps({"KEY": "old-k", "FALLBACKS": former}), "copy-test": json.dumps({"f": former})})


def keys_of(contents: Contents) -> list[str]:
    """The key that signs, then those that verify too."""
    secret = parse_secret(contents.readings[CORE].value)
    return [secret["KEY"], *(key for key in secret["FALLBACKS"].split(",") if key)]


class TestPendingTasks:
    def test_what_is_left_for_later(self, catalog: Catalog) -> None:
        entry = RotationPlan(items("database", "token", "django"), secrets={CORE: "v1", "copy-test": "v2"}).entry()
        assert rotation_plan.pending_tasks(catalog, "r1", entry, NOW) == {
            "r1/database": {
                "credential": "database",
                "rotation": "r1",
                "secrets": {CORE: "v1"},
                "act": "revoke",
                "due": "2026-11-25T16:00:01Z",
            },
            "r1/django": {
                "credential": "django",
                "rotation": "r1",
                "secrets": {CORE: "v1"},
                "act": "drop_fallback",
                "due": "2026-11-25T15:01:00Z",
            },
        }

    def test_a_revocation_keeps_what_was_noted_of_its_server(self, catalog: Catalog) -> None:
        entry = RotationPlan(items("database", "django")).entry()
        notes = {"database": {"a:1": "run/7"}, "django": {"x": 1}, "other": {"y": 1}}
        pending_tasks = rotation_plan.pending_tasks(catalog, "r1", entry, NOW, notes)
        assert pending_tasks["r1/database"]["notes"] == {"a:1": "run/7"}
        assert "notes" not in pending_tasks["r1/django"]
        assert "notes" not in rotation_plan.pending_tasks(catalog, "r1", entry, NOW)["r1/database"]

    def test_a_revocation_keeps_when_the_new_value_was_promoted(self, catalog: Catalog) -> None:
        entry = RotationPlan(items("database", "django")).entry()
        pending_tasks = rotation_plan.pending_tasks(catalog, "r1", entry, NOW, promoted="2026-11-25T15:00:00Z")
        assert pending_tasks["r1/database"]["promoted"] == "2026-11-25T15:00:00Z"
        assert "promoted" not in pending_tasks["r1/django"]

    def test_an_pending_task_that_was_met_leaves_none(self, catalog: Catalog) -> None:
        done = items("database", act=REVOKE) + items("django", act=DROP_FALLBACK)
        assert rotation_plan.pending_tasks(catalog, "r2", RotationPlan(done).entry(), NOW) == {}

    def test_how_long_a_rotation_waits(self, catalog: Catalog) -> None:
        assert rotation_plan.wait_of(catalog, items("database", "token")) == 3600
        assert rotation_plan.wait_of(catalog, items("database", "django")) == 0
        assert rotation_plan.wait_of(catalog, items("token", act=REVOKE)) == 0
        assert rotation_plan.wait_of(catalog, ()) == 0
        assert rotation_plan.revokes_later(catalog.credentials["database"])
        assert not rotation_plan.revokes_later(catalog.credentials["token"])

    def planned(
        self, catalog: Catalog, contents: Contents, wish: RotationRequest, *pending_tasks: PendingTask
    ) -> RotationPlan:
        names = set(catalog.credentials) - set(wish.names if wish.force else ())
        fresh = {name: Rotated(timestamps.stamp(NOW), "ann@x", "r1") for name in names}
        journal = Journal(
            rotated=fresh, pending_tasks={pending_task.id: pending_task for pending_task in pending_tasks}
        )
        return rotation_plan.plan(PlanInputs(catalog, journal, contents, KINDS, NOW), wish)

    def test_due_ones_are_planned(self, catalog: Catalog, contents: Any) -> None:
        at = timestamps.stamp(NOW)
        plan = self.planned(
            catalog,
            contents("old"),
            RotationRequest(),
            PendingTask("r1/database", "database", REVOKE, at, "r1"),
            PendingTask("r1/django", "django", DROP_FALLBACK, at, "r1"),
            PendingTask("r1/gone", "gone", REVOKE, at, "r1"),
            PendingTask("r1/token", "token", REVOKE, timestamps.stamp(NOW + timedelta(seconds=1)), "r1"),
        )
        assert [(item.pending_task, item.act, item.phases) for item in plan.items] == [
            ("r1/database", REVOKE, 0),
            ("r1/django", DROP_FALLBACK, 1),
        ]
        assert plan.items[0].reason == f"its previous value is due to be revoked (since {at})"
        assert plan.items[1].reason == f"its previous key is due to be dropped (since {at})"
        assert (plan.phases, plan.secrets) == (1, {CORE: "1", "copy-test": "1"})

    def test_a_revocation_alone_takes_no_rollout(self, catalog: Catalog, contents: Any) -> None:
        due = PendingTask("r1/database", "database", REVOKE, timestamps.stamp(NOW), "r1")
        plan = self.planned(catalog, contents(), RotationRequest(), due)
        assert (plan.phases, plan.secrets, plan.parameters) == (0, {}, {})

    def test_those_of_other_credentials_and_of_rotating_ones_wait(self, catalog: Catalog, contents: Any) -> None:
        due = PendingTask("r1/database", "database", REVOKE, timestamps.stamp(NOW), "r1")
        assert self.planned(catalog, contents(), RotationRequest(("token",)), due).items == ()
        plan = self.planned(catalog, contents(), RotationRequest(("database",), force=True), due)
        assert [(item.act, item.pending_task) for item in plan.items] == [(ROTATE, None)]

    def test_what_only_a_provider_can_do_is_not_planned_and_stands_in_no_way(
        self, catalog: Catalog, contents: Any
    ) -> None:
        left = PendingTask("r1/token", "token", CONFIRM, timestamps.stamp(NOW), "r1")
        assert self.planned(catalog, contents(), RotationRequest(), left).items == ()
        plan = self.planned(catalog, contents(), RotationRequest(("token",), force=True), left)
        assert [(item.credential, item.act, item.pending_task) for item in plan.items] == [("token", ROTATE, None)]

    def test_a_list_that_another_credential_writes_waits(self, catalog: Catalog, contents: Any) -> None:
        """In one run the later edit would lose the earlier one's key."""
        due = PendingTask("r1/django", "django", DROP_FALLBACK, timestamps.stamp(NOW), "r1")
        at = timestamps.stamp(NOW)
        fresh = {name: Rotated(at, "ann@x", "r1") for name in catalog.credentials if name != "other"}
        journal = Journal(rotated=fresh, pending_tasks={due.id: due})
        plan = rotation_plan.plan(PlanInputs(catalog, journal, contents("old"), KINDS, NOW), RotationRequest())
        assert [(item.credential, item.act) for item in plan.items] == [("other", ROTATE)]


def test_every_place_that_an_item_may_change(catalog: Catalog) -> None:
    def found(name: str, act: str = ROTATE) -> set[Any]:
        return {
            place.key for place in rotation_plan.places_of(catalog, catalog.credentials[name], items(name, act=act)[0])
        }

    assert found("django") == {"KEY", "FALLBACKS", "f"}
    assert found("django", DROP_FALLBACK) == {"FALLBACKS", "f"}
    assert found("database") == {"URL"}
    assert found("database", REVOKE) == set()
    assert found("django", RENEW) == {"KEY", "FALLBACKS", "f"}


@pytest.mark.parametrize(
    ("alternates", "old", "new"),
    [
        *(("never", "app_a", "app_a"), ("never", None, None)),
        *(("if_suffixed", "app_a", "app_b"), ("if_suffixed", "app", "app"), ("if_suffixed", None, None)),
        *(("always", "app_b", "app_a"), ("always", "app", "app_a"), ("always", None, None)),
    ],
)
def test_the_login_that_takes_its_place(catalog: Catalog, alternates: str, old: str | None, new: str | None) -> None:
    stored_credential = credential_graph.StoredCredential(catalog.credentials["database"], Login(old, "canary"))
    assert rotation_plan.new_login(Kind("k", alternates=alternates), stored_credential, "fresh") == Login(new, "fresh")
