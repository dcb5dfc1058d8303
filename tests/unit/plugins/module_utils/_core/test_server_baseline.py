# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What differs from a baseline, what is accepted into it, and what is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    AcceptedDifference,
    RecordedServer,
    ServerBaseline,
    ServerReading,
    compare,
)

KINDS = ("role", "grant", "function")
TEXTS = st.text(max_size=5).map(server_baseline.printable)
ENTRIES = st.dictionaries(st.tuples(st.sampled_from(KINDS), TEXTS), TEXTS, max_size=6)
READINGS = st.builds(
    lambda kinds, entries: ServerReading(kinds, {key: text for key, text in entries.items() if key[0] in kinds}),
    st.frozensets(st.sampled_from(KINDS)),
    ENTRIES,
)


def source(reading: ServerReading, **own: str) -> RecordedServer:
    return RecordedServer("2026-11-29T10:00:00Z", "op@host", reading.kinds, reading.entries, own)


@given(READINGS, READINGS)
def test_every_entry_that_differs_is_named_once(then: ServerReading, now: ServerReading) -> None:
    found = {(item.kind, item.name): item.state for item in compare("db", source(then), now)}
    kinds = then.kinds & now.kinds
    for key in {*then.entries, *now.entries}:
        before, after = then.entries.get(key), now.entries.get(key)
        assert (key in found) is (key[0] in kinds and before != after)
    assert len(found) == len(compare("db", source(then), now))


@given(READINGS, READINGS)
def test_what_is_accepted_is_no_difference_any_more(then: ServerReading, now: ServerReading) -> None:
    differences = compare("db", source(then), now)
    after = server_baseline.recorded(source(then), now, differences)
    assert compare("db", after, now) == []
    assert after.kinds == then.kinds | now.kinds
    left = server_baseline.recorded(source(then), now, differences[1:])
    assert compare("db", left, now) == differences[:1], "one that was not accepted stays"


def test_which_logins_are_explained() -> None:
    entries = {("role", '"Odd ""one""" LOGIN'): "", ("role", "report LOGIN"): "", ("role", "ops SUPERUSER"): ""}
    reading = ServerReading(frozenset({"role"}), entries)
    known = server_baseline.known_logins(source(reading, shop_a="shop_a or _b"), "postgresql")
    explained = ('Odd "one"', "report", "report_a", "shop_b", "shop", "shop_a")
    assert [name for name in explained if server_baseline.is_unexplained(name, known)] == []
    assert [
        name for name in ("ops", "thief", "shopper", "report_c") if not server_baseline.is_unexplained(name, known)
    ] == []


@pytest.mark.parametrize(
    ("engine", "kind", "names", "expected"),
    [
        ("valkey", "user", ["report at cache:6379", "shop_a or _b at cache:6379"], {"report", "shop_a", "shop_b"}),
        ("rabbitmq", "user", ["a at b", "shop_a or _b"], {"a at b", "shop_a", "shop_b"}),
        ("mysql", "account", ["`o``d@d`@`10.%`", "``@`%`", "shop_a or _b@`%`"], {"o`d@d", "", "shop_a", "shop_b"}),
    ],
)
def test_the_logins_of_a_baseline(engine: str, kind: str, names: list[str], expected: set[str]) -> None:
    """Of two that alternate, the name that both have in it is no login's."""
    reading = ServerReading(frozenset({kind}), {(kind, name): "" for name in names})
    own = server_baseline.own_names(["shop_a"])
    assert server_baseline.known_logins(source(reading, **own), engine) == expected


@given(st.dictionaries(st.text(max_size=5), READINGS, max_size=3))
def test_what_is_stored_is_what_is_read(readings: dict[str, ServerReading]) -> None:
    sources = {place: source(reading, shop_a="shop_a or _b") for place, reading in readings.items()}
    accepted = (AcceptedDifference("0badcafe", "role x", "op", "2026", "why"),)
    baseline = ServerBaseline("shop", "test", "canary-key", sources, accepted)
    content = server_baseline.written(baseline)
    assert server_baseline.parsed(content, "shop", "test", where="there") == baseline
    assert server_baseline.written(server_baseline.parsed(content, "shop", "test", where="there")) == content
    assert "canary-key" not in repr(baseline)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[]", b"{}", b'{"baseline":2}', b"[" * 100_000]
    + [json.dumps({"baseline": 1, "application": "shop", "environment": name}).encode() for name in ("test", "other")],
)
def test_what_is_no_baseline_is_refused(content: bytes) -> None:
    with pytest.raises(StoreError, match="there is not the baseline of shop in test"):
        server_baseline.parsed(content, "shop", "test", where="there")


