# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Words of a command line that Ansible would take for no, or for 0."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.plugins.filter.core import to_bool

from ansible_collections.watchparty.secrets.plugins.filter.unclear import YES_OR_NO, FilterModule

unclear = FilterModule().filters()["unclear"]


@pytest.mark.parametrize("given", [True, False, 1, 0, *YES_OR_NO, "True", "NO", "oFF"])
def test_yes_or_no(given: Any) -> None:
    assert unclear({"leak_drill": given}, "yes_or_no") == []


def test_what_is_understood_is_what_ansible_understands() -> None:
    assert [to_bool(word) for word in YES_OR_NO] == [True] * 4 + [False] * 4


@pytest.mark.parametrize("given", ["ture", "y", "t", "n", "", " true", "2", 2, 1.0, None, ["true"], {"a": 1}])
def test_neither(given: Any) -> None:
    (line,) = unclear({"leak_sessions": True, "leak_drill": given}, "yes_or_no")
    assert line.startswith("leak_drill: ")
    assert line.endswith(
        "is neither yes nor no; give true or false (true, yes, on, 1, false, no, off, 0 are understood)"
    )


@pytest.mark.parametrize("given", [0, 7, "0", "120", "007"])
def test_seconds(given: Any) -> None:
    assert unclear({"leak_wait_seconds": given}, "seconds") == []


@pytest.mark.parametrize("given", ["abc", "2m", "ten", "", "-1", -1, "1.5", 1.5, "1e3", True, None, "٣", "1" * 10, [1]])
def test_no_seconds(given: Any) -> None:
    (line,) = unclear({"leak_wait_seconds": given}, "seconds")
    assert line.endswith("is no number of seconds; give a whole number without a unit, such as 120")


@pytest.mark.parametrize("given", ["", None, "yes"])
def test_an_answer(given: Any) -> None:
    assert unclear({"confirm": given}, "answer") == []


@pytest.mark.parametrize("given", ["y", "true", True, "no", False, "YES", 1])
def test_no_answer(given: Any) -> None:
    words = "is no answer; the word yes (quoted in YAML) confirms, and without it the run asks"
    assert unclear({"confirm": given}, "answer") == [f"confirm: '{given}' {words}"]


def test_each_is_told_with_what_was_given() -> None:
    told = unclear({"leak_drill": "ture", "leak_ignore_blockers": None, "leak_sessions": ["x"]}, "yes_or_no")
    shown = [line.partition(" is ")[0] for line in told]
    assert shown == ["leak_drill: 'ture'", "leak_ignore_blockers: nothing", "leak_sessions: a list"]
    assert "x" * 41 not in unclear({"leak_drill": "x" * 500}, "yes_or_no")[0]


@pytest.mark.parametrize(("given", "kind", "words"), [("ture", "yes_or_no", "not str$"), ({}, "number", "is no kind")])
def test_what_it_cannot_tell(given: Any, kind: str, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        unclear(given, kind)
