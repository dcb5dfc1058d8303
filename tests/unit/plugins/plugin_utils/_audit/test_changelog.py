# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.changelog import changelog_line, entered


def record(number: int = 1, **extra: Any) -> dict[str, Any]:
    return {
        "rotation": f"r{number}",
        "outcome": "completed",
        "application": "shop",
        "environment": "production",
        "credentials": ["cache", "database"],
        "who": "ann@laptop",
        "at": "2026-11-25T10:00:00Z",
        **extra,
    }


LINE = "- 2026-11-25 shop production: cache, database, by ann@laptop (rotation r1: completed)"


def test_the_line() -> None:
    assert changelog_line(record()) == LINE
    assert changelog_line(record(credentials=[])).startswith("- 2026-11-25 shop production: no credential, by")
    assert "by \\*a\\* \\[x\\]" in changelog_line(record(who="*a* [x]"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", f"# Changelog\n\n## Secret rotations\n\n{LINE}\n"),
        ("# Changes\n", f"# Changes\n\n## Secret rotations\n\n{LINE}\n"),
        ("# Changes\nwords", f"# Changes\nwords\n\n## Secret rotations\n\n{LINE}\n"),
        ("# C\n\n## 1.0\n\n- x\n", f"# C\n\n## Secret rotations\n\n{LINE}\n\n## 1.0\n\n- x\n"),
        ("# C\n## 1.0\n", f"# C\n\n## Secret rotations\n\n{LINE}\n\n## 1.0\n"),
        ("## Secret rotations\n", f"## Secret rotations\n\n{LINE}\n"),
        ("## Secret rotations\n\n- old\n\n## 1\n", f"## Secret rotations\n\n{LINE}\n- old\n\n## 1\n"),
        ("## Secret rotations\n- old\n", f"## Secret rotations\n\n{LINE}\n- old\n"),
        ("## Secret rotations\n\n## 1\n", f"## Secret rotations\n\n{LINE}\n\n## 1\n"),
        ("## Secret rotations\nwords\n- old\n", f"## Secret rotations\n\n{LINE}\n\nwords\n- old\n"),
        ("# C\r\n\r\n## 1\r\n", f"# C\r\n\r\n## Secret rotations\r\n\r\n{LINE}\r\n\r\n## 1\r\n"),
        (
            "# C\n```\n## Secret rotations\n~~~\n```\n## Secret rotations\n",
            f"# C\n```\n## Secret rotations\n~~~\n```\n## Secret rotations\n\n{LINE}\n",
        ),
    ],
)
def test_where_the_line_goes(text: str, expected: str) -> None:
    assert entered(text, record()) == expected
    assert entered(expected, record()) == expected


def test_a_line_that_somebody_completed_stays() -> None:
    text = f"## Secret rotations\n\n{LINE}: the ticket is 4711\n"
    assert entered(text, record(who="bob@desk")) == text


def test_another_outcome_of_the_rotation_has_a_line_of_its_own() -> None:
    text = entered(entered("", record(outcome="waiting")), record())
    assert text.count("(rotation r1: ") == 2
    assert text.index("completed") < text.index("waiting"), "the newest comes first"


@given(st.text(alphabet="#- a`~\nS\r\u2028\x0b", max_size=60), st.lists(st.integers(1, 5), max_size=6))
def test_nothing_is_lost_and_each_record_is_there_once(text: str, numbers: list[int]) -> None:
    value = text
    for number in numbers:
        value = entered(value, record(number))
    for number in range(1, 6):
        assert value.count(f"(rotation r{number}: completed)") == (number in numbers)
    kept = [line for line in text.split("\n") if line.strip()]
    rest = iter(value.split("\n"))
    assert all(line in rest for line in kept), "every line is there, in the order it was"
