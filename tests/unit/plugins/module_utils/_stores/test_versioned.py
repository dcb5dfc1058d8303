# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every store of secrets with versions does: Secrets Manager as moto plays it, and the twin in memory."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import DELETED, MISSING
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form

V1, V2, V3, GONE = ("%032d" % number for number in (1, 2, 3, 9))
OURS = "run-1"


@pytest.fixture
def core(secrets: Any) -> Any:
    """The store, in which secret core has version V1 as its current one."""
    secrets.write("core", "canary-1", V1)
    return secrets.store


def value(store: Any, name: str = "core", **version: Any) -> str:
    text: str = store.read([name], **version).readings[name].value
    return text


def test_every_version_is_listed_without_labels_too(secrets: Any) -> None:
    for version in (V1, V2, V3):
        secrets.write("core", f"canary-{version}", version)
    assert V1 not in secrets.store.describe("core").stages.values()
    assert sorted(secrets.store.every_version("core")) == [V1, V2, V3]
    labels = {version.id: list(version.labels) for version in secrets.store.list_versions("core")}
    assert labels == {V1: [], V2: ["AWSPREVIOUS"], V3: ["AWSCURRENT"]}


class TestCreate:
    def test_the_first_version_is_current(self, secrets: Any) -> None:
        store = secrets.store
        store.create("own", "canary-1", version=V1, form=Form("what for"))
        assert store.describe("own").stages == {"AWSCURRENT": V1}
        assert value(store, "own") == "canary-1"

    def test_the_same_again_is_fine(self, secrets: Any) -> None:
        for _time in range(2):
            secrets.store.create("own", "canary-1", version=V1)
        assert secrets.store.describe("own").stages == {"AWSCURRENT": V1}

    def test_the_same_again_is_fine_when_it_is_current_no_more(self, secrets: Any) -> None:
        secrets.store.create("own", "canary-1", version=V1)
        secrets.write("own", "canary-2", V2)
        secrets.store.create("own", "canary-1", version=V1)
        assert value(secrets.store, "own") == "canary-2"

    @pytest.mark.parametrize(("content", "version"), [("canary-2", V1), ("canary-1", V2), ("canary-2", V2)])
    def test_anything_else_is_refused(self, core: Any, content: str, version: str) -> None:
        with pytest.raises(AlreadyExists, match=f"secret core already exists.* lacks version {version}") as e:
            core.create("core", content, version=version)
        assert "canary" not in str(e.value)
        assert value(core) == "canary-1"

    # With the very same version moto would say yes, and AWS no.
    def test_a_name_that_is_still_being_deleted(self, secrets: Any, core: Any) -> None:
        secrets.schedule_deletion("core")
        with pytest.raises(AlreadyExists, match="still being deleted"):
            core.create("core", "canary-1", version=V2)

    def test_a_lost_answer(self, secrets: Any) -> None:
        secrets.twice("CreateSecret")
        secrets.store.create("own", "canary-1", version=V1)
        assert secrets.store.describe("own").stages == {"AWSCURRENT": V1}

    def test_somebody_makes_it_in_the_same_moment(self, secrets: Any) -> None:
        secrets.meanwhile("CreateSecret", lambda: secrets.write("own", "canary-theirs", V2))
        with pytest.raises(AlreadyExists):
            secrets.store.create("own", "canary-1", version=V1)
        assert value(secrets.store, "own") == "canary-theirs"


