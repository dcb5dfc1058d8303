# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the twins in memory give to simulations, and that they do as Secrets Manager does in any order of acts."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Denied,
    NoAccess,
    SecretsError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import DENIED
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager
from tests.fakes.memory_stores import Hook, MemoryParameters, MemorySecrets

IDS = ["%032d" % number for number in range(4)]
Moto = Callable[[str], tuple[Any, list[str]]]


class Recorder(Hook):
    """Writes down every act, and raises where it is reported to."""

    def __init__(self, *, fail_before: str = "", fail_after: str = "", error: Exception | None = None) -> None:
        self.acts: list[str] = []
        self.fail_before, self.fail_after = fail_before, fail_after
        self.error = error or NoAccess("cut off")

    def before(self, op: str, name: str) -> None:
        self.acts.append(f"{op} {name}")
        if op == self.fail_before:
            raise self.error

    def after(self, op: str, name: str) -> None:
        if op == self.fail_after:
            raise self.error


class TestHook:
    def test_every_single_act_of_secrets(self) -> None:
        hook = Recorder()
        store = MemorySecrets(hook)
        store.create("a", "1", version=IDS[0])
        store.stage("a", "2", version=IDS[1], label="ours")
        store.promote("a", to=IDS[1], instead_of=IDS[0])
        store.discard("a", version=IDS[1], labels=["ours"])
        store.read(["a", "b"])
        store.delete("a")
        assert hook.acts == [*("create a", "put a", "describe a", "move a", "move a", "read a", "read b", "delete a")]

    def test_every_single_act_of_parameters(self) -> None:
        hook = Recorder()
        store = MemoryParameters(hook)
        store.create("/p/a", "1")
        store.overwrite("/p/a", "2", instead_of=1)
        store.read(["/p"], pins={"/p/a": "1"})
        store.delete(["/p/a", "/p/b"])
        assert hook.acts == [
            *("create /p/a", "look /p/a", "write /p/a", "read /p", "read /p/a", "delete /p/a", "delete /p/b")
        ]

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_cut_off_at_an_act(self, moment: str) -> None:
        store = MemorySecrets()
        store.seed("a", "1", version=IDS[0])
        store.hook = Recorder(**{f"fail_{moment}": "put"})
        with pytest.raises(NoAccess, match="cut off"):
            store.stage("a", "2", version=IDS[1], label="ours")
        assert (IDS[1] in store.versions("a")) == (moment == "after")

    def test_a_denied_read_is_a_failure_of_that_name(self) -> None:
        denial = Recorder(fail_before="read", error=Denied("denied", "no policy"))
        for store, name in ((MemorySecrets(denial), "a"), (MemoryParameters(denial), "/p")):
            failure = store.read([name]).failures[name]
            assert (failure.reason, failure.detail) == (DENIED, "no policy")

    def test_a_denied_look_at_what_a_version_holds_is_no_conflict(self) -> None:
        store = MemorySecrets()
        store.seed("a", "1", version=IDS[0])
        store.hook = Recorder(fail_before="read", error=Denied("denied", "no policy"))
        with pytest.raises(
            Denied, match=rf"secret a cannot be read \(access denied\), so the content of version {IDS[0]} is unknown"
        ):
            store.stage("a", "2", version=IDS[0], label="ours")

    def test_their_value_is_not_put_back_over_a_third_one(self) -> None:
        store = MemoryParameters()
        store.seed("/p/a", "1")

        class Race(Recorder):
            def before(self, op: str, name: str) -> None:
                if op == "write":
                    store.hook = Later()
                    store.seed(name, "theirs")

        class Later(Hook):
            def before(self, op: str, name: str) -> None:
                if op == "look":
                    store.seed(name, "a third one's")

        store.hook = Race()
        with pytest.raises(SecretsError, match="write it again by hand"):
            store.overwrite("/p/a", "2", instead_of=1)
        assert store.read(["/p"], pins={"/p/a": "4"}).readings["/p/a"].value == "a third one's"

    def test_their_value_that_cannot_be_put_back_is_named(self) -> None:
        store = MemoryParameters()
        store.seed("/p/a", "1")

        class Race(Hook):
            def before(self, op: str, name: str) -> None:
                if op == "write":
                    store.seed(name, "theirs")
                    store.hook = Recorder(fail_before="write")

        store.hook = Race()
        with pytest.raises(SecretsError, match=r"write it again by hand if it is needed \(cut off\)"):
            store.overwrite("/p/a", "2", instead_of=1)


