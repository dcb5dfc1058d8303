# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is decided on AWS's newest state although reads are behind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AlreadyExists, Conflict, NotFound
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import Settling
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sent_records import SentStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sync_plan import GithubTarget, Sent
from tests.fakes.memory_stores import Hook, MemoryParameters, MemorySecrets

V1, V2, V3 = ("%032d" % number for number in (1, 2, 3))
OURS, NAME = "run-1", "/shop/test/MODE"
BEHIND = 10


class Late(Hook):
    """Every read is as far behind as it can be; a pause lets time pass."""

    def __init__(self) -> None:
        self.now = 100.0

    def tick(self) -> int:
        return int(self.now)

    def horizon(self) -> int:
        return BEHIND

    def age(self, op: str, name: str) -> int:
        return BEHIND

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def before(self, op: str, name: str) -> None:
        self.now += 0.01


@pytest.fixture
def late() -> Late:
    return Late()


@pytest.fixture
def core(late: Late) -> MemorySecrets:
    store = MemorySecrets(late)
    store.settling = Settling(sleep=late.sleep)
    store.seed("core", "canary-1", version=V1)
    late.now += 100
    return store


@pytest.fixture
def parameters(late: Late) -> MemoryParameters:
    store = MemoryParameters(late)
    store.settling = Settling(sleep=late.sleep)
    store.seed(NAME, "old")
    late.now += 100
    return store


def newest(store: MemorySecrets) -> dict[str, str]:
    return store._secrets["core"].stages


class TestSettling:
    def test_an_answer_that_is_due_needs_no_pause(self, late: Late) -> None:
        assert Settling(sleep=late.sleep).until(lambda: 1, bool) == 1
        assert late.now == 100

    def test_patience_has_an_end(self, late: Late) -> None:
        assert Settling(patience=3, sleep=late.sleep).until(lambda: 0, bool) == 0
        assert 103 <= late.now < 108

    @pytest.mark.parametrize(
        ("at", "paused"),
        [("", 0), ("2026-01-01T00:00:00Z", 0), ("2026-01-01T00:00:58Z", 3), ("2026-01-01T00:09:00Z", 5)],
        ids=["nothing was written", "long ago", "just now", "by a clock that is ahead"],
    )
    def test_waits_for_what_remains(self, late: Late, at: str, paused: float) -> None:
        Settling(sleep=late.sleep).wait_since(at, datetime(2026, 1, 1, 0, 1, tzinfo=UTC))
        assert late.now == 100 + paused


class TestLabels:
    def test_the_twin_is_behind(self, core: MemorySecrets, late: Late) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        assert OURS not in core.describe("core").stages
        assert core.read(["core"], pins={"core": V2}).is_missing("core")
        late.now += BEHIND
        assert core.describe("core").stages[OURS] == V2

    def test_a_version_that_was_just_staged_is_promoted(self, core: MemorySecrets) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        core.promote("core", to=V2, instead_of=V1)
        assert newest(core)["AWSCURRENT"] == V2

    def test_who_planned_from_the_newest_version_is_not_refused(self, core: MemorySecrets) -> None:
        core.seed("core", "canary-2", version=V2)
        core.stage("core", "canary-3", version=V3, label=OURS)
        core.promote("core", to=V3, instead_of=V2)
        assert newest(core)["AWSCURRENT"] == V3

    def test_who_planned_from_an_older_one_learns_the_newest(self, core: MemorySecrets) -> None:
        core.stage("core", "canary-3", version=V3, label=OURS)
        core.seed("core", "canary-2", version=V2)
        with pytest.raises(Conflict, match=f"AWSCURRENT. The label is on version {V2}, but should be on version {V1}"):
            core.promote("core", to=V3, instead_of=V1)

    def test_a_label_comes_off_though_it_is_not_shown(self, core: MemorySecrets) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        core.discard("core", version=V2, labels=[OURS])
        assert OURS not in newest(core)

    def test_a_label_that_came_off_is_fine_though_it_is_shown(self, core: MemorySecrets, late: Late) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        late.now += BEHIND
        for _time in range(2):
            core.discard("core", version=V2, labels=[OURS])
        assert OURS not in newest(core)

    def test_a_label_that_moved_meanwhile_is_put_back(self, core: MemorySecrets, late: Late) -> None:
        core.stage("core", "canary-2", version=V2, label=OURS)
        late.now += BEHIND
        core.stage("core", "canary-3", version=V3, label=OURS)
        core.stage("core", "canary-2", version=V2, label=OURS)
        assert newest(core)[OURS] == V2

    def test_who_lost_the_race_to_make_a_secret_sees_its_own(self, core: MemorySecrets) -> None:
        core.seed("own", "canary-1", version=V1)
        core.seed("own", "canary-2", version=V2)

        def refuse(*_given: object, **_form: object) -> None:
            raise AlreadyExists("own is there")

        core._create = refuse  # type: ignore[method-assign]
        core.create("own", "canary-1", version=V1)
        with pytest.raises(AlreadyExists):
            core.create("own", "canary-3", version=V2)


class TestParameters:
    def test_a_parameter_that_was_just_written_is_written_over(self, parameters: MemoryParameters) -> None:
        number = parameters.overwrite(NAME, "new", instead_of=1)
        assert parameters.overwrite(NAME, "newer", instead_of=number) == 3

    def test_one_that_was_just_made(self, parameters: MemoryParameters) -> None:
        parameters.create("/shop/test/NEW", "x")
        assert parameters.overwrite("/shop/test/NEW", "y", instead_of=1) == 2

    def test_one_that_is_gone(self, parameters: MemoryParameters) -> None:
        with pytest.raises(NotFound):
            parameters.overwrite("/shop/test/GONE", "y", instead_of=1)

    def test_somebody_wrote_a_moment_ago(self, parameters: MemoryParameters) -> None:
        parameters.seed(NAME, "theirs")
        with pytest.raises(Conflict, match=r"version 3 was written instead of 2.*was restored as version 4"):
            parameters.overwrite(NAME, "ours", instead_of=1)
        assert parameters._parameters[NAME].values[-1] == "theirs"

    def test_a_record_that_another_run_just_made(self, parameters: MemoryParameters) -> None:
        first, second = (SentStore(parameters, "/sent") for _run in range(2))
        target = GithubTarget("secret", "repository", "TOKEN")
        second.read()
        first.write(target, Sent("1", "then"))
        second.write(target, Sent("2", "now"))
        assert len(parameters._parameters["/sent/repository/secret/TOKEN"].values) == 2


def test_versions_that_are_known_to_be_there_are_waited_for(core: MemorySecrets, late: Late) -> None:
    core.seed("core", "canary-2", version=V2)
    before = late.now
    assert core.read_known(["core"], pins={"core": V2}).readings["core"].value == "canary-2"
    assert late.now > before + 1
    assert core.read_known(["core"], pins={"core": V3}).is_missing("core")
