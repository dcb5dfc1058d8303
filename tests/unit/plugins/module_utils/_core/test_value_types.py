# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Setting
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema import TYPES
from ansible_collections.watchparty.secrets.plugins.module_utils._core.value_types import items, problem

PEM = "-----BEGIN EC PRIVATE KEY-----\nYWJj\nYQ==\n-----END EC PRIVATE KEY-----\n"
GOOD = {
    "string": ["", " ", "a\nb", "ü"],
    "list": ["", "a", "a, b"],
    "integer": ["0", "-1", "+7", "0012"],
    "boolean": ["true", "False", "1", "0", "on", "NO", "y", "T"],
    "url": [
        "https://h",
        "postgresql://u:p%40@h:5432/d",
        "sqlite:///db.sqlite3",
        "rediss://:p@h/0",
        "http://[::1]:80/",
        "locmem://",
    ],
    "host_list": ["a.test", ".a.test", "a.test., 10.0.0.1,[::1],*", "a_b", "localhost"],
    "origin_list": ["https://a.test", "http://localhost:8000, https://b.test"],
    "email": ["a@b.test", "Ann <a@b.test>"],
    "json": ["{}", "[1]", "null", '"x"', "1"],
    "base64": ["", "YQ==", "YWJj"],
    "pem": [
        PEM,
        PEM + PEM,
        PEM.strip(),
        PEM.replace("\n", "\r\n"),
        PEM.replace("YWJj", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nYWJj"),
    ],
}
BAD = {
    "pem": [
        ("", "is not PEM"),
        ("canary", "is not PEM"),
        ("canary\n" + PEM, "is not PEM"),
        (PEM + "canary", "is not PEM"),
        (PEM.replace("END EC", "END RSA"), "is not PEM"),
        (PEM.replace("\n", "\\n"), "is not PEM"),
        (PEM.replace("YWJj", "ca{nary"), "is not PEM"),
    ],
    "list": [("a,,b", "empty item"), (",", "empty item")],
    "integer": [
        ("canary", "whole number"),
        ("1.0", "whole number"),
        ("1\n", "whole number"),
        ("\u0661", "whole number"),
        ("1_0", "whole number"),
    ],
    "boolean": [("canary", "must be true or false"), (" ", "must be true or false"), ("2", "must be true or false")],
    "url": [
        ("canary", "no scheme"),
        ("//canary", "no scheme"),
        (" https://canary", "white space"),
        ("https://can ary", "white space"),
        ("https://canary\n", "white space"),
        ("https://h:canary/", "malformed"),
        ("https://h:0/", "port is 0"),
        ("https://[canary", "malformed"),
        ("https://", "without a host"),
        ("https:///canary", "without a host"),
        ("x://u:can@ary@h", "not percent-encoded"),
        ("x://u:canary%@h", "not percent-encoded"),
        ("x://u%zz:canary@h", "not percent-encoded"),
    ],
    "host_list": [
        ("https://canary", "item 1"),
        ("a,canary:80", "item 2"),
        ("a,", "item 2"),
        ("canary/x", "item 1"),
        ("[canary]", "item 1"),
        ("-canary", "item 1"),
        ("a b", "item 1"),
    ],
    "origin_list": [
        ("canary.test", "no scheme"),
        ("https://a,ftp://canary", "item 2"),
        ("https://canary/x", "has text after the host; remove it"),
        ("https://u@canary", "has text after the host; remove it"),
        ("https://h?canary", "has text after the host; remove it"),
        ("https://h:canary", "malformed"),
        ("", "item 1"),
    ],
    "email": [
        ("canary", "not an e-mail"),
        ("canary@", "not an e-mail"),
        ("a b@", "not an e-mail"),
        ("", "not an e-mail"),
    ],
    "json": [
        ("canary", "not valid JSON"),
        ("{'a': 1}", "not valid JSON"),
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
    ],
    "base64": [
        ("canary!", "not valid base64"),
        ("YQ=", "not valid base64"),
        ("ü", "not valid base64"),
        ("YQ==\n", "not valid base64"),
    ],
}


def test_every_type_is_tried() -> None:
    assert set(GOOD) == set(TYPES)
    assert set(BAD) == set(TYPES) - {"string"}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values])
def test_well_formed(kind: str, value: str) -> None:
    assert problem(Setting("X", type=kind), value) is None


@pytest.mark.parametrize(
    ("kind", "value", "text_message"),
    [(kind, value, message) for kind, values in BAD.items() for value, message in values],
    ids=lambda text: text[:24],
)
def test_malformed_without_the_value(kind: str, value: str, text_message: str) -> None:
    found = problem(Setting("X", type=kind), value)
    assert found is not None
    assert text_message in found
    assert "canary" not in found


@given(st.sampled_from(TYPES), st.text())
def test_any_text_gets_an_answer(kind: str, value: str) -> None:
    text = problem(Setting("X", type=kind), value)
    assert text is None or isinstance(text, str)


@given(st.sampled_from([kind for kind in TYPES if kind != "string"]), st.text("QXZ:/@.,%-", min_size=3))
def test_no_answer_holds_a_piece_of_the_value(kind: str, value: str) -> None:
    result = problem(Setting("X", type=kind, schemes=("https",) if kind == "url" else ()), value) or ""
    assert not any(char in result for char in "QXZ")


@given(st.binary())
def test_any_base64_is_well_formed(content: bytes) -> None:
    assert problem(Setting("X", type="base64"), base64.b64encode(content).decode()) is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_any_json_is_well_formed(document: object) -> None:
    assert problem(Setting("X", type="json"), json.dumps(document)) is None


def test_schemes() -> None:
    setting = Setting("X", type="url", schemes=("rediss", "redis"))
    assert problem(setting, "rediss://h") is None
    assert problem(setting, "REDIS://h") is None
    assert problem(setting, "canary://h") == "has another scheme than rediss or redis"


@pytest.mark.parametrize("kind", TYPES)
def test_the_length_is_reported_before_the_type(kind: str) -> None:
    assert problem(Setting("X", type=kind, min_length=9), "canary") == "is 6 characters long; at least 9 are needed"


def test_items_are_stripped() -> None:
    assert items(" a ,b,, ") == ["a", "b", "", ""]
