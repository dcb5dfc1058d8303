# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.chain import NONE, Chain, Head
from tests.unit.plugins.plugin_utils._audit.audit_lines import chained, log, record_fields


def head(lines: list[str]) -> Head:
    return audit_chain.parsed(lines[-1]).head if lines else Head()


def test_a_line_is_canonical_and_carries_the_chain() -> None:
    first, second = log(2)
    assert first == (
        '{"application":"shop","at":"2026-11-25T10:00:00Z","environment":"production","id":"r1:completed","number":1,'
        '"outcome":"completed","previous":"","rotation":"r1","who":"ann@laptop"}'
    )
    record = audit_chain.record_of(second)
    assert (record["number"], record["id"]) == (2, "r2:completed")
    assert record["previous"] == hashlib.sha256(first.encode() + b"\n").hexdigest()
    assert chained(record_fields(who="Zoë")).isascii()


def test_the_digest_is_what_the_shell_prints(tmp_path: Path) -> None:
    lines = log(3)
    (tmp_path / "audit.jsonl").write_text("".join(f"{line}\n" for line in lines))
    completed = subprocess.run(
        ["/bin/sh", "-c", "sed -n 3p audit.jsonl | sha256sum"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert completed.stdout.split()[0] == head(lines).digest


def test_words() -> None:
    assert str(Head()) == "an empty log"
    assert str(Head(3, "a" * 64)) == "record 3 (aaaaaaaaaaaa…)"
    assert audit_chain.head_of(None) is None
    assert audit_chain.head_of({"number": 0, "digest": ""}) is None
    assert audit_chain.head_of({"number": 2, "digest": "a" * 64}) == Head(2, "a" * 64)


@pytest.mark.parametrize(
    "given",
    [
        {"number": 2},
        {"number": -1, "digest": ""},
        {"number": True, "digest": "a" * 64},
        {"number": "2", "digest": "a" * 64},
        {"number": 2, "digest": "short"},
        {"number": 2, "digest": None},
        {"number": 2, "digest": "a" * 64, "more": 1},
    ],
)
def test_what_is_no_head(given: dict[str, Any]) -> None:
    with pytest.raises(AuditError, match="head: give number and digest"):
        audit_chain.head_of(given)


def test_a_record_too_long_for_the_body() -> None:
    with pytest.raises(AuditError, match=r"but at most 200000 fit"):
        chained(record_fields(hosts=[f"{number}.{'h' * 400}" for number in range(500)]))


def test_a_whole_log_has_no_problem() -> None:
    assert audit_chain.verify([]) == []
    for count in range(1, 6):
        lines = log(count)
        assert audit_chain.verify(lines) == []
        assert audit_chain.verify(lines, head(lines)) == []
        assert audit_chain.verify(lines, head(lines[:1])) == [], "records after the head are not missing"
    assert audit_chain.verify([], Head()) == []


def altered(line: str, **extra: Any) -> str:
    return audit_chain._canonical({**json.loads(line), **extra})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [], "the log ends at record 0, but its head is record 4"),
        (lambda lines: lines[:3], "the log ends at record 3, but its head is record 4"),
        (lambda lines: lines[1:], "record 1 is missing"),
        (lambda lines: lines[2:], "records 1 to 2 are missing"),
        (lambda lines: [lines[0], lines[3]], "records 2 to 3 are missing"),
        (lambda lines: [lines[0], *lines], "record 1 occurs twice"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "record 1 (r1:completed) comes after record 2: the order"),
        (lambda lines: [lines[1], "", lines[0], *lines[2:]], "record 1 (r1:completed) comes after record 2: the"),
        (lambda lines: [lines[0], altered(lines[1], who="eve"), *lines[2:]], "record 3 (r3:completed) does not follow"),
        (
            lambda lines: [altered(lines[0], previous="x"), *lines[1:]],
            "record 1 (r1:completed) names a previous record",
        ),
        (
            lambda lines: [*lines[:3], altered(lines[3], who="eve")],
            "record 4 differs from the record that the head names",
        ),
        (lambda lines: [lines[0], lines[1] + " ", *lines[2:]], "line 2 is not in the log's format: it was"),
        (lambda lines: [lines[0], lines[1][:-3], *lines[2:]], "line 2 is not a JSON object"),
        (lambda lines: [lines[0], "[]", *lines[2:]], "line 2 is not a JSON object"),
        (lambda lines: [lines[0], "[" * 100_000, *lines[2:]], "line 2 is not a JSON object"),
        (lambda lines: [lines[0], lines[1].replace('"number":2', '"number":NaN'), *lines[2:]], "line 2 is not a JSON"),
        (lambda lines: [lines[0], altered(lines[1], number="2"), *lines[2:]], "line 2 has no number"),
        (lambda lines: [lines[0], altered(lines[1], id=None), *lines[2:]], "line 2 has no id"),
    ],
)
def test_what_is_wrong_is_named(change: Any, message: str) -> None:
    lines = log(4)
    results = audit_chain.verify(change(lines), head(lines))
    assert any(line.startswith(message) for line in results), results


