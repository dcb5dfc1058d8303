# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shapes of answers. What a lying host is kept from is in tests/hostile/test_host_answers.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer

RETURNS: dict[str, Any] = {
    "path": str,
    "more?": host_answer.TEXT,
    "rows?": [{"count": int, "seconds?": float}],
    "state?": {"accepted", "refused"},
    "right?": (bool, None),
    "addresses?": [host_answer.ADDRESS],
    "by_name?": {str: {"count": int}},
}


def answer(**extra: Any) -> dict[str, Any] | None:
    return host_answer.parsed("\nlogin banner\n" + json.dumps({"changed": True, "path": "/x", **extra}) + "\n", RETURNS)


def test_what_is_declared_passes() -> None:
    rows = [{"count": 1, "seconds": 2}, {"count": 2, "seconds": 0.5}]
    extra = {"more": "a\nb", "rows": rows, "state": "refused", "right": None, "by_name": {"web": {"count": 3}}}
    extra["addresses"] = ["192.0.2.1", "2001:db8::1"]
    assert answer(**extra) == {"changed": True, "path": "/x", **extra}
    assert answer(right=False) == {"changed": True, "path": "/x", "right": False}


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"add_host": 1}, "it has an unexpected key: add_host"),
        ({"\x1b[2Jadd_host": 1}, "it has an unexpected key: [2Jadd_host"),
        ({"rows": {}}, "rows has the wrong type"),
        ({"rows": [{"count": 1, "x": 1}]}, "rows[] has an unexpected key: x"),
        ({"rows": [{}]}, "rows[] lacks count"),
        ({"rows": [{"count": True}]}, "rows[].count has the wrong type"),
        ({"rows": [{"count": 0.5}]}, "rows[].count has the wrong type"),
        ({"rows": [{"count": 10**19}]}, "rows[].count is too large"),
        ({"rows": [{"count": 1, "seconds": float("nan")}]}, "rows[].seconds is too large"),
        ({"rows": [{"count": 1}] * 10001}, "rows has more than 10000 items"),
        ({"state": "none"}, "state is not an expected word"),
        ({"right": 1}, "right has the wrong type"),
        ({"by_name": {"web": 1}}, "by_name.* has the wrong type"),
        ({"addresses": ["192.0.2.1", "0.0.0.0/0"]}, "addresses[] is not an address of one host"),
        ({"addresses": ["::/0"]}, "addresses[] is not an address of one host"),
        ({"addresses": ["0.0.0.0"]}, "addresses[] is not an address of one host"),
        ({"addresses": ["ff02::1"]}, "addresses[] is not an address of one host"),
        ({"addresses": ["192.0.2.0/30"]}, "addresses[] is not an address of one host"),
        ({"addresses": [7]}, "addresses[] has the wrong type"),
        ({"addresses": ["192.0.2.1"] * 257}, "addresses has more than 256 items"),
        ({"changed": "yes"}, "changed has the wrong type"),
    ],
)
def test_what_is_not_declared_is_refused(extra: dict[str, Any], message: str) -> None:
    with pytest.raises(host_answer.BadAnswer) as error:
        answer(**extra)
    assert str(error.value) == message


def test_a_failure_may_lack_keys_and_a_success_may_not() -> None:
    assert host_answer.parsed('{"failed": true, "msg": "no"}', RETURNS) == {"failed": True, "msg": "no"}
    with pytest.raises(host_answer.BadAnswer, match="it lacks path"):
        host_answer.parsed('{"failed": false, "changed": true}', RETURNS)


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '"text"', '{"a": 1'])
def test_what_is_no_answer(text: str) -> None:
    assert host_answer.parsed(text, RETURNS) is None


@pytest.mark.parametrize(
    ("text", "line", "lines"),
    [
        ("plain: ü, 日本, 🙂", "plain: ü, 日本, 🙂", "plain: ü, 日本, 🙂"),
        ("a\r\n\tb", "a   b", "a \n b"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m", "[31mred[0m"),
        ("\x9b2J\u202eexe.gnp\u2066\u200b\ud800", "2Jexe.gnp", "2Jexe.gnp"),
        ("a\u2028b\xa0c", "a b c", "a b c"),
    ],
)
def test_printable(text: str, line: str, lines: str) -> None:
    assert host_answer.printable(text) == line
    assert host_answer.printable(text, lines=True) == lines


def test_long_texts_are_cut() -> None:
    result = answer(more="x" * 70000)
    assert result is not None
    assert result["more"] == "x" * host_answer.LONGEST_TEXT + "…"
