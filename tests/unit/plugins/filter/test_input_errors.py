# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Words of a command line that Ansible would take for no, or for 0."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.plugins.filter.core import to_bool

from ansible_collections.watchparty.secrets.plugins.filter.input_errors import BOOLEANS, FilterModule

input_errors = FilterModule().filters()["input_errors"]


@pytest.mark.parametrize("given", [True, False, 1, 0, *BOOLEANS, "True", "NO", "oFF"])
def test_yes_or_no(given: Any) -> None:
    assert input_errors({"leak_drill": given}, "boolean") == []


def test_what_is_understood_is_what_ansible_understands() -> None:
    assert [to_bool(word) for word in BOOLEANS] == [True] * 4 + [False] * 4


@pytest.mark.parametrize("given", ["ture", "y", "t", "n", "", " true", "2", 2, 1.0, None, ["true"], {"a": 1}])
def test_neither(given: Any) -> None:
    (line,) = input_errors({"leak_sessions": True, "leak_drill": given}, "boolean")
    assert line.startswith("leak_drill: ")
    assert line.endswith(
        "is neither yes nor no; give true or false (true, yes, on, 1, false, no, off, 0 are understood)"
    )


@pytest.mark.parametrize("given", [0, 7, "0", "120", "007"])
def test_seconds(given: Any) -> None:
    assert input_errors({"leak_wait_seconds": given}, "seconds") == []


@pytest.mark.parametrize("given", ["abc", "2m", "ten", "", "-1", -1, "1.5", 1.5, "1e3", True, None, "٣", "1" * 10, [1]])
def test_no_seconds(given: Any) -> None:
    (line,) = input_errors({"leak_wait_seconds": given}, "seconds")
    assert line.endswith("is not a number of seconds; give a whole number without a unit, such as 120")


@pytest.mark.parametrize("given", ["", None, "yes"])
def test_an_answer(given: Any) -> None:
    assert input_errors({"confirm": given}, "confirmation") == []


@pytest.mark.parametrize("given", ["y", "true", True, "no", False, "YES", 1])
def test_no_answer(given: Any) -> None:
    message = "is not a confirmation; give yes (quoted in YAML) to confirm, or leave it out to be asked"
    assert input_errors({"confirm": given}, "confirmation") == [f"confirm: '{given}' {message}"]


def test_each_is_reported_with_what_was_given() -> None:
    answer = input_errors({"leak_drill": "ture", "leak_ignore_blockers": None, "leak_sessions": ["x"]}, "boolean")
    shown = [line.partition(" is ")[0] for line in answer]
    assert shown == ["leak_drill: 'ture'", "leak_ignore_blockers: nothing", "leak_sessions: a list"]
    assert "x" * 41 not in input_errors({"leak_drill": "x" * 500}, "boolean")[0]


@pytest.mark.parametrize(
    ("given", "kind", "message"), [("ture", "boolean", "not str$"), ({}, "number", "is not a kind")]
)
def test_what_it_cannot_tell(given: Any, kind: str, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        input_errors(given, kind)
