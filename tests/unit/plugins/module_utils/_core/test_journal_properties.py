# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Any sequence of entries that a run may append, and entries that are broken."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    Journal,
    base_entry,
    digest_of,
    extended,
    fold,
    following,
    written,
)
from tests.unit.plugins.module_utils._core.journal_lines import DUE, chained, entry, opened, state

# Any sequence that a run may append.

STEPS = st.sampled_from(["plan", "create", "set", "test", "deploy", "promote", "revoke", "record", "abort", "withdraw"])
NAMES = st.sampled_from(["a", "b", "c"])
VERSIONS = st.dictionaries(NAMES, st.sampled_from(["v1", "v2"]), max_size=2)
MORE = st.fixed_dictionaries(
    {},
    optional={
        "at": st.just("t"),
        "run": NAMES,
        "phase": st.integers(0, 2),
        "reason": NAMES,
        "holder": st.fixed_dictionaries({"pid": st.integers(1, 9)}),
        "plan": st.fixed_dictionaries(
            {"phases": st.integers(0, 2), "secrets": VERSIONS},
            optional={"credentials": st.dictionaries(NAMES, st.just({"kind": "k", "issued": True}), max_size=2)},
        ),
        "prescribes": st.fixed_dictionaries(
            {"secrets": VERSIONS},
            optional={
                "parameters": st.dictionaries(NAMES, st.integers(1, 9), max_size=1),
                "overlay": st.none() | st.just({"secret": "own", "version": "v", "phase": 1}),
            },
        ),
        "notes": st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(), max_size=1), max_size=1),
        "rotated": st.dictionaries(NAMES, st.just({"at": "t", "who": "w", "rotation": "r"}), max_size=1),
        "pending_tasks": st.dictionaries(NAMES, st.just(DUE), max_size=2),
        "discharged": st.lists(NAMES, max_size=1),
        "prepared": st.lists(NAMES, max_size=2),
        "unprepared": st.lists(NAMES, max_size=1),
        "audit": st.fixed_dictionaries({"number": st.integers(1, 9)}),
    },
)
ONE_ROTATION = st.tuples(
    NAMES, st.lists(st.tuples(STEPS, MORE), max_size=4), st.tuples(st.sampled_from(["closed", "aborted"]), MORE)
)


@given(st.lists(ONE_ROTATION, min_size=1, max_size=4), st.integers(0, 20), st.data())
def test_any_sequence(rotations: list[Any], cut: int, data: st.DataObject) -> None:
    bodies = [
        {"rotation": name, "step": step, **more} for name, steps, end in rotations for step, more in [*steps, end]
    ]
    readings = chained(*bodies[: max(1, min(cut, len(bodies)))])
    whole = fold(readings)
    assert (whole.head, list(whole.lines)) == (len(readings), readings)
    step_by_step = Journal()
    for reading in readings:
        step_by_step = extended(step_by_step, reading)
    assert step_by_step == whole
    last = json.loads(readings[-1])
    if last["step"] in ("closed", "aborted"):
        assert whole.rotation is None
        # A base loses nothing.
        body = {"rotation": "trim", "step": "closed", **json.loads(json.dumps(base_entry(whole)))}
        [base] = chained(body, start=whole.head + 1, prev=whole.digest)
        left = readings[data.draw(st.integers(0, len(readings))) :]
        trimmed = fold([*left, base])
        assert state(trimmed) == replace(state(whole), head=whole.head + 1, digest=digest_of(base))
    else:
        assert (opened(whole).id, opened(whole).step) == (last["rotation"], last["step"])
        assert opened(whole).number == whole.head


@given(st.lists(ONE_ROTATION, min_size=1, max_size=6))
def test_whatever_is_appended_reads_back_as_it_was_left(rotations: list[Any]) -> None:
    """With what is gathered and what is no longer kept."""
    journal, plain = Journal(), Journal()
    for name, steps, end in rotations:
        for step, more in [*steps, end]:
            body = {"rotation": name, "step": step, "who": "ann", **more}
            journal = following(journal, body)
            plain = extended(plain, written({**body, "number": plain.head + 1}))
        assert fold(journal.lines) == journal
        assert replace(state(journal), digest="") == replace(state(plain), digest="")


@pytest.mark.parametrize("number", [0, -1, 1.5, "1", True, None, 10**12])
def test_an_entry_without_a_number(number: Any) -> None:
    with pytest.raises(JournalError, match=r"^line 1 of the journal's entries is not a journal entry"):
        fold([entry(number, "plan")])


@pytest.mark.parametrize(
    "body",
    [
        "canary",
        "[]",
        "null",
        "{}",
        '{"rotation": "canary", "step": "plan"}',
        '{"rotation": 1, "step": "plan", "who": "canary"}',
    ],
)
def test_a_broken_entry_is_named(body: str) -> None:
    with pytest.raises(JournalError, match="line 1 of the journal's entries is not a journal entry") as raised:
        fold([body])
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    "more",
    [
        {"prescribes": "canary"},
        {"prescribes": {"secrets": ["canary"]}},
        {"prescribes": {"parameters": "canary"}},
        {"prescribes": {"overlay": "canary"}},
        {"prescribes": {"overlay": {"canary": 1}}},
        {"rotated": ["canary"]},
        {"rotated": {"c": "canary"}},
        {"rotated": {"c": {"canary": 1}}},
        {"pending_tasks": {"c": {"canary": 1}}},
        {"discharged": 1},
        {"prepared": 1},
        {"unprepared": 1},
        {"audit": "canary"},
        {"holder": "canary"},
        {"plan": "canary"},
        {"ended": 1},
        {"ended": [{"canary": 1}]},
        {"notes": "canary"},
        {"hosts_with_old_key": "canary"},
        {"hosts_with_old_key": {"c": 1}},
        {"behind": 1},
        {"behind": [{"canary": 1}]},
        {"phase": "canary"},
        {"attempt": None},
    ],
    ids=str,
)
def test_a_field_that_is_not_what_it_should_be(more: dict[str, Any]) -> None:
    with pytest.raises(JournalError, match="journal entry 1 is not a journal entry") as raised:
        fold([entry(1, "plan", **more)])
    assert "canary" not in str(raised.value)
    with pytest.raises(JournalError, match="is not a journal entry"):
        extended(Journal(), entry(1, "plan", **more))


def test_a_plan_that_is_none_ends_in_the_same_words() -> None:
    with pytest.raises(JournalError, match="journal entry 2 is not a journal entry"):
        fold([entry(1, "plan", plan={"credentials": ["canary"]}), entry(2, "closed")])