@given(st.data())
def test_any_change_is_found(data: st.DataObject) -> None:
    lines = log(data.draw(st.integers(1, 8), label="records"))
    at = data.draw(st.integers(0, len(lines) - 1), label="at")
    kind = data.draw(st.sampled_from(["byte", "field", "missing", "cut", "torn", "swapped", "twice", "anew"]))
    changed = list(lines)
    if kind == "byte":
        place = data.draw(st.integers(0, len(lines[at]) - 1))
        character = data.draw(st.characters(exclude_categories=["Cs"]))
        changed[at] = lines[at][:place] + character + lines[at][place + 1 :]
    elif kind == "field":
        field = data.draw(st.sampled_from(["who", "at", "previous", "id", "number", "hosts"]))
        changed[at] = altered(lines[at], **{field: data.draw(st.one_of(st.text(), st.integers(0, 9)))})
    elif kind == "missing":
        del changed[at]
    elif kind == "cut":
        del changed[at:]
    elif kind == "torn":
        changed[at:] = [lines[at][: data.draw(st.integers(0, len(lines[at]) - 1))]]
    elif kind == "swapped":
        other = data.draw(st.integers(0, len(lines) - 1))
        changed[at], changed[other] = changed[other], changed[at]
    elif kind == "twice":
        changed.insert(data.draw(st.integers(0, len(lines))), lines[at])
    else:  # written anew from here on, by somebody who knows the format
        del changed[at:]
        for number in range(at + 1, len(lines) + 1):
            before = changed[-1] if changed else None
            changed.append(chained(record_fields(number, who="eve"), before))
    assert bool(audit_chain.verify(changed, head(lines))) == (changed != lines)


def rival(lines: list[str], at: int, **extra: Any) -> str:
    """Another record after the one before ``at``."""
    return chained(record_fields(at + 1, **extra), lines[at - 1] if at else None)


def test_a_body_that_holds_lines_twice_and_in_another_order() -> None:
    lines = log(4)
    assert audit_chain.chain([*lines[::-1], *lines]) == Chain(tuple(lines))
    assert audit_chain.chain([]) == Chain()
    assert Chain().head == Head()
    assert audit_chain.chain(lines).head == head(lines)


@given(st.permutations(range(5)), st.integers(0, 4), st.booleans())
def test_a_record_that_two_writers_wrote_counts_once(order: list[int], at: int, known: bool) -> None:
    lines = log(4)
    both = [*lines, rival(lines, at if at < 4 else 3, who="bob@desk")]
    chain = audit_chain.chain([both[place] for place in order], head(lines) if known else None)
    assert len(chain.lines) == 4
    assert len(chain.beside) == 1
    assert audit_chain.verify(chain.lines) == [], "one chain, whichever of the last two it takes"
    assert audit_chain.strays(chain) == []
    if known or at < 3:
        assert list(chain.lines) == lines


def test_the_first_of_two_last_records_stays_the_last() -> None:
    lines = log(3)
    other = rival(lines, 2, who="bob@desk")
    assert audit_chain.chain([*lines, other]).lines[-1] == lines[2]
    assert audit_chain.chain([*lines[:2], other, lines[2]]).lines[-1] == other


def test_what_follows_the_head_is_taken_from_among_rivals() -> None:
    lines = log(4)
    other = rival(lines, 1, who="bob@desk")
    forged = [other, chained(record_fields(3, who="bob@desk"), other)]
    forged.append(chained(record_fields(4, who="bob@desk"), forged[-1]))
    for known in (head(lines[:2]), head(lines[:3]), head(lines)):
        assert list(audit_chain.chain([*forged, *lines], known).lines) == lines
    assert list(audit_chain.chain([*forged, *lines]).lines) == [lines[0], *forged], "without a head the first counts"


def test_lines_beside_the_chain_are_named() -> None:
    lines = log(3)
    stray = chained(record_fields(9), lines[0])
    chain = audit_chain.chain([lines[0], *lines[1:], stray, "something else"])
    assert audit_chain.strays(chain) == [
        "record 2 (r9:completed) is outside the chain: no record follows it, and no record in the chain has its id",
        "a line is not a JSON object: it was altered, or another program wrote it",
    ]


def test_what_is_missing_in_a_body_is_found_by_the_chain() -> None:
    lines = log(5)
    for at in range(5):
        chain = audit_chain.chain([line for line in lines if line != lines[at]], head(lines))
        assert audit_chain.verify(chain.lines, head(lines)) != []


def test_a_record_by_its_id() -> None:
    chain = audit_chain.chain(log(3))
    entry = chain.find("r2:completed")
    assert entry is not None
    assert entry.number == 2
    assert chain.find("r2:aborted") is None
    assert Chain(("no record", *chain.lines)).entries == chain.entries


def test_a_record_may_follow_a_head_whose_line_is_gone() -> None:
    lines = log(3)
    line = audit_chain.following(record_fields(4), head(lines))
    assert audit_chain.verify([*lines, line]) == []
    assert audit_chain.parsed(audit_chain.following(record_fields(1), Head())).previous == NONE
