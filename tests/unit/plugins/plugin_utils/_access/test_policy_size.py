# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import IamRequest, decide
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_size import (
    CHARACTERS,
    Grant,
    fitted,
    size,
)


def resources(count: int, length: int = 100) -> tuple[str, ...]:
    return tuple(f"arn:{number:06}:{'x' * length}" for number in range(count))


def test_whitespace_does_not_count() -> None:
    assert size({"a": [1, 2]}) == len('{"a":[1,2]}')


def test_what_fits_stays_in_one_document() -> None:
    (document,) = fitted("shop", [Grant("One", ("a:x",), ("r",)), Grant("Two", ("a:y", "a:z"), ("r", "s"))])
    assert [item["Sid"] for item in document["Statement"]] == ["One", "Two"]
    assert document["Statement"][0]["Action"] == "a:x"
    assert document["Statement"][1]["Resource"] == ["r", "s"]


def test_a_long_grant_is_divided_by_resource_or_by_condition() -> None:
    by_resource = Grant("Read", ("a:x",), resources(120))
    by_value = Grant("Key", ("kms:Decrypt",), ("key",), {"kms:ViaService": "s"}, ("kms:Context", resources(120)))
    results = fitted("shop", [by_resource, by_value])
    assert len(results) > 3
    assert all(size(entry) <= CHARACTERS for entry in results)
    sids = [item["Sid"] for document in results for item in document["Statement"]]
    assert len(set(sids)) == len(sids)
    assert all(sid.startswith(("Read", "Key")) for sid in sids)
    for name in resources(120)[::9]:
        assert decide(results, IamRequest("a:x", name))
        assert decide(results, IamRequest("kms:Decrypt", "key", {"kms:ViaService": "s", "kms:Context": name}))
        assert not decide(results, IamRequest("kms:Decrypt", "key", {"kms:Context": name}))


def test_too_many_policies_are_an_error_that_names_the_role() -> None:
    with pytest.raises(PolicyError, match="role shop would need 16 managed policies of 6,144 characters"):
        fitted("shop", [Grant("Read", ("a:x",), resources(650))])


def test_so_is_a_name_that_fills_a_policy() -> None:
    with pytest.raises(PolicyError, match=r"of role shop: statement Read takes [0-9,]+ characters"):
        fitted("shop", [Grant("Read", ("a:x",), ("r" * 7000,))])


grants = st.lists(
    st.builds(
        lambda number, count, length, in_condition: (
            Grant(f"G{number}", ("a:x",), ("key",), {"k:v": "1"}, ("k:c", resources(count, length)))
            if in_condition
            else Grant(f"R{number}", ("a:y",), resources(count, length))
        ),
        st.integers(0, 10**6),
        st.integers(1, 60),
        st.integers(1, 200),
        st.booleans(),
    ),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(results=grants, asked=st.integers(0, 70), length=st.integers(1, 200))
def test_dividing_changes_nothing(results: list[Grant], asked: int, length: int) -> None:
    divided = fitted("shop", results)
    whole: list[dict[str, Any]] = [{"Statement": [grant.statement for grant in results]}]
    name = resources(asked + 1, length)[asked]
    for request in (
        IamRequest("a:y", name),
        IamRequest("a:x", "key", {"k:v": "1", "k:c": name}),
        IamRequest("a:x", "key", {"k:c": name}),
    ):
        assert decide(divided, request).allowed is decide(whole, request).allowed
    assert all(size(entry) <= CHARACTERS for entry in divided)
