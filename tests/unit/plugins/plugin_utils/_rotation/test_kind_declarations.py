# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import owner_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import (
    Kind,
    other_login,
    parse,
    turn_of,
)

LEAST = {"description": "x", "value": "generated"}


def test_what_is_left_out() -> None:
    assert parse("k", LEAST, folder="/kinds/k") == Kind(
        name="k",
        description="x",
        routine="login",
        value="generated",
        length=32,
        alternates="never",
        needs_admin=False,
        needs_url=False,
        options=(),
        verbs=(),
        stages=(),
        folder="/kinds/k",
    )


def test_everything() -> None:
    document = {
        "description": "x",
        "value": "supplied",
        "length": 16,
        "alternates": "always",
        "needs_admin": True,
        "needs_url": True,
        "needs_user": True,
        "options": ["group"],
        "routine": "signing_key",
        "verbs": ["set", "revoke"],
        "timeout": 5,
    }
    kind = parse("k", document, folder="/kinds/k")
    assert {name: getattr(kind, name) for name in document} == {
        **document,
        "options": ("group",),
        "verbs": ("set", "revoke"),
    }


@pytest.mark.parametrize(("routine", "phases"), [("login", 1), ("signing_key", 2)])
def test_rollouts(routine: str, phases: int) -> None:
    assert parse("k", {**LEAST, "routine": routine}, folder="k").phases == phases


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "must be a mapping"),
        ("canary", "must be a mapping"),
        ({"value": "generated"}, "description"),
        ({"description": "x"}, "value"),
        ({**LEAST, "description": ""}, "description"),
        ({**LEAST, "value": "guessed"}, "value: must be one of generated, supplied"),
        ({**LEAST, "routine": "signing"}, "did you mean signing_key"),
        ({**LEAST, "length": 15}, "length"),
        ({**LEAST, "length": "long"}, "length: must be a whole number"),
        ({**LEAST, "alternates": "sometimes"}, "alternates: must be one of never, if_suffixed, always"),
        ({**LEAST, "needs_admin": "yes"}, "needs_admin: must be true or false"),
        ({**LEAST, "options": [1]}, "options[0]: must be a string"),
        ({**LEAST, "revokes": True}, "revokes"),
        ({**LEAST, "value": "provider"}, "value: must be one of generated, supplied"),
        (
            {**LEAST, "verbs": ["remove"]},
            "verbs[0]: must be one of check, block, create, set, test, revoke, verify_revoked",
        ),
        ({**LEAST, "verbs": []}, "verbs"),
        ({**LEAST, "timeout": 0}, "timeout"),
    ],
)
def test_a_malformed_kind_names_its_file_and_the_problem(document: Any, message: str) -> None:
    with pytest.raises(CatalogError) as raised:
        parse("k", document, folder="/kinds/k")
    assert [problem.partition(":")[0] for problem in raised.value.problems] == ["/kinds/k/kind.yml"]
    assert message in str(raised.value)


def test_several_problems_at_once() -> None:
    with pytest.raises(CatalogError) as raised:
        parse("k", {"value": "x", "length": 1}, folder="k")
    assert len(raised.value.problems) == 3


@pytest.mark.parametrize(
    ("username", "other", "owner"),
    [
        *(("app_a", "app_b", "app"), ("app_b", "app_a", "app"), ("app", "app_a", "app")),
        *(("my_app_a", "my_app_b", "my_app"), ("my_app", "my_app_a", "my_app"), ("app_c", "app_c_a", "app_c")),
        *(("a", "a_a", "a"), ("_a", "_a_a", "_a"), ("app_A", "app_A_a", "app_A")),
    ],
)
def test_logins_that_alternate(username: str, other: str, owner: str) -> None:
    assert other_login(username) == other
    assert owner_of(username) == owner


@pytest.mark.parametrize(
    ("username", "turn"),
    [("app_a", "a"), ("app_b", "b"), ("app", None), ("app_c", None), ("data", None), ("_a", None), (None, None)],
)
def test_whose_turn_it_is(username: str | None, turn: str | None) -> None:
    assert turn_of(username) == turn


@pytest.mark.parametrize("nobody", [None, ""])
def test_nobody_alternates_with_nobody(nobody: str | None) -> None:
    assert other_login(nobody) is None


@given(st.text(min_size=1))
def test_the_second_rotation_leads_back_and_the_owner_stays(username: str) -> None:
    first = str(other_login(username))
    second = str(other_login(first))
    assert first != username
    assert {owner_of(first), owner_of(second)} == {owner_of(username)}
    assert other_login(second) == first
