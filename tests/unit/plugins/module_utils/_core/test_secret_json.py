# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import secret_json
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Place, Setting
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import BINARY, DENIED, Contents, Failure
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import (
    Holdings,
    as_text,
    parse_secret,
    updated,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM

Holding = Callable[..., Contents]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("canary", "is not JSON (line 1, column 1)"),
        ("", "is not JSON (line 1, column 1)"),
        ('{"canary": }', "is not JSON (line 1, column 12)"),
        ('["canary"]', "is JSON, but no object with keys"),
        ('"canary"', "is JSON, but no object with keys"),
        ("null", "is JSON, but no object with keys"),
        ('{"KEY": "canary", "B": 1, "KEY": "canary2"}', "holds the key KEY twice"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_what_is_no_object_is_refused_without_its_value(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$") as raised:
        parse_secret(text)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    "number", ["1", "1.10", "-0", "1e5", "1E+5", "123456789012345678901234567890", "0.1000000000000000055"]
)
def test_a_number_stays_as_it_was_spelled(number: str) -> None:
    secret = parse_secret(f'{{"a": {number}, "b": {{"c": [{number}]}}}}')
    assert as_text(secret["a"]) == number
    assert as_text(secret["b"]) == f'{{"c":[{number}]}}'


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (None, "string", None),
        ("", "string", ""),
        (True, "string", "true"),
        (False, "list", "false"),
        (["a", "b"], "list", "a,b"),
        (["a", "b"], "host_list", "a,b"),
        (["a", "b"], "origin_list", "a,b"),
        (["a", "b"], "string", '["a","b"]'),
        (["a", None], "list", '["a",null]'),
        ([], "list", ""),
        ({"ü": '"'}, "json", '{"ü":"\\""}'),
    ],
)
def test_text_of_a_value(value: Any, kind: str, expected: str | None) -> None:
    assert as_text(value, kind) == expected


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_nothing_of_a_value_is_lost(document: dict[str, Any]) -> None:
    secret = parse_secret(json.dumps(document))
    assert secret.keys() == document.keys()
    for key, value in document.items():
        text = as_text(secret[key])
        if value is None or isinstance(value, str):
            assert text == value
        else:
            assert text is not None
            assert json.loads(text) == value


def test_what_a_place_holds(holding: Holding) -> None:
    holdings = Holdings(holding({"s": '{"K": "v", "L": ["x", "y"], "N": null}', "/p/X": "param"}))
    assert holdings.value(Place(SECRETS_MANAGER, "s", "K"), None) == "v"
    assert holdings.value(Place(SECRETS_MANAGER, "s", "L"), Setting("L", type="list")) == "x,y"
    assert holdings.value(Place(SECRETS_MANAGER, "s", "L"), None) == '["x","y"]'
    assert holdings.value(Place(SECRETS_MANAGER, "s", "N"), None) is None
    assert holdings.value(Place(SECRETS_MANAGER, "s", "none"), None) is None
    assert holdings.value(Place(SECRETS_MANAGER, "s"), None) == '{"K": "v", "L": ["x", "y"], "N": null}'
    assert holdings.value(Place(SSM, "/p/X"), None) == "param"
    assert holdings.value(Place(SSM, "/p/Y"), None) is None
    assert holdings.problems == []
    assert {str(place) for place in holdings.places()} == {
        "secret s key K",
        "secret s key L",
        "secret s key N",
        "parameter /p/X",
    }


def test_a_whole_secret_needs_to_be_no_json(holding: Holding) -> None:
    holdings = Holdings(holding({"s": "-----BEGIN"}))
    assert holdings.value(Place(SECRETS_MANAGER, "s"), None) == "-----BEGIN"
    assert holdings.problems == []
    assert list(holdings.places()) == []


def test_keys_asked_of_what_has_none_are_one_problem(holding: Holding) -> None:
    holdings = Holdings(holding({"s": "canary"}))
    for key in "KL":
        assert holdings.value(Place(SECRETS_MANAGER, "s", key), None) is None
    assert holdings.problems == [
        "secret s: is not JSON (line 1, column 1), but the catalog needs key K; store a JSON object"
    ]


def test_a_binary_secret_is_a_problem_and_a_denied_one_is_reported_elsewhere() -> None:
    failures = {name: Failure(SECRETS_MANAGER, name, reason) for name, reason in (("b", BINARY), ("d", DENIED))}
    holdings = Holdings(Contents({}, failures))
    assert holdings.value(Place(SECRETS_MANAGER, "b", "K"), None) is None
    assert holdings.value(Place(SECRETS_MANAGER, "d", "K"), None) is None
    assert holdings.problems == ["secret b: is binary, but the catalog needs text; store a SecretString"]


def test_a_number_is_no_other_text() -> None:
    assert isinstance(parse_secret('{"a": 1}')["a"], secret_json.Number)
    assert as_text(secret_json.Number("1.0")) == "1.0"
    assert type(as_text(secret_json.Number("1.0"))) is str


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        ('{"A": "x", "B": "y"}', "A", "z", '{"A":"z","B":"y"}'),
        ('{"B": 1.10, "A": "x", "C": [-0, 1E+5]}', "A", "z", '{"B":1.10,"A":"z","C":[-0,1E+5]}'),
        ('{"A": "x"}', "NEW", "z", '{"A":"x","NEW":"z"}'),
        ("{}", "A", "", '{"A":""}'),
        ('{"A": null, "B": null}', "A", "1.0", '{"A":"1.0","B":null}'),
        ('{"A": 5432}', "A", "5433", '{"A":"5433"}'),
        ('{"A": ["x", "y"], "B": ["p,q"]}', "A", "u,v,w", '{"A":["u","v","w"],"B":["p,q"]}'),
        ('{"A": ["x"]}', "A", "", '{"A":[]}'),
        ('{"A": [], "B": true}', "A", "u", '{"A":["u"],"B":true}'),
        ('{"é": "ü"}', "A", '"\\', '{"é":"ü","A":"\\"\\\\"}'),
    ],
)
def test_one_key_changes(text: str, key: str, value: str, expected: str) -> None:
    assert updated(text, key, value) == expected


@pytest.mark.parametrize(
    ("text", "message"), [("canary", "is not JSON"), ("[]", "no object"), ('{"A":1,"A":2}', "twice")]
)
def test_a_key_of_what_is_no_object_cannot_change(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        updated(text, "A", "canary")
    assert "canary" not in str(raised.value)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.text(), st.text())
def test_every_other_key_keeps_its_value_its_spelling_and_its_place(
    document: dict[str, Any], key: str, value: str
) -> None:
    text = json.dumps(document)
    before, after = parse_secret(text), parse_secret(updated(text, key, value))
    assert list(after) == list(dict.fromkeys([*before, key]))
    assert {name: as_text(after[name]) for name in before if name != key} == {
        name: as_text(before[name]) for name in before if name != key
    }
    if isinstance(before.get(key), list):
        assert after[key] == [item for item in value.split(",") if item]
    else:
        assert after[key] == value