def test_values_are_in_no_repr() -> None:
    secrets, parameters = MemorySecrets(), MemoryParameters()
    secrets.seed("a", "canary")
    parameters.seed("/p/a", "canary")
    assert "canary" not in repr(vars(secrets)) + repr(vars(parameters))


def test_what_was_written_by_others_has_ids_of_its_own() -> None:
    store = MemorySecrets()
    first, second = store.seed("a", "1"), store.seed("a", "2")
    assert first != second
    assert 32 <= len(second) <= 64
    assert store.describe("a").stages == {"AWSCURRENT": second, "AWSPREVIOUS": first}
    assert list(store.versions("a")) == [first, second]
    assert list(store.versions("b")) == []


def outcome(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except SecretsError as error:
        return type(error).__name__


VERSION, TEXT, LABEL = st.sampled_from(IDS), st.sampled_from(["one", "two"]), st.sampled_from(["AWSPENDING", "ours"])
ACTS = st.one_of(
    st.tuples(st.just("create"), st.tuples(TEXT), st.fixed_dictionaries({"version": VERSION})),
    st.tuples(st.just("stage"), st.tuples(TEXT), st.fixed_dictionaries({"version": VERSION, "label": LABEL})),
    st.tuples(
        st.just("promote"),
        st.just(()),
        st.fixed_dictionaries(
            {"to": VERSION, "instead_of": st.none() | VERSION, "label": LABEL | st.just("AWSCURRENT")}
        ),
    ),
    st.tuples(
        st.just("discard"),
        st.just(()),
        st.fixed_dictionaries({"version": VERSION, "labels": st.lists(LABEL | st.just("AWSPREVIOUS"), unique=True)}),
    ),
    st.tuples(st.just("delete"), st.just(()), st.just({})),
)


def test_secrets_in_any_order(moto: Moto) -> None:
    real, twin, names = SecretsManager(moto("secretsmanager")[0]), MemorySecrets(), itertools.count()

    @given(st.lists(ACTS, max_size=12))
    @example(
        [
            ("create", ("one",), {"version": IDS[0]}),
            ("promote", (), {"to": IDS[0], "instead_of": None, "label": "AWSPENDING"}),
            ("stage", ("one",), {"version": IDS[0], "label": "ours"}),
            ("create", ("one",), {"version": IDS[0]}),
            ("create", ("two",), {"version": IDS[0]}),
        ]
    )
    def alike(acts: list[tuple[str, tuple[str, ...], dict[str, Any]]]) -> None:
        secret = f"s{next(names)}"
        for act, given_, extra in acts:
            outcomes = [outcome(lambda: getattr(store, act)(secret, *given_, **extra)) for store in (real, twin)]  # noqa: B023
            assert outcomes[0] == outcomes[1], (act, given_, extra)
            seen = [outcome(lambda: dict(store.describe(secret).stages)) for store in (real, twin)]  # noqa: B023
            assert seen[0] == seen[1], (act, given_, extra)
        for version in IDS:
            texts = [store.read([secret], pins={secret: version}).readings.get(secret) for store in (real, twin)]
            assert texts[0] == texts[1]

    alike()


PARAMETER_ACTS = st.one_of(
    st.tuples(st.just("create"), TEXT, st.just({})),
    st.tuples(st.just("overwrite"), TEXT, st.fixed_dictionaries({"instead_of": st.integers(0, 6)})),
    st.tuples(st.just("delete"), st.none(), st.just({})),
)


def test_parameters_in_any_order(moto: Moto) -> None:
    real, twin, paths = ParameterStore(moto("ssm")[0]), MemoryParameters(), itertools.count()

    @given(st.lists(PARAMETER_ACTS, max_size=12))
    def alike(acts: list[tuple[str, str | None, dict[str, Any]]]) -> None:
        path = f"/p{next(paths)}"
        for act, value, extra in acts:
            given_: tuple[Any, ...] = ([f"{path}/A"],) if value is None else (f"{path}/A", value)
            outcomes = [outcome(lambda: getattr(store, act)(*given_, **extra)) for store in (real, twin)]  # noqa: B023
            assert outcomes[0] == outcomes[1], (act, value, extra)
            assert real.read([path]) == twin.read([path])

    alike()


def test_a_version_keeps_its_content() -> None:
    store = MemorySecrets()
    store.seed("a", "1", version="v" * 32)
    with pytest.raises(AlreadyExists):
        store.seed("a", "2", version="v" * 32)
    assert store.read(["a"]).readings["a"].value == "1"
