# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The planted mistakes, read from the tests that plant them, and what a run of ``verify`` makes of them.

``mistakes`` and ``variations`` mark a test, as its outermost decorator. A row of the test's parameters is a plant: no
list repeats it. Each test must decide about the exit code, by ``found`` or, after a run of the playbook, by ``ended``.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import CheckResult
from sandbox.process import REPOSITORY

PLAYBOOK, HOST, SERVER, REPOSITORY_FILES, FOLDER, AWS, GITHUB, STAND_IN, PROGRAM = (
    "a run of the playbook",
    "a real host with systemd and sshd",
    "a real server",
    "a real git repository",
    "real files in a folder, with stand-ins for systemd and processes",
    "a stand-in for AWS",
    "a stand-in for GitHub",
    "a stand-in for a server that is silent or slow",
    "the program alone, without files or servers",
)
WAYS = (PLAYBOOK, HOST, SERVER, REPOSITORY_FILES, FOLDER, AWS, GITHUB, STAND_IN, PROGRAM)
CLASSES = {
    1: "Nothing could be checked",
    2: "An answer without an end",
    3: "The process, not only the file",
    4: "The file as its readers read it",
    5: "Around the file",
    6: "Servers",
    7: "Workflows",
    8: "Git",
    9: "Roles with more rights than the catalog gives",
    10: "Values and the catalog",
    11: "Ways to rights",
    12: "Legitimate variations",
}
"""Of the mistakes that a verification was seen to miss."""
OF_CHECKS = {
    3: "207 303 306 307 601 602 603",
    4: "301 302 308",
    5: "201 202 203 204 205 206 208 209 210 211",
    6: "701 1101 1102 1103 1104",
    7: "501 502 503 504 505 506 507 508 509 510",
    8: "101 102 103 104",
    9: "401 402 405",
    10: "001 304 305 309 702 801 802 803 901 902 903 904",
    11: "002 403 404 406 407 408 409 804 1001 1002 1003",
}
"""The class of a mistake, by the first check that finds it."""
KINDS = {"echo": "WPS503", "static-key": "WPS501", "password": "WPS502", "permissions": "WPS509"}
KINDS |= {"unpinned-uses": "WPS504", "unpinned-images": "WPS504", "dangerous-triggers": "WPS505"}
"""The checks, by the kinds of workflow findings."""
CHECKS = ("checks", "check", "kind", "audit")
"""Parameters of tests that name the checks."""


@dataclass(frozen=True)
class Plant:
    title: str
    """Of the mistakes of its table."""
    name: str
    checks: tuple[str, ...]
    """Empty for a legitimate variation."""
    ways: frozenset[str]
    given_class: int

    @property
    def number(self) -> int:
        """Of its class."""
        return self.given_class or next(
            number for number, ids in OF_CHECKS.items() if self.checks[0].removeprefix("WPS") in ids.split()
        )


Test = Callable[..., None]
_exits: list[bool] = []
"""Whether each run that the present test decided about ends with an exit code other than 0."""


# --- what a test says about the exit code ---------------------------------------------------------------------------


def found(results: Iterable[CheckResult]) -> dict[str, list[str]]:
    """Evidence by the id of each check that lets a run end with an exit code other than 0."""
    results = tuple(results)
    open_checks = {
        result.check.id: [outcome.message for outcome in result.worst_first if outcome.status == result.status]
        for result in results
        if result.status in (FAIL, NOT_CHECKED)
    }
    reason = verify_check.failure(results)
    assert [*open_checks] == sorted(re.findall(r"WPS\d+", reason), key=[*open_checks].index), reason
    _exits.append(bool(reason))
    return open_checks


def ended(code: int) -> None:
    """A run of the playbook."""
    _exits.append(code != 0)


# --- the marks ------------------------------------------------------------------------------------------------------


