# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.redaction import MASK, SHORTEST, maskable, scrub

SECRETS = st.lists(st.text("abcdefgh-", min_size=SHORTEST, max_size=12), min_size=1, max_size=4)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abcdefgh-", max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdefgh-", max_size=14), inner, max_size=3),
)


def test_only_sensitive_values_that_are_long_enough() -> None:
    values = {
        "LOW": "a-low-value",
        "MEDIUM": "medium-value",
        "HIGH": "high-value",
        "SHORT": "1234567",
        "ODD": "undeclared",
    }
    sensitivity = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high", "SHORT": "high"}
    assert maskable(values, sensitivity) == ["medium-value", "high-value", "undeclared"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rediss://:pass-word-1@h:6379/0", {"pass-word-1"}),
        ("postgresql://u:p%40ss-word@h/d", {"p%40ss-word", "p@ss-word"}),
        ("postgresql://u:short@h/d", set()),
        ("postgresql://long-user-name@h/d", set()),
        ("https://host.test/path:not-a-password@x", set()),
        ("rediss://:pass-word-1@a,rediss://:pass-word-2@b", {"pass-word-1", "pass-word-2"}),
        ('["rediss://u:pass-word-1@a", "rediss://u:pass-word-2@b"]', {"pass-word-1", "pass-word-2"}),
        ("http://[broken:pass-word-1@h", {"pass-word-1"}),
    ],
)
def test_passwords_inside_urls_are_masked_too(url: str, expected: set[str]) -> None:
    assert set(maskable({"URL": url}, {"URL": "high"})) == {url} | expected


@given(st.text(min_size=SHORTEST))
def test_any_password_is_masked_escaped_and_bare(password: str) -> None:
    if any("\ud800" <= char <= "\udfff" for char in password):
        return
    results = maskable({"URL": f"x://u:{quote(password, safe='')}@h/1"}, {})
    assert {password, quote(password, safe="")} <= set(results)


def test_the_longest_is_masked_first() -> None:
    masks = maskable({"A": "12345678", "B": "1234567890"}, {})
    assert scrub("1234567890 12345678 1234567", masks) == f"{MASK} {MASK} 1234567"


def test_what_is_no_text_stays() -> None:
    assert scrub({"a": [1, None, True, ("12345678",)]}, ["12345678"]) == {"a": [1, None, True, [MASK]]}


def test_names_and_modes_stay_readable_whatever_low_values_are() -> None:
    values = {"DEBUG": "0", "ENVIRONMENT": "production", "PORT": "600"}
    result = {"mode": "0600", "path": "/srv/production/.env", "changes": ["DEBUG"]}
    assert scrub(result, maskable(values, {"DEBUG": "high", "ENVIRONMENT": "low", "PORT": "medium"})) == result


@given(TREES, SECRETS)
def test_nothing_that_is_masked_is_left_anywhere(tree: Any, secrets: list[str]) -> None:
    masks = maskable({str(at): secret for at, secret in enumerate(secrets)}, {})
    text = json.dumps(scrub(tree, masks), ensure_ascii=False)
    assert not any(secret in text for secret in secrets)
