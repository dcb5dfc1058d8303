# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import json_schema
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema import SCHEMA

JSONSCHEMA = jsonschema.Draft202012Validator(SCHEMA)
SAMPLES = ["examples/watchparty/group_vars/all/secrets_catalog.yml", "tests/unit/fixtures/fastapi_catalog.yml"]
# No floats: JSON Schema takes 1.0 for an integer, and YAML's 1.0 is not the text that a setting would carry.
SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 100) | st.sampled_from(["", "x", "high", "core", "url", "A B", "ä"])
)
JUNK = (
    SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from(["secret", "key", "when", "x"]), SCALARS)
)


@pytest.mark.parametrize(
    ("document", "schema", "expected"),
    [
        (None, {"type": "object"}, ["secrets_catalog: must be a mapping"]),
        (True, {"type": "integer"}, ["secrets_catalog: must be a whole number"]),
        (1, {"type": "boolean"}, ["secrets_catalog: must be true or false"]),
        ({"a": 1}, {"properties": {"a": {"type": ["string", "null"]}}}, ["a: must be a string or null"]),
        ({"a": 0}, {"properties": {"a": {"minimum": 1}}}, ["a: must be at least 1"]),
        ({"a": 3}, {"properties": {"a": {"maximum": 2}}}, ["a: must be at most 2"]),
        ({"a": ""}, {"properties": {"a": {"minLength": 1}}}, ["a: must not be empty"]),
        ({"a": []}, {"properties": {"a": {"minItems": 1}}}, ["a: needs at least 1 item(s)"]),
        ({"a": {}}, {"properties": {"a": {"minProperties": 1}}}, ["a: must not be empty"]),
        ({"a": [1, "x"]}, {"properties": {"a": {"items": {"type": "integer"}}}}, ["a[1]: must be a whole number"]),
        ({}, {"required": ["a"]}, ["a: is required"]),
        ({"a": {}}, {"properties": {"a": {"required": ["b"]}}}, ["a.b: is required"]),
        (
            {"a": "hihg"},
            {"properties": {"a": {"enum": ["high", "low"]}}},
            ["a: must be one of high, low; did you mean high?"],
        ),
        (
            {"a": "1x"},
            {"properties": {"a": {"pattern": "^1$", "description": "A one."}}},
            ["a: does not match ^1$ (A one.)"],
        ),
        ({"a": "1\n"}, {"properties": {"a": {"pattern": "^1$"}}}, ["a: does not match ^1$"]),
        (
            {"setings": 1},
            {"properties": {"settings": {}}, "additionalProperties": False},
            ["setings: is not known; did you mean settings?"],
        ),
        (
            {"zzz": 1, 3: 4},
            {"properties": {"a": {}, "b": {}}, "additionalProperties": False},
            ["zzz: is not known; known keys: a, b", "3: is not known; known keys: a, b"],
        ),
        ({"a": 1}, {"additionalProperties": {"type": "string"}}, ["a: must be a string"]),
        ({"A": 1}, {"patternProperties": {"^[A-Z]$": {"type": "string"}}}, ["A: must be a string"]),
        ("x", {"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}, ["secrets_catalog: must be a whole number"]),
        (
            {"a": "x"},
            {"properties": {"a": {"anyOf": [{"type": "null"}, {"type": "integer"}]}}},
            ["a: must be null, or must be a whole number"],
        ),
        ({"a": 1, "b": 2}, {"additionalProperties": True}, []),
    ],
)
def test_each_keyword_in_words(document: Any, schema: dict[str, Any], expected: list[str]) -> None:
    assert json_schema.problems(document, schema) == expected


def test_of_several_forms_the_one_that_was_meant_is_explained() -> None:
    forms = {"anyOf": [{"type": "boolean"}, {"properties": {"when": {"type": "string"}}, "type": "object"}]}
    assert json_schema.problems({"r": {"when": 3}}, {"properties": {"r": forms}}) == ["r.when: must be a string"]


def test_a_keyword_that_is_not_implemented_is_an_error_of_the_schema() -> None:
    with pytest.raises(ValueError, match="not implemented: maxLength"):
        json_schema.problems("x", {"maxLength": 1})


def _nodes(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    items = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    return [(node, key) for key, _child in items] + [node for _key, child in items for node in _nodes(child)]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_samples_are_valid_to_both(load_catalog: Callable[[str], Any], sample: str) -> None:
    document = load_catalog(sample)
    assert json_schema.problems(document, SCHEMA) == []
    assert JSONSCHEMA.is_valid(document)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_we_agree_with_the_jsonschema_library_on_mutated_catalogs(
    load_catalog: Callable[[str], Any], data: st.DataObject
) -> None:
    document = copy.deepcopy(load_catalog(data.draw(st.sampled_from(SAMPLES))))
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(_nodes(document)))
        if isinstance(container, dict):
            act = data.draw(st.sampled_from(["replace", "remove", "rename", "add"]))
            if act == "add":
                container[data.draw(st.sampled_from(["extra", "value", "group", "A-B", "key"]))] = data.draw(JUNK)
                continue
            former = container.pop(key)
            if act != "remove":
                name = data.draw(st.sampled_from([f"{key}x", "X Y", ""])) if act == "rename" else key
                container[name] = former if act == "rename" else data.draw(JUNK)
        else:
            container[key] = data.draw(JUNK)
    assert (not json_schema.problems(document, SCHEMA)) == JSONSCHEMA.is_valid(document)


@settings(deadline=None)
@given(
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    )
)
def test_any_document_is_refused_in_words_or_accepted_never_with_a_crash(document: Any) -> None:
    problems = json_schema.problems({"application": document, "settings": {"A": document}}, SCHEMA)
    assert all(": " in line for line in problems)
    assert json_schema.problems(document, SCHEMA), "nothing this small is a catalog"
