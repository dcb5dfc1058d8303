# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a rotation ends, on the twins in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, Overtaken, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import TRIM_FROM, Rotated, entries
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.version_cache import Remembered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import rollback as rotation_rollback
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import version_id
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._rotation.rotator_world import (
    ALL,
    COPY,
    CORE,
    NOW,
    OLD_URL,
    OVERLAY,
    OWN,
    TOKEN,
    Meanwhile,
    World,
    close,
    going,
    opened,
)


def aborting(rotator: Any) -> Any:
    rotator.advance("abort", reason="why")
    return rotator


class TestUndo:
    @pytest.mark.parametrize("promoted", [False, True])
    def test_the_old_values_are_in_force_under_new_ids(self, world: World, *, promoted: bool) -> None:
        before = {name: world.keys(name) for name in (CORE, COPY)}
        rotator = aborting(going(world, promoted=promoted))
        assert rotation_rollback.undo(rotator) == []
        for name in (CORE, COPY):
            assert world.keys(name) == before[name]
            assert world.labels(name)["AWSCURRENT"] != world.first[name]
            assert world.labels(name)["r1-abort"] == world.labels(name)["AWSCURRENT"]
        assert world.token() == "old-token"

    def test_before_anything_was_made(self, world: World) -> None:
        rotator = aborting(world.begun(*ALL))
        assert rotation_rollback.undo(rotator) == []
        assert world.keys()["URL"] == OLD_URL
        assert world.parameters._parameters[TOKEN].values == ["old-token"]

    def test_before_anything_was_made_somebody_wrote(self, world: World) -> None:
        rotator = aborting(world.begun(*ALL))
        theirs = world.write("NOTE", "newer")
        assert rotation_rollback.undo(rotator) == []
        assert world.labels()["AWSCURRENT"] == theirs

    @pytest.mark.parametrize("promoted", [False, True])
    def test_again_it_changes_nothing(self, world: World, *, promoted: bool) -> None:
        rotator = aborting(going(world, promoted=promoted))
        rotation_rollback.undo(rotator)
        before = (world.labels(), world.secrets.versions(CORE), world.parameters._parameters[TOKEN].values)
        assert rotation_rollback.undo(rotator) == []
        assert (world.labels(), world.secrets.versions(CORE), world.parameters._parameters[TOKEN].values) == before

    @pytest.mark.parametrize("act", ["read", "move"])
    def test_a_late_promotion_is_refused(self, world: World, act: str) -> None:
        """A run is held up in its promotion; another one takes over, and takes everything back."""
        rotator = going(world)

        def take_back() -> None:
            second = aborting(world.taken_over())
            assert rotation_rollback.undo(second) == []
            rotation_rollback.tidy(second)
            close(second, step="aborted")

        world.secrets.hook = Meanwhile(act, CORE, take_back)
        with pytest.raises(SecretsError):
            rotator.promote()
        assert world.keys()["URL"] == OLD_URL
        assert world.keys()["KEY"] == "old-key"
        assert world.token() == "old-token"

    def test_overtaken_it_leaves_the_version_of_the_next_rotation(self, world: World) -> None:
        """Which lists the same previous key, though it is current for another reason."""
        late = world.begun("django")
        late.secrets = Remembered(world.secrets)
        world.created(late)

        def others_go_on() -> None:
            second = aborting(world.taken_over())
            rotation_rollback.undo(second)
            rotation_rollback.tidy(second)
            close(second, step="aborted")
            third = world.begun("django", run="run3", rotation="r2")
            world.created(third)
            third.advance("promote")
            assert third.promote().outcome == "done"

        world.secrets.hook = Meanwhile("move", CORE, others_go_on)
        with pytest.raises(Overtaken):
            rotation_rollback.undo(aborting(late))
        assert world.keys()["FALLBACKS"] == "old-key"

    def test_somebodys_version_without_ours_stays(self, world: World) -> None:
        rotator = aborting(going(world))
        theirs = world.write("URL", "postgres://app_a:hand@db/app")
        assert rotation_rollback.undo(rotator) == []
        assert world.labels()["AWSCURRENT"] == theirs
        assert world.keys(COPY)["url"] == OLD_URL

    def test_ours_is_taken_out_of_somebodys_version(self, world: World) -> None:
        rotator = going(world, promoted=True)
        world.write("NOTE", "newer")
        theirs = world.write("SIZE", "2")
        assert rotation_rollback.undo(aborting(rotator)) == []
        assert world.labels()["AWSCURRENT"] == version_id("r1", CORE, "abort", theirs)
        assert world.keys() == {
            "URL": OLD_URL,
            "KEY": "old-key",
            "FALLBACKS": "",
            "NOTE": "newer",
            "SIZE": "2",
        }
        assert rotation_rollback.undo(rotator) == []
        assert world.labels()["AWSCURRENT"] == version_id("r1", CORE, "abort", theirs)

    def test_around_a_new_login_somebody_changed_the_url(self, world: World) -> None:
        rotator = going(world, "database", promoted=True)
        world.write("URL", world.keys()["URL"] + "?sslmode=require")
        assert rotation_rollback.undo(aborting(rotator)) == []
        assert world.keys()["URL"] == OLD_URL + "?sslmode=require"

    def test_of_ours_and_theirs_only_ours_goes(self, world: World) -> None:
        rotator = going(world, promoted=True)
        world.write("KEY", "by hand")
        rotation_rollback.undo(aborting(rotator))
        assert (world.keys()["URL"], world.keys()["KEY"]) == (OLD_URL, "by hand")

    def test_it_moves_while_it_is_moved_back(self, world: World) -> None:
        rotator = aborting(going(world, promoted=True))
        world.secrets.hook = Meanwhile("move", CORE, lambda: world.write("NOTE", "at this moment"))
        assert rotation_rollback.undo(rotator) == []
        assert (world.keys()["URL"], world.keys()["NOTE"]) == (OLD_URL, "at this moment")

    def test_after_a_merge(self, world: World) -> None:
        rotator = going(world, "database")
        world.write("NOTE", "newer")
        assert rotator.promote().outcome == "done"
        assert rotation_rollback.undo(aborting(rotator)) == []
        assert (world.keys()["URL"], world.keys()["NOTE"]) == (OLD_URL, "newer")

    def test_a_parameter_that_somebody_changed_is_reported(self, world: World) -> None:
        rotator = aborting(going(world, promoted=True))
        world.parameters.seed(TOKEN, "theirs")
        message = f"parameter {TOKEN} was changed by another writer (version 3); that change was kept"
        assert rotation_rollback.undo(rotator) == [message]
        assert world.token() == "theirs"

    @pytest.mark.parametrize("back", [False, True], ids=["ours is in force", "the former is back already"])
    def test_what_a_late_request_wrote_over_is_reported(self, world: World, back: bool) -> None:
        """A promotion's write that was on its way when its process was killed; AWS has no condition there."""
        before = world.token()
        rotator = aborting(going(world, promoted=True))
        ours = world.token()
        world.parameters.seed(TOKEN, "theirs")
        world.parameters.seed(TOKEN, ours)
        if back:
            world.parameters.seed(TOKEN, before)
        message = f"parameter {TOKEN}: a late request overwrote version 3 of another writer; "
        assert rotation_rollback.undo(rotator) == [f"{message}that version is kept as {TOKEN}:3"]
        assert world.token() == before

    def test_a_parameter_that_changed_before_any_value_was_made(self, world: World) -> None:
        rotator = aborting(world.begun("token"))
        world.parameters.seed(TOKEN, "theirs")
        assert rotation_rollback.undo(rotator) == [
            f"parameter {TOKEN} was changed by another writer (version 2); that change was kept"
        ]

    def test_a_parameter_that_is_gone_from_the_path(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        rotator = aborting(going(world, promoted=True))
        below = world.parameters._below
        gone = {name: reading for name, reading in below("/app/test").readings.items() if name != TOKEN}
        monkeypatch.setattr(
            world.parameters,
            "_below",
            lambda path: type(below(path))(gone) if path == "/app/test" else below(path),
        )
        assert rotation_rollback.undo(rotator) == [f"parameter {TOKEN} no longer exists; create it again"]

    def test_values_that_may_not_be_read_leave_nothing_half_done(self, world: World) -> None:
        """To take them for values never made would leave the new value in force and remove its login."""
        rotator = aborting(going(world, "token", promoted=True))

        class Deny(Hook):
            def before(self, op: str, name: str) -> None:
                if (op, name) == ("read", OWN):
                    raise Denied("no", "no policy")

        world.secrets.hook = Deny()
        with pytest.raises(Denied, match="cannot be read: access denied"):
            rotation_rollback.undo(rotator)

    def test_an_overtaken_run_takes_nothing_back(self, world: World) -> None:
        rotator = aborting(going(world, promoted=True))
        world.taken_over()
        with pytest.raises(Overtaken):
            rotation_rollback.undo(rotator)
        assert world.token() == "new-token"


class TestTidy:
    def test_every_label_and_the_secret_of_its_own_go(self, world: World) -> None:
        rotator = aborting(going(world))
        rotation_rollback.undo(rotator)
        rotation_rollback.tidy(rotator)
        for name in (CORE, COPY):
            assert set(world.labels(name)) == {"AWSCURRENT", "AWSPREVIOUS"}
        assert not world.there(OWN)
        assert not world.there(OVERLAY)
        rotation_rollback.tidy(rotator)

    def test_after_a_success(self, world: World) -> None:
        rotator = going(world, promoted=True)
        rotation_rollback.tidy(rotator)
        assert world.labels() == {
            "AWSCURRENT": version_id("r1", CORE, 2),
            "AWSPREVIOUS": world.first[CORE],
        }

    def test_somebodys_labels_stay(self, world: World) -> None:
        rotator = going(world, promoted=True)
        world.secrets.seed(CORE, "{}", version="theirs", label="AWSPENDING")
        world.secrets.seed(CORE, "{}", version="theirs", label="r2-1")
        rotation_rollback.tidy(rotator)
        assert (world.labels()["AWSPENDING"], world.labels()["r2-1"]) == ("theirs", "theirs")

    def test_before_anything_was_made(self, world: World) -> None:
        rotator = aborting(world.begun(*ALL))
        rotation_rollback.tidy(rotator)
        assert world.labels() == {"AWSCURRENT": world.first[CORE]}


class TestEnd:
    def test_the_last_entry(self, world: World) -> None:
        rotator = going(world, promoted=True)
        by = {"at": NOW, "who": "ann@x", "rotation": "r1"}
        journal = close(rotator, step="closed", rotated={"database": by}, pending_tasks={}, audit={})
        assert journal.rotation is None
        assert journal.rotated == {"database": Rotated(**by)}
        assert rotator.look() == journal
        with pytest.raises(Overtaken, match="another run ended"):
            close(rotator, step="closed")


class TestLate:
    """A request to make the rotation's own secret, on its way when its process was killed, arrives after the end."""

    def ended(self, world: World) -> Any:
        rotator = aborting(going(world))
        rotation_rollback.undo(rotator)
        rotation_rollback.tidy(rotator)
        close(rotator, step="aborted")
        return rotator

    def test_nothing_is_there(self, world: World) -> None:
        rotator = self.ended(world)
        names = rotation_rollback.remembered(rotator, rotator.look())
        assert names == [OWN, OVERLAY]
        assert rotation_rollback.left_late(world.secrets.read(names), names) == []

    def test_without_parameters_nothing_was_laid_over_any(self, world: World) -> None:
        rotator = self.ended(world)
        settings = {name: item for name, item in world.catalog.settings.items() if name != "TOKEN"}
        rotator.catalog = replace(world.catalog, settings=settings)
        assert rotation_rollback.remembered(rotator, rotator.look()) == [OWN]

    @pytest.mark.parametrize("late", [OWN, OVERLAY])
    def test_it_is_found_after_a_trim_too(self, world: World, late: str) -> None:
        rotator = self.ended(world)
        world.secrets.create(late, "{}", version="late-" + "0" * 27)
        for _entry in range(TRIM_FROM):
            rotator.append(rotator.look(), "prepare", "closed", prepared=["database"])
        assert any(entry.get("base") for entry in entries(rotator.look()))
        names = rotation_rollback.remembered(rotator, rotator.look())
        contents = world.secrets.read([CORE, *names])
        assert rotation_rollback.left_late(contents, names) == [late]
        assert set(contents.without(names).readings) == {CORE}


FOREIGN = "r-20260101T000340-0010-1"
"""The label of another rotation."""


@pytest.mark.parametrize("late", [False, True])
def test_a_rotation_takes_off_its_own_labels_alone(world: World, *, late: bool) -> None:
    """Another rotation may be open by then."""
    rotator = going(world)
    world.secrets.seed(CORE, "{}", version="f" * 32, label=FOREIGN)
    rotator.clear(opened(rotator.look()), late=late)
    assert ("r1-1" in world.labels(CORE), FOREIGN in world.labels(CORE)) == (False, True)


def test_a_rotation_that_begins_takes_off_what_ended_ones_left(world: World) -> None:
    world.secrets.seed(CORE, "{}", version="f" * 32, label=FOREIGN)
    going(world)
    assert FOREIGN not in world.labels(CORE)
