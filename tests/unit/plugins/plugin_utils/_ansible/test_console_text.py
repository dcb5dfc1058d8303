# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of the callback ``console`` that a run has seldom; ``callback/test_console.py`` has the others."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import console_text

COUNTS = {"failures": 0, "unreachable": 0}


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        ({"msg": ["one", "two\nthree\n"]}, ["one", "two", "three"]),
        ({"msg": ["one", {"two": 2}]}, ["one", "{", '  "msg": {', '    "two": 2', "  }", "}"]),
        ({"msg": ""}, [""]),
        ({"msg": []}, []),
        ({"answer": 42}, ["{", '  "answer": 42', "}"]),
    ],
)
def test_messages_of_any_form(result: dict[str, Any], lines: list[str]) -> None:
    assert list(console_text.debug_lines(result, partial(json.dumps, indent=2))) == lines


def test_an_error_has_the_end_of_the_output() -> None:
    output = "\n".join(map(str, range(100)))
    assert console_text.error({"msg": "no", "stdout": output}).split("\n") == [
        "no",
        *(f"  {n}" for n in range(90, 100)),
    ]
    assert console_text.error({}) == "no message"


def test_long_lines_are_cut() -> None:
    assert console_text.first_line("x" * 1000) == "x" * 300 + "…"


def test_ten_hosts_are_named() -> None:
    hosts = {f"web{number}": {**COUNTS, "failures": 1} for number in range(500)}
    text, _colour = console_text.recap(hosts, (), {}, 1)
    assert text.startswith("hosts: 0 ok, 500 failed (web0, web1, ")
    assert text.endswith("web9 and 490 more); 1 s")
