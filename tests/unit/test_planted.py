# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many mistakes are planted, of which classes and for which checks."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED, PASS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import CheckResult, Outcome
from tests import planted

PLANTS = planted.registry()
MISTAKES = [plant for plant in PLANTS if plant.checks]
REAL = {planted.HOST, planted.SERVER}
RESULTS = {
    status: CheckResult(verify_check.registry()[0], (Outcome(status, ""),)) for status in (PASS, FAIL, NOT_CHECKED)
}


def test_how_many() -> None:
    """What the docs promise."""
    assert len(MISTAKES) >= 350
    assert sum(bool(plant.ways & REAL) for plant in MISTAKES) >= 350, "on real hosts and servers"
    assert len(PLANTS) - len(MISTAKES) >= 20
    assert sum(planted.HOST in plant.ways for plant in PLANTS if not plant.checks) >= 20


def test_each_class_has_some() -> None:
    assert {*Counter(plant.number for plant in PLANTS)} == {*planted.CLASSES}
    ids = [number for numbers in planted.OF_CHECKS.values() for number in numbers.split()]
    assert sorted(f"WPS{number}" for number in ids) == sorted(check.id for check in verify_check.registry())


def test_each_check_finds_some() -> None:
    assert {check for plant in MISTAKES for check in plant.checks} == {check.id for check in verify_check.registry()}


@pytest.mark.parametrize("test", planted.tests(), ids=lambda test: f"{test.__module__}.{test.__name__}")
def test_no_table_has_one_twice(test: Any) -> None:
    names = Counter(plant.name for plant in test.plants)
    assert names
    assert [name for name, count in names.items() if count > 1 or not name.strip()] == []


def test_the_registry_is_what_tests_are_given() -> None:
    @planted.mistakes("Title", planted.PROGRAM)
    @pytest.mark.parametrize(("name", "value", "check"), [("A", "x", "301"), ("B", "y", "WPS302 WPS308")])
    @pytest.mark.parametrize("place", ["here", "there"])
    def test(name: str, value: str, check: str, place: str) -> None: ...

    plants: tuple[planted.Plant, ...] = test.plants  # type: ignore[attr-defined]
    assert [(plant.name, plant.checks) for plant in plants][1:3] == [
        ("here / B: y", ("WPS302", "WPS308")),
        ("there / A: x", ("WPS301",)),
    ]
    assert {plant.number for plant in plants} == {4}


@pytest.mark.parametrize(
    ("statuses", "is_mistake", "is_variation"),
    [((FAIL,), True, False), ((NOT_CHECKED,), True, False), ((PASS,), False, True), ((), False, False)],
)
def test_a_test_must_show_the_exit_code(statuses: tuple[str, ...], is_mistake: bool, is_variation: bool) -> None:
    def test() -> None:
        for status in statuses:
            planted.found([RESULTS[status]])

    marks = (
        (planted.mistakes("t", rows={"n": "WPS201"}), is_mistake),
        (planted.variations("t", rows=["n"]), is_variation),
    )
    for mark, passes in marks:
        if passes:
            mark(test)()
        else:
            with pytest.raises(AssertionError):
                mark(test)()
