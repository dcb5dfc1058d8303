# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import DROP_FALLBACK, ROTATE, Item
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.promotion import (
    Promotion,
    is_over,
    is_untouched,
    merged_message,
    outwritten,
    taken,
)

CORE = "app/test/core"
CATALOG: dict[str, Any] = {
    "application": "app",
    "settings": {
        "URL": {"group": "core", "type": "url"},
        "KEY": {"group": "core"},
        "FALLBACKS": {"group": "core", "type": "list"},
        "ELSEWHERE": {"group": "more"},
    },
    "credentials": {
        "database": {"kind": "k", "appears_in": [{"setting": "URL"}]},
        "django": {"kind": "k", "appears_in": [{"setting": "KEY"}], "fallbacks": "FALLBACKS"},
        "elsewhere": {"kind": "k", "appears_in": [{"setting": "ELSEWHERE"}]},
    },
}
PARSED = catalog_parser.parse(CATALOG, "test")
HELD = {"URL": "redis://:old@h", "KEY": "old-key", "FALLBACKS": "", "NOTE": "x"}
NEW = {"database": Login(None, "new"), "django": Login(None, "new-key"), "elsewhere": Login(None, "new-e")}


@pytest.fixture
def core(holding: Callable[..., Contents]) -> Callable[..., Contents]:
    def make(**changed: str) -> Contents:
        return holding({CORE: json.dumps({**HELD, **changed})})

    return make


def items(*names: str, act: str = ROTATE) -> tuple[Item, ...]:
    return tuple(Item(name, "k", act) for name in names)


@pytest.mark.parametrize(
    ("changed", "untouched"),
    [
        ({}, True),
        ({"NOTE": "y"}, True),
        ({"URL": "redis://:old@elsewhere"}, False),
        ({"KEY": "by hand"}, False),
        ({"FALLBACKS": "by hand"}, False),
    ],
)
def test_the_keys_that_rotate(core: Any, changed: dict[str, str], untouched: bool) -> None:
    results = items("database", "django", "elsewhere")
    assert is_untouched(PARSED, results, CORE, core(), core(**changed)) is untouched
    assert is_untouched(PARSED, (), CORE, core(), core(**changed))
    assert is_untouched(PARSED, results, "another", core(), core(**changed))


@pytest.mark.parametrize(
    ("changed", "over"),
    [
        ({}, False),
        ({"URL": "redis://:new@h"}, False),
        ({"URL": "redis://:new@h", "KEY": "new-key"}, True),
        ({"URL": "redis://:new@elsewhere", "KEY": "new-key", "NOTE": "y"}, True),
        ({"URL": "redis://:new@h", "KEY": "by hand"}, False),
    ],
)
def test_what_was_written_over_a_promotion(core: Any, changed: dict[str, str], over: bool) -> None:
    assert is_over(PARSED, items("database", "django", "elsewhere"), NEW, core(**changed)) is over


def test_nothing_was_promoted_in_a_secret_without_a_rotating_key(core: Any) -> None:
    assert not is_over(PARSED, items("elsewhere"), NEW, core())
    assert not is_over(PARSED, items("django", act=DROP_FALLBACK), NEW, core(KEY="new-key"))


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({}, None),
        ({"a": "ready", "b": "over"}, None),
        ({"a": "moved", "b": "ready", "c": "moved"}, None),
        (
            {"a": "moved", "b": "taken"},
            Promotion("taken", ("b",), message="somebody changed rotating keys of secret b; that change was kept"),
        ),
    ],
)
def test_what_somebody_changed_in_the_keys_that_rotate_stands_against_it(
    states: dict[str, str], expected: Promotion | None
) -> None:
    assert taken(states) == expected


def test_a_writer_without_a_pause_is_named_with_what_to_do() -> None:
    promotion = outwritten({"a": 14}, {"a": "v9"}, 120.0)
    assert (promotion.outcome, promotion.secrets) == ("blocked", ("a",))
    assert promotion.message == (
        "another writer keeps changing other keys of secret a (now version v9). This run merged such changes 14 times "
        "within 120 s, but the next change always came before AWSCURRENT was moved. Pause that writer, or merge for "
        "longer: -e rotation_merge_seconds=600"
    )


def test_what_was_merged_is_reported() -> None:
    assert merged_message({}) == ""
    assert merged_message({"a": 1, "b": 2}).startswith("secret a, b: another writer's change of other keys was merged")