def mistakes(
    title: str, *ways: str, checks: str = "", by: str = "", rows: Mapping[str, Any] | None = None, number: int = 0
) -> Callable[[Test], Test]:
    """Marks a test that plants mistakes. ``by`` names the parameter that tells one from another, if only one does.

    ``rows`` are those of a test without parameters, which plants one after another. Their values may name the checks.
    """

    def decorate(test: Test) -> Test:
        plants = [Plant(title, name, ids, frozenset(ways), number) for name, ids in _rows(test, by, rows, _ids(checks))]
        count = len(plants) if rows and PLAYBOOK not in ways else 1

        @functools.wraps(test)
        def run(*args: Any, **given: Any) -> None:
            _exits.clear()
            test(*args, **given)
            assert sum(_exits) >= count, "the test does not show that a run with the mistake fails"

        run.plants = plants  # type: ignore[attr-defined]
        return run

    return decorate


def variations(title: str, *ways: str, by: str = "", rows: Collection[str] | None = None) -> Callable[[Test], Test]:
    """Marks a test of legitimate variations, which fail no run."""

    def decorate(test: Test) -> Test:
        names = rows if rows is not None else [name for name, _ids in _rows(test, by, None, ())]
        plants = [Plant(title, name, (), frozenset(ways), 12) for name in names]

        @functools.wraps(test)
        def run(*args: Any, **given: Any) -> None:
            _exits.clear()
            test(*args, **given)
            assert _exits, "the test does not show that a run passes"
            assert not any(_exits), "a false alarm"

        run.plants = plants  # type: ignore[attr-defined]
        return run

    return decorate


def short(text: object) -> str:
    """A test's id, from what names its plant."""
    return str(text)[:40]


def _rows(
    test: Test, by: str, rows: Mapping[str, Any] | None, checks: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name and checks of each."""
    if rows is not None:
        yield from ((name, checks or _ids(value)) for name, value in rows.items())
        return
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    marks = [mark for mark in marks if not by or by in _arguments(mark)]
    for row in itertools.product(*(_of_mark(mark, by) for mark in marks)):
        named = checks or next((ids for _name, ids in row if ids), ())
        yield " / ".join(name for name, _ids in row), named


def _of_mark(mark: pytest.Mark, by: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    arguments = _arguments(mark)
    values = [*mark.args[1]]
    ids = mark.kwargs.get("ids")
    names = [None] * len(values) if ids is None or callable(ids) else [*ids]
    for value, name in zip(values, names, strict=True):
        row = dict(zip(arguments, value if len(arguments) > 1 else [value], strict=True))
        own = next((_ids(row[argument]) for argument in CHECKS if argument in row), ())
        texts = [str(text) for argument, text in row.items() if argument not in CHECKS and by in ("", argument)]
        yield str(name) if name is not None else ": ".join(texts), own


def _arguments(mark: pytest.Mark) -> list[str]:
    names = mark.args[0]
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else [*names]


def _ids(checks: Any) -> tuple[str, ...]:
    words = checks.split() if isinstance(checks, str) else sorted(checks)
    return tuple(KINDS.get(word) or (word if word.startswith("WPS") else f"WPS{word}") for word in words)


# --- the registry ---------------------------------------------------------------------------------------------------


@functools.cache
def registry() -> tuple[Plant, ...]:
    """Every plant once, with all ways by which tests plant it."""
    plants: dict[tuple[Any, ...], Plant] = {}
    for plant in (plant for test in tests() for plant in test.plants):  # type: ignore[attr-defined]
        keys = (plant.name, plant.checks), (plant.title, plant.name, not plant.checks)
        known = next((plants[key] for key in keys if key in plants), plant)
        checks = tuple(dict.fromkeys((*known.checks, *plant.checks)))
        merged = replace(known, checks=checks, ways=known.ways | plant.ways)
        plants |= {key: merged for key, other in plants.items() if other is known} | dict.fromkeys(keys, merged)
    return tuple(dict.fromkeys(plants.values()))


@functools.cache
def tests() -> tuple[Test, ...]:
    """All that are marked."""
    paths = sorted((REPOSITORY / "tests").rglob("test_*.py"))
    marked = [path for path in paths if re.search(r"^@planted\.", path.read_text(encoding="utf-8"), re.MULTILINE)]
    modules = [importlib.import_module(".".join(path.relative_to(REPOSITORY).with_suffix("").parts)) for path in marked]
    return tuple(test for module in modules for test in vars(module).values() if hasattr(test, "plants"))
