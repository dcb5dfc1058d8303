# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which values are searched for, and which are left out by which rule."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.spellings import ANCHOR, varied
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, Needles, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.stream_search import Searcher

RANDOM = "wX7-random-Zk42"


def labels(wanted: Needles, text: str) -> list[tuple[str, str]]:
    """Of whom and in which form the whole text is a value."""
    return [
        (label.name, label.in_form(match.form).form)
        for match in Searcher(wanted).in_bytes(text.encode())
        if match.size == len(text.encode())
        for label in wanted.needles[match.needle].labels
    ]


@pytest.mark.parametrize(
    ("value", "extra", "reason"),
    [
        ("True", {}, "shorter than 8 characters"),
        ("5432", {}, "shorter than 8 characters"),
        ("production", {}, "a word or a number that is found everywhere"),
        ("watchparty", {}, "a word or a number that is found everywhere"),
        ("12345678901", {}, "a word or a number that is found everywhere"),
        ("aaaaaaaaaaaaaaaaaaaa1", {}, "a word or a number that is found everywhere"),
        ("change_me_dev_only_1234567890", {}, "a placeholder"),
        ("the-Example-123", {"example": "the-Example-123"}, "a placeholder"),
        (RANDOM, {"sensitivity": "low"}, "low sensitivity"),
        ("redis://:changeme@cache.example.com:6379/0", {}, "a word or a number that is found everywhere"),
        ("postgresql://app:secret@db.example.com/app", {}, "a word or a number that is found everywhere"),
    ],
)
def test_what_is_left_out(value: str, extra: dict[str, str], reason: str) -> None:
    result = needles_for([Live("NAME", "current", value, **extra)])
    assert result.needles == ()
    assert [(left_out.name, left_out.reason) for left_out in result.left_out] == [("NAME", reason)]
    assert result.values == 0


@pytest.mark.parametrize("value", [RANDOM, "letmein99", "correct horse battery", "Passw0rd", "https://h.example/T0/B0"])
def test_what_is_searched_for(value: str) -> None:
    result = needles_for([Live("NAME", "current", value)])
    assert result.left_out == ()
    assert labels(result, value) == [("NAME", "unchanged")]


def test_the_password_of_a_url_is_searched_alone() -> None:
    result = needles_for([Live("URL", "current", "postgresql://app:p%40ss-Word-11@db/app")])
    assert ("URL", "password part") in labels(result, "p%40ss-Word-11")
    assert ("URL", "password part") in labels(result, "p@ss-Word-11")
    assert ("URL", "password part, URL-encoded") in labels(result, "p%2540ss-Word-11")


def test_one_byte_string_is_searched_once_for_all_that_it_is() -> None:
    result = needles_for([Live("A", "current", RANDOM), Live("B", "previous", RANDOM), Live("A", "current", RANDOM)])
    (match,) = Searcher(result).in_bytes(RANDOM.encode())
    needle = result.needles[match.needle]
    assert [(label.name, label.stage) for label in needle.labels] == [("A", "current"), ("B", "previous")]
    assert result.values == 1


def test_lines_of_a_key_file() -> None:
    lines = [f"{at}{'AbCdEfGh' * 7}{at}zZ9" for at in range(6)]
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"])
    wanted = needles_for([Live("KEY", "current", key)])
    assert [labels(wanted, line) for line in lines] == [[], [], [], *[[("KEY", "one line of it")]] * 3]
    assert labels(wanted, "-----END PRIVATE KEY-----") == []
    assert labels(wanted, key) == [("KEY", "unchanged")]
    assert labels(wanted, key.replace("\n", "\n    ")) == [("KEY", "escaped or quoted")]


def test_the_anchor_is_the_varied_part() -> None:
    data = b"A" * 200 + bytes(range(64)) + b"B" * 200
    at = varied(data, ANCHOR)
    assert len(set(data[at : at + ANCHOR])) > 25


def test_values_are_in_no_repr() -> None:
    result = needles_for([Live("NAME", "current", RANDOM, example=RANDOM + "x")])
    assert RANDOM not in repr(result) + repr(Live("NAME", "current", RANDOM, example=RANDOM + "x"))
