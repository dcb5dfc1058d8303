# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._journal import Journal, OpenRotation, fold
from ansible_collections.watchparty.secrets.plugins.module_utils._model import SSM
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import Reading

PATH = "/app-journal/production"


def entry(number: Any, step: str, rotation: str = "r1", **more: Any) -> Reading:
    body = {"rotation": rotation, "step": step, "who": "ann@laptop", **more}
    return Reading(SSM, f"{PATH}/{number}", "1", json.dumps(body))


def test_an_empty_journal() -> None:
    assert fold(PATH, []) == Journal(head=0, rotation=None)


def test_an_open_rotation_keeps_when_it_began_and_what_it_prescribes() -> None:
    journal = fold(
        PATH,
        [
            entry(1, "plan", at="10:00", prescribes={"secrets": {"core": "v1"}, "parameters": {"/p/X": 3}}),
            entry(2, "deploy", at="10:05"),
            entry(3, "promote", prescribes={"secrets": {"core": "v2"}}),
        ],
    )
    assert journal.head == 3
    assert journal.rotation == OpenRotation("r1", "promote", "ann@laptop", "10:00", {"core": "v2"}, {"/p/X": "3"})
    assert journal.rotation.prescribes
    assert journal.rotation.half_promoted
    assert str(journal.rotation) == "rotation r1 of ann@laptop (since 10:00, at step promote)"


def test_another_rotation_inherits_nothing() -> None:
    journal = fold(PATH, [entry(1, "plan", prescribes={"secrets": {"core": "v1"}}), entry(2, "plan", "r2")])
    assert journal.rotation is not None
    assert journal.rotation.id == "r2"
    assert journal.rotation.since == "an unknown time"
    assert not journal.rotation.prescribes
    assert not journal.rotation.half_promoted


@pytest.mark.parametrize("step", ["closed", "aborted"])
def test_a_closed_rotation_leaves_only_the_number(step: str) -> None:
    assert fold(PATH, [entry(7, "plan"), entry(8, step)]) == Journal(head=8, rotation=None)


@given(st.permutations(range(1, 13)))
def test_entries_count_by_number_and_in_whatever_order_they_are_listed(order: list[int]) -> None:
    entries = {number: entry(number, "closed" if number == 11 else f"step{number}") for number in range(1, 13)}
    journal = fold(PATH, [entries[number] for number in order])
    assert journal.head == 12
    assert journal.rotation is not None
    assert journal.rotation.step == "step12"


@pytest.mark.parametrize("name", ["x", "1/2", "", "-1", "1\n", "²", "1234567890123"])
def test_what_lies_in_the_journals_path_and_is_no_entry(name: str) -> None:
    with pytest.raises(JournalError, match="lies in the journal's path and is no entry"):
        fold(PATH, [entry(name, "plan")])


@pytest.mark.parametrize(
    "body",
    [
        "canary",
        "[]",
        "null",
        "{}",
        '{"rotation": "canary", "step": "plan"}',
        '{"rotation": 1, "step": "plan", "who": "canary"}',
        '{"rotation": "r", "step": "plan", "who": "w", "prescribes": "canary"}',
        '{"rotation": "r", "step": "plan", "who": "w", "prescribes": {"secrets": ["canary"]}}',
        '{"rotation": "r", "step": "plan", "who": "w", "prescribes": {"parameters": "canary"}}',
    ],
)
def test_a_broken_entry_is_named(body: str) -> None:
    with pytest.raises(JournalError, match=f"parameter {PATH}/1 is no journal entry") as raised:
        fold(PATH, [Reading(SSM, f"{PATH}/1", "1", body)])
    assert "canary" not in str(raised.value)
