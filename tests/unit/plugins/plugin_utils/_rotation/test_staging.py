# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rotator forward, on the twins in memory: what stands in the stores after each act, and after each act again."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Conflict,
    Denied,
    NotFound,
    Overtaken,
    RotationError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import PendingTask
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._rotation.rotator_world import (
    ALL,
    COPY,
    CORE,
    GIVEN,
    KINDS,
    NOW,
    OLD_URL,
    OWN,
    TOKEN,
    Meanwhile,
    World,
    ids,
    opened,
)


class TestCreate:
    def test_versions_labels_and_texts(self, world: World) -> None:
        values = world.created(world.begun(*ALL))
        database, key = values.credentials["database"], values.credentials["django"].password
        url = f"postgres://app_b:{database.password}@db/app"
        assert (database.username, values.credentials["token"]) == ("app_b", Login(None, "new-token"))
        assert values.phases == [{TOKEN: "new-token"}] * 2
        name, two = ids(CORE, 1, 2)
        assert world.labels() == {"AWSCURRENT": world.first[CORE], "AWSPENDING": two, "r1-1": name, "r1-2": two}
        others = {"NOTE": "theirs", "SIZE": "1"}
        assert world.keys(CORE, name) == {"URL": url, "KEY": "old-key", "FALLBACKS": key, **others}
        assert world.keys(CORE, two) == {"URL": url, "KEY": key, "FALLBACKS": "old-key", **others}
        assert world.keys(COPY, ids(COPY, 2)[0]) == {"url": url, "port": "5432"}
        assert (world.keys()["URL"], world.token()) == (OLD_URL, "old-token"), "nothing is in force yet"
        assert "new" not in repr(values)

    def test_again_it_makes_nothing_new(self, world: World) -> None:
        rotator = world.begun(*ALL)
        first = world.created(rotator)
        before = {name: (world.labels(name), world.secrets.versions(name)) for name in (CORE, COPY, OWN)}
        assert rotator.create(KINDS, lambda _kind: pytest.fail("generates anew"), {}) == first
        assert {name: (world.labels(name), world.secrets.versions(name)) for name in (CORE, COPY, OWN)} == before
        assert rotator.values(opened(rotator.look())) == first

    def test_another_run_stages_the_same(self, world: World) -> None:
        first = world.created(world.begun(*ALL))
        assert world.created(world.taken_over()) == first

    def test_of_two_at_once_the_first_ones_values_count(self, world: World) -> None:
        rotator = world.begun("database")
        values = []
        world.secrets.hook = Meanwhile("create", OWN, lambda: values.append(world.created(world.taken_over())))
        mine = world.created(rotator)
        assert mine.credentials == values[0].credentials
        assert f":{mine.credentials['database'].password}@" in world.keys(CORE, ids(CORE, 1)[0])["URL"]

    def test_nothing_is_made_after_the_end(self, world: World) -> None:
        """What a late run stages would stand in the next rotation's way."""
        rotator = world.begun("database")

        def end() -> None:
            second = world.taken_over()
            second.append(second.look(), "r1", "aborted")

        world.secrets.hook = Meanwhile("create", OWN, end)
        world.created(rotator)
        with pytest.raises(Overtaken, match="so this run removed the values that it had staged"):
            rotator.advance("set")
        assert world.labels() == {"AWSCURRENT": world.first[CORE]}
        assert not world.there(OWN)

    def test_lengths_and_names_are_the_kinds(self, world: World) -> None:
        asked = []
        rotator = world.begun("database", "django")
        kinds = {**KINDS, "login": Kind("login", alternates="never", length=20)}

        def generate(kind: Kind) -> str:
            asked.append(kind.length)
            return "n" * kind.length

        values = rotator.create(kinds, generate, {})
        assert asked == [20, 64]
        assert values.credentials["database"] == Login("app_a", "n" * 20)

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (Login(None, "p"), Login("app_b", "p")),
            (Login("u", "p"), Login("u", "p")),
            (Login("u", None), Login("u", "old")),
        ],
    )
    def test_supplied_values(self, world: World, given: Login, expected: Login) -> None:
        rotator = world.begun("database")
        kinds = {**KINDS, "login": Kind("login", value="supplied", alternates="always")}
        values = rotator.create(kinds, lambda _kind: pytest.fail("generates"), {"database": given})
        assert values.credentials["database"] == expected

    def test_a_supplied_value_is_needed_until_it_is_staged(self, world: World) -> None:
        rotator = world.begun("token")
        with pytest.raises(RotationError, match=r"^token: the rotation needs its new value again; give"):
            rotator.create(KINDS, repr, {})
        rotator.create(KINDS, repr, GIVEN)
        assert rotator.create(KINDS, repr, {}).credentials["token"] == GIVEN["token"]

    def test_somebodys_pending_version_is_left_alone(self, world: World) -> None:
        rotator = world.begun("database")
        world.secrets.seed(CORE, "{}", version="theirs", label="AWSPENDING")
        with pytest.raises(RotationError, match=f"^secret {CORE} has a pending version theirs of another writer"):
            world.created(rotator)
        assert world.labels()["AWSPENDING"] == "theirs"

    def test_an_old_pending_label_moves(self, world: World) -> None:
        world.secrets._secrets[CORE].stages["AWSPENDING"] = world.first[CORE]
        world.created(world.begun("database"))
        assert world.labels()["AWSPENDING"] == ids(CORE, 1)[0]

    def test_what_is_promoted_is_not_pending_again(self, world: World) -> None:
        rotator = world.begun("database")
        world.created(rotator)
        rotator.promote()
        del world.secrets._secrets[CORE].stages["AWSPENDING"]
        world.created(rotator)
        assert "AWSPENDING" not in world.labels()

    def test_a_version_planned_from_that_is_gone(self, world: World) -> None:
        rotator = world.begun("database", "token")
        del world.secrets._secrets[CORE].contents[world.first[CORE]]
        world.parameters._parameters.pop(TOKEN)
        with pytest.raises(RotationError, match=f"^version 1 of {TOKEN}, version {world.first[CORE]} of {CORE} can no"):
            world.created(rotator)

    def test_values_that_may_not_be_read_are_not_made_anew(self, world: World) -> None:
        rotator = world.begun("database")
        world.created(rotator)

        class Deny(Hook):
            def before(self, op: str, name: str) -> None:
                if (op, name) == ("read", OWN):
                    raise Denied("no", "no policy")

        world.secrets.hook = Deny()
        with pytest.raises(
            Denied, match=f"^secret {OWN} cannot be read: access denied; allow secretsmanager:GetSecretValue"
        ):
            world.created(rotator)

    def test_no_values_before_they_are_made(self, world: World) -> None:
        rotator = world.begun("database")
        with pytest.raises(NotFound, match=f"^secret {OWN} does not exist: the rotation has no new values yet"):
            rotator.values(opened(rotator.look()))

    def test_a_former_key_is_dropped(self, world: World) -> None:
        world.write("FALLBACKS", "old-key,k0")
        former = world.first[CORE]
        world.write("KEY", "now-key")
        rotator = self.due(world, {CORE: former})
        values = world.created(rotator)
        assert values.credentials == {"django": Login(None, "old-key")}
        assert world.keys(CORE, ids(CORE, 1)[0])["FALLBACKS"] == "k0"
        assert rotator.promote().outcome == "done"
        assert (world.keys()["FALLBACKS"], world.keys()["KEY"]) == ("k0", "now-key")

    def test_a_former_key_that_cannot_be_determined(self, world: World) -> None:
        rotator = self.due(world, {"gone": "v"})
        with pytest.raises(RotationError, match=r"^django: its previous key cannot be read in version v of gone"):
            world.created(rotator)
        rotator.append(rotator.look(), "r0", "closed", discharged=["r0/django"])
        with pytest.raises(RotationError, match="the journal no longer has the pending task r0/django"):
            world.created(rotator)

    @staticmethod
    def due(world: World, secrets: dict[str, str]) -> Any:
        """A rotation of nothing but the pending task to drop Django's previous key."""
        late: Any = world.rotator("run0")
        result = vars(PendingTask("", "django", "drop_fallback", NOW, "r0", secrets))
        kept = {name: value for name, value in result.items() if name != "id"}
        by = {"at": NOW, "who": "x", "rotation": "r0"}
        fresh = dict.fromkeys(ALL, by)
        late.append(late.look(), "r0", "closed", rotated=fresh, pending_tasks={"r0/django": kept})
        return world.begun(force=False)