def test_the_name_of_an_own_login_is_a_text() -> None:
    stored = {**server_baseline.as_data(source(ServerReading(frozenset(), {}))), "own": {"shop": 1}}
    assert server_baseline.source_of(stored).own == {"shop": "1"}


def test_a_stored_name_does_not_reach_the_terminal() -> None:
    evil = ServerReading(frozenset({"role"}), {("role", "\x1b[2J"): ""})
    content = server_baseline.written(ServerBaseline("shop", "test", "key", {"db": source(evil)}))
    with pytest.raises(StoreError):
        server_baseline.parsed(content, "shop", "test", where="there")


@given(st.text(), st.text())
def test_two_names_never_look_alike(one: str, other: str) -> None:
    shown = server_baseline.printable(one)
    assert shown.isprintable()
    assert len(shown) <= server_baseline.LONGEST + 1
    assert (shown == server_baseline.printable(other)) is (one == other)


def test_long_names_that_begin_alike_differ() -> None:
    assert server_baseline.printable("x" * 300) != server_baseline.printable("x" * 301)


def test_two_logins_that_take_turns_have_one_name() -> None:
    names = server_baseline.own_names(["shop_b", "report"])
    assert names == {"shop_a": "shop_a or _b", "shop_b": "shop_a or _b", "report": "report"}
    both = [{"kind": "role", "name": names[login], "facts": "", "undo": ""} for login in ("shop_a", "shop_b")]
    one = server_baseline.reading_of({"kinds": ["role"], "entries": both[:1]})
    assert server_baseline.reading_of({"kinds": ["role"], "entries": both}).entries == one.entries
    both[0]["facts"] = "SUPERUSER"
    assert compare("db", source(one), server_baseline.reading_of({"kinds": ["role"], "entries": both})) != []


def test_an_id_names_one_difference_at_one_place() -> None:
    entry = {"kind": "role", "name": "thief", "facts": "", "undo": "DROP ROLE thief"}
    earlier, later = ({**entry, "since": f"2026-11-25T{hour}:00:00Z"} for hour in (10, 11))
    now = server_baseline.reading_of({"kinds": ["role"], "entries": [later, entry, earlier]})
    (found,) = compare("db", source(ServerReading(now.kinds, {})), now)
    (elsewhere,) = compare("db2", source(ServerReading(now.kinds, {})), now)
    assert (found.message, found.undo) == ("role thief is not in the baseline", "DROP ROLE thief")
    assert found.finding == "role thief is not in the baseline, written 2026-11-25T11:00:00Z: DROP ROLE thief"
    assert found.id != elsewhere.id
    listens = found._replace(kind="listener").finding
    assert listens == "listener thief is not in the baseline, since 2026-11-25T11:00:00Z: DROP ROLE thief"


def test_more_entries_than_there_is_room_for_are_a_problem() -> None:
    inventory = server_baseline.no_inventory()
    entry: dict[str, Any] = server_baseline.entry_of("role", "x", "", "")
    server_baseline.add(inventory, {"kinds": ["role"], "entries": [entry] * 9000})
    assert (inventory["entries"], len(inventory["problems"])) == ([], 1)


def test_longer_names_than_there_is_room_for_are_a_problem() -> None:
    """Each letter of them is many bytes in an answer."""
    inventory = server_baseline.no_inventory()
    entries = [server_baseline.entry_of("role", "\U0001f511" * 199, "", "")] * 1000
    server_baseline.add(inventory, {"kinds": ["role"], "entries": entries[:300]})
    server_baseline.add(inventory, {"kinds": ["role"], "entries": entries})
    assert (inventory["entries"], len(inventory["problems"])) == (entries[:300], 1)


def test_kinds_are_those_that_every_node_showed() -> None:
    inventory = server_baseline.no_inventory()
    for kinds in (["user", "module"], ["user", "function"]):
        server_baseline.add(inventory, {"kinds": kinds, "entries": []})
    assert inventory["kinds"] == ["user"]
    server_baseline.add(inventory, {"kinds": ["password"], "entries": []}, further=True)
    assert inventory["kinds"] == ["password", "user"]


@pytest.mark.parametrize(
    ("command", "shown"),
    [("a 'b\\c'", True), ("a 'b;c" + "x" * 300 + "'", True), ("a '" + "x" * 2000 + "'", False), ("a 'b\x1bc'", False)],
)
def test_a_command_is_shown_as_it_is_or_not_at_all(command: str, shown: bool) -> None:
    """Cut inside its quotes, it would turn the quotes of the next pasted line inside out."""
    assert server_baseline.entry_of("user", "x", "", command)["undo"] == (command if shown else "")