class TestStage:
    def test_a_version_under_our_label(self, core: Any) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        assert core.describe("core").stages == {"AWSCURRENT": V1, OURS: V2}
        assert value(core) == "canary-1"
        assert value(core, stages={"core": OURS}) == "canary-2"
        assert value(core, pins={"core": V2}) == "canary-2"

    def test_the_same_again_is_fine(self, core: Any) -> None:
        for _time in range(2):
            core.stage("core", "canary-2", version=V2, label=OURS)
        assert core.describe("core").stages == {"AWSCURRENT": V1, OURS: V2}

    def test_a_lost_answer(self, secrets: Any, core: Any) -> None:
        secrets.twice("PutSecretValue")
        core.stage("core", "canary-2", version=V2, label=OURS)
        assert core.describe("core").stages == {"AWSCURRENT": V1, OURS: V2}

    def test_the_label_came_back_by_itself(self, secrets: Any, core: Any) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        core.discard("core", version=V2, labels=[OURS])
        secrets.meanwhile("UpdateSecretVersionStage", lambda: core.promote("core", to=V2, instead_of=None, label=OURS))
        core.stage("core", "canary-2", version=V2, label=OURS)
        assert core.describe("core").stages == {"AWSCURRENT": V1, OURS: V2}

    def test_a_lost_label_is_put_back(self, core: Any) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        core.discard("core", version=V2, labels=[OURS])
        core.stage("core", "canary-2", version=V2, label=OURS)
        assert core.describe("core").stages == {"AWSCURRENT": V1, OURS: V2}

    def test_the_label_comes_back_from_another_version(self, core: Any) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        core.stage("core", "canary-3", version=V3, label=OURS)
        assert core.describe("core").stages[OURS] == V3
        core.stage("core", "canary-2", version=V2, label=OURS)
        assert core.describe("core").stages == {"AWSCURRENT": V1, OURS: V2}

    def test_several_labels_stand_beside_each_other(self, core: Any) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        core.stage("core", "canary-2", version=V2, label="run-2")
        assert core.describe("core").stages == {"AWSCURRENT": V1, OURS: V2, "run-2": V2}

    @pytest.mark.parametrize("version", [V1, V2])
    def test_an_id_that_other_content_has(self, core: Any, version: str) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        with pytest.raises(Conflict, match=f"secret core: version {version} already has other content") as error:
            core.stage("core", "canary-other", version=version, label="run-2")
        assert "canary" not in str(error.value)
        assert core.describe("core").stages == {"AWSCURRENT": V1, OURS: V2}

    def test_an_id_stays_taken_when_its_labels_are_gone(self, core: Any) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        core.discard("core", version=V2, labels=[OURS])
        with pytest.raises(Conflict):
            core.stage("core", "canary-other", version=V2, label=OURS)

    @pytest.mark.parametrize("label", ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"])
    def test_labels_of_aws_are_not_taken_from_others(self, core: Any, label: str) -> None:
        with pytest.raises(StoreError, match=f"label {label} is shared with other writers"):
            core.stage("core", "canary-2", version=V2, label=label)
        assert core.describe("core").stages == {"AWSCURRENT": V1}

    def test_a_secret_that_is_not_there(self, secrets: Any) -> None:
        with pytest.raises(NotFound, match="secret core"):
            secrets.store.stage("core", "canary-2", version=V2, label=OURS)

    @pytest.mark.parametrize("content", ["", "x" * 65537, "é" * 32769])
    def test_what_aws_would_not_take_is_refused_before_the_call(self, core: Any, content: str) -> None:
        with pytest.raises(StoreError, match=r"secret core would hold [\d,]+ bytes, but must hold 1 to 65,536"):
            core.stage("core", content, version=V2, label=OURS)
        with pytest.raises(StoreError, match="secret own would hold"):
            core.create("own", content, version=V2)
        with pytest.raises(NotFound):
            core.describe("own")

    @pytest.mark.parametrize("content", ["x" * 65536, "é" * 32768])
    def test_the_largest_content(self, core: Any, content: str) -> None:
        core.stage("core", content, version=V2, label=OURS)
        assert value(core, pins={"core": V2}) == content


class TestPromote:
    @pytest.fixture(autouse=True)
    def _staged(self, core: Any) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        core.stage("core", "canary-3", version=V3, label="run-3")

    def test_the_label_moves_and_the_former_version_is_marked(self, core: Any) -> None:
        core.promote("core", to=V2, instead_of=V1)
        assert core.describe("core").stages == {"AWSCURRENT": V2, "AWSPREVIOUS": V1, OURS: V2, "run-3": V3}
        assert value(core) == "canary-2"

    def test_there_already_is_fine(self, core: Any) -> None:
        for _time in range(2):
            core.promote("core", to=V2, instead_of=V1)
        assert core.describe("core").stages["AWSPREVIOUS"] == V1

    def test_there_already_is_fine_whatever_it_was_to_come_from(self, core: Any) -> None:
        core.promote("core", to=V1, instead_of=GONE)
        core.promote("core", to=V1, instead_of=None)
        assert core.describe("core").stages["AWSCURRENT"] == V1

    def test_back_again(self, core: Any) -> None:
        core.promote("core", to=V2, instead_of=V1)
        core.promote("core", to=V1, instead_of=V2)
        assert core.describe("core").stages == {"AWSCURRENT": V1, "AWSPREVIOUS": V2, OURS: V2, "run-3": V3}

    def test_somebody_moved_it_meanwhile(self, secrets: Any, core: Any) -> None:
        secrets.write("core", "canary-theirs", "4" * 32)
        with pytest.raises(
            Conflict, match=f"AWSCURRENT. The label is on version {'4' * 32}, but should be on version {V1}"
        ) as error:
            core.promote("core", to=V2, instead_of=V1)
        assert "canary" not in str(error.value)
        assert value(core) == "canary-theirs"

    def test_a_lost_answer(self, secrets: Any, core: Any) -> None:
        secrets.twice("UpdateSecretVersionStage")
        core.promote("core", to=V2, instead_of=V1)
        assert core.describe("core").stages == {"AWSCURRENT": V2, "AWSPREVIOUS": V1, OURS: V2, "run-3": V3}

    def test_somebody_moves_it_in_the_same_moment(self, secrets: Any, core: Any) -> None:
        secrets.meanwhile("UpdateSecretVersionStage", lambda: secrets.write("core", "canary-theirs", "4" * 32))
        with pytest.raises(
            Conflict, match=f"AWSCURRENT. The label is on version {'4' * 32}, but should be on version {V1}"
        ):
            core.promote("core", to=V2, instead_of=V1)
        assert value(core) == "canary-theirs"

    def test_somebody_makes_the_secret_anew_in_the_same_moment(self, secrets: Any, core: Any) -> None:
        def anew() -> None:
            core.delete("core")
            secrets.write("core", "canary-theirs", "4" * 32)

        secrets.meanwhile("UpdateSecretVersionStage", anew)
        with pytest.raises(Conflict, match=f"AWSCURRENT. The label is on version {'4' * 32}"):
            core.promote("core", to=V2, instead_of=V1)
        assert value(core) == "canary-theirs"

    def test_the_secret_goes_in_the_same_moment(self, secrets: Any, core: Any) -> None:
        secrets.meanwhile("UpdateSecretVersionStage", lambda: core.delete("core"))
        with pytest.raises(NotFound, match="secret core"):
            core.promote("core", to=V2, instead_of=V1)

    # moto attaches a label twice where AWS wants RemoveFromVersionId; so we look before, and send it all the same.
    def test_a_label_that_should_be_nowhere(self, core: Any) -> None:
        core.promote("core", to=V2, instead_of=None, label="AWSPENDING")
        core.promote("core", to=V2, instead_of=None, label="AWSPENDING")
        with pytest.raises(Conflict, match=f"AWSPENDING. The label is on version {V2}, but should be on no version"):
            core.promote("core", to=V3, instead_of=None, label="AWSPENDING")
        assert core.describe("core").stages["AWSPENDING"] == V2
        core.promote("core", to=V3, instead_of=V2, label="AWSPENDING")
        assert core.describe("core").stages["AWSPENDING"] == V3

    def test_a_label_that_is_nowhere(self, core: Any) -> None:
        with pytest.raises(Conflict, match=f"AWSPENDING. The label is on no version, but should be on version {V1}"):
            core.promote("core", to=V2, instead_of=V1, label="AWSPENDING")

    # moto takes the label off the old version before it finds that there is no new one.
    def test_a_version_that_is_not_there_costs_the_old_one_nothing(self, core: Any) -> None:
        with pytest.raises(NotFound, match=f"secret core has no readable version {GONE} .*stage it again"):
            core.promote("core", to=GONE, instead_of=V1)
        assert core.describe("core").stages["AWSCURRENT"] == V1

    def test_a_version_without_labels_can_be_promoted(self, core: Any) -> None:
        core.discard("core", version=V2, labels=[OURS])
        core.promote("core", to=V2, instead_of=V1)
        assert value(core) == "canary-2"

    # moto goes on writing to a secret that is scheduled for deletion.
    def test_a_secret_that_is_scheduled_for_deletion(self, secrets: Any, core: Any) -> None:
        secrets.schedule_deletion("core")
        with pytest.raises(NotFound, match="secret core is scheduled for deletion; restore it"):
            core.promote("core", to=V2, instead_of=V1)

    def test_a_secret_that_is_not_there(self, core: Any) -> None:
        with pytest.raises(NotFound, match="secret none"):
            core.promote("none", to=V2, instead_of=V1)


class TestDiscard:
    @pytest.fixture(autouse=True)
    def _staged(self, core: Any) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        core.stage("core", "canary-3", version=V3, label="run-3")
        core.promote("core", to=V2, instead_of=None, label="AWSPENDING")

    def test_only_these_labels_of_only_this_version(self, core: Any) -> None:
        core.discard("core", version=V2, labels=["AWSPENDING", OURS, "run-3", "nowhere"])
        assert core.describe("core").stages == {"AWSCURRENT": V1, "run-3": V3}
        assert value(core, pins={"core": V2}) == "canary-2", "AWS keeps it for a while"

    def test_again_is_fine(self, core: Any) -> None:
        for _time in range(2):
            core.discard("core", version=V2, labels=[OURS])
        assert core.describe("core").stages == {"AWSCURRENT": V1, "AWSPENDING": V2, "run-3": V3}

    def test_a_lost_answer(self, secrets: Any, core: Any) -> None:
        secrets.twice("UpdateSecretVersionStage")
        core.discard("core", version=V2, labels=[OURS])
        assert OURS not in core.describe("core").stages

    def test_somebody_moves_it_in_the_same_moment(self, secrets: Any, core: Any) -> None:
        secrets.meanwhile("UpdateSecretVersionStage", lambda: core.promote("core", to=V3, instead_of=V2, label=OURS))
        core.discard("core", version=V2, labels=[OURS])
        assert core.describe("core").stages[OURS] == V3

    def test_the_current_version_stays_current(self, core: Any) -> None:
        with pytest.raises(StoreError, match="AWSCURRENT cannot be removed from"):
            core.discard("core", version=V1, labels=[OURS, "AWSCURRENT"])
        assert core.describe("core").stages["AWSCURRENT"] == V1

    def test_a_secret_that_is_gone_has_no_labels(self, secrets: Any, core: Any) -> None:
        core.discard("none", version=V2, labels=[OURS])
        secrets.schedule_deletion("core")
        core.discard("core", version=V2, labels=[OURS])  # AWS refuses, and moto takes it off
        assert core.describe("core").stages["AWSCURRENT"] == V1


class TestDescribe:
    def test_a_secret(self, core: Any) -> None:
        result = core.describe("core")
        assert (result.name, result.stages, result.rotation_enabled, result.deleted) == (
            "core",
            {"AWSCURRENT": V1},
            False,
            False,
        )
        assert "core" in result.arn
        assert "canary" not in repr(result)

    def test_one_with_rotation_of_its_own(self, secrets: Any, core: Any) -> None:
        secrets.switch_rotation_on("core")
        assert core.describe("core").rotation_enabled

    def test_one_that_is_scheduled_for_deletion(self, secrets: Any, core: Any) -> None:
        secrets.schedule_deletion("core")
        assert core.describe("core").deleted

    def test_one_that_is_not_there(self, core: Any) -> None:
        with pytest.raises(NotFound, match="secret none"):
            core.describe("none")


class TestDelete:
    def test_it_is_gone_at_once(self, core: Any) -> None:
        core.delete("core")
        core.delete("core")
        with pytest.raises(NotFound):
            core.describe("core")
        core.create("core", "canary-new", version=V1)
        assert value(core) == "canary-new"

    def test_also_when_it_was_to_go_later(self, secrets: Any, core: Any) -> None:
        secrets.schedule_deletion("core")
        core.delete("core")
        with pytest.raises(NotFound):
            core.describe("core")


class TestRead:
    def test_what_is_not_there(self, secrets: Any, core: Any) -> None:
        secrets.write("old", "canary", V1)
        secrets.schedule_deletion("old")
        result = core.read(["core", "none", "old", "core"])
        assert set(result.readings) == {"core"}
        assert {name: failure.reason for name, failure in result.failures.items()} == {"none": MISSING, "old": DELETED}

    @pytest.mark.parametrize("ask", [{"pins": {"core": GONE}}, {"stages": {"core": "nowhere"}}])
    def test_a_version_that_is_not_there_is_never_answered_by_another(self, core: Any, ask: Any) -> None:
        result = core.read(["core"], **ask)
        assert (
            dict(result.readings),
            result.failures["core"].reason,
        ) == ({}, MISSING)

    def test_what_the_pins_and_stages_of_others_ask_for_is_not_read(self, core: Any) -> None:
        assert set(core.read(["core"], pins={"other": V1}, stages={"more": "x"}).readings) == {"core"}