class TestPromote:
    @pytest.fixture
    def rotator(self, world: World) -> Any:
        made = world.begun(*ALL)
        world.created(made)
        made.advance("promote")
        return made

    def test_everything(self, world: World, rotator: Any) -> None:
        result = rotator.promote()
        assert (result.outcome, result.parameters, result.message) == ("done", {TOKEN: 2}, "")
        for name in (CORE, COPY):
            labels = world.labels(name)
            assert (labels["AWSCURRENT"], labels["AWSPREVIOUS"]) == (ids(name, 2)[0], world.first[name])
        assert world.token() == "new-token"

    def test_again_nothing_moves(self, world: World, rotator: Any) -> None:
        first = rotator.promote()
        before = (world.labels(), world.labels(COPY), world.parameters._parameters[TOKEN].values)
        assert rotator.promote() == first
        assert (world.labels(), world.labels(COPY), world.parameters._parameters[TOKEN].values) == before

    @pytest.mark.parametrize("key", ["URL", "KEY", "FALLBACKS"])
    def test_a_key_that_rotates_was_changed(self, world: World, rotator: Any, key: str) -> None:
        theirs = world.write(key, "postgres://app_a:hand@db/app")
        world.write("port", "1", COPY)
        result = rotator.promote()
        assert (result.outcome, result.secrets) == ("taken", (CORE,))
        assert result.message == f"somebody changed rotating keys of secret {CORE}; that change was kept"
        assert world.labels()["AWSCURRENT"] == theirs

    def test_it_was_changed_in_the_same_moment(self, world: World, rotator: Any) -> None:
        theirs: list[str] = []
        value = "postgres://app_a:hand@db/app"
        world.secrets.hook = Meanwhile("move", CORE, lambda: theirs.append(world.write("URL", value)))
        result = rotator.promote()
        assert (result.outcome, result.secrets) == ("taken", (CORE,))
        assert world.labels()["AWSCURRENT"] == theirs[0]

    def test_what_is_written_over_a_promotion_is_in_force(self, world: World, rotator: Any) -> None:
        rotator.promote()
        theirs = world.write("NOTE", "newer")
        assert rotator.promote().outcome == "done"
        assert world.labels()["AWSCURRENT"] == theirs

    def test_a_parameter_was_changed(self, world: World, rotator: Any) -> None:
        world.parameters.seed(TOKEN, "theirs")
        with pytest.raises(Conflict, match=f"^parameter {TOKEN} is at version 2 instead of 1"):
            rotator.promote()
        assert world.token() == "theirs"

    def test_it_is_overtaken_before_a_parameter(self, world: World, rotator: Any) -> None:
        world.secrets.hook = Meanwhile("move", COPY, world.taken_over)
        with pytest.raises(Overtaken, match="another run took"):
            rotator.promote()
        assert world.token() == "old-token"


@pytest.mark.parametrize(
    ("credential", "names"),
    [("database", {CORE, COPY}), ("token", {TOKEN}), (None, {CORE, COPY, TOKEN})],
)
def test_an_act_reads_where_its_credential_was(world: World, credential: str | None, names: set[str]) -> None:
    rotator = world.begun(*ALL)
    only = world.catalog.credentials[credential] if credential else None
    assert set(rotator.old_contents(opened(rotator.look()), only).readings) == names
