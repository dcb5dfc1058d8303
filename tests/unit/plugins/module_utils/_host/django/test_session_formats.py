# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What sessions look like where Django keeps them, and which of them end."""

from __future__ import annotations

import base64
import json
import pickle
import resource
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import session_formats
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django.session_formats import (
    DjangoSession,
    SessionStore,
    Whose,
)

CONTENT = st.dictionaries(st.text(max_size=8), st.text(max_size=40) | st.integers() | st.none(), max_size=5)


def signed(content: Any, *, compressed: bool) -> str:
    """As django.core.signing writes it, with a signature by no known key."""
    raw = json.dumps(content, separators=(",", ":")).encode()
    text = base64.urlsafe_b64encode(zlib.compress(raw) if compressed else raw).decode().rstrip("=")
    return ("." if compressed else "") + text + ":1vNabc:signature-_"


@given(CONTENT, st.booleans())
def test_a_signed_session_is_read(content: dict[str, Any], compressed: bool) -> None:
    assert session_formats.decoded(signed(content, compressed=compressed)) == content


def test_a_session_from_before_django_3_1_is_read() -> None:
    text = base64.b64encode(b'0123abcd:{"_auth_user_id":"7"}').decode()
    assert session_formats.decoded(text) == {"_auth_user_id": "7"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "a:b:c",
        ".AAAA:1:x",
        "é:1:x",
        signed([1], compressed=False),
        signed("x" * 5_000_000, compressed=True),
        base64.b64encode(b"0123:" + pickle.dumps({})).decode(),
    ],
)
def test_what_is_no_session_is_unreadable(text: str) -> None:
    content = session_formats.decoded(text)
    assert content is None
    assert session_formats.session("k", content) == DjangoSession("k", None, readable=False)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    session_formats.decoded(text)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    session_formats.unpickled(raw)


@pytest.mark.parametrize(
    "raw", [b"Nr\xff\xff\xff\x0f.", b"Np268435455\n.", b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b"."]
)
def test_a_few_bytes_cost_no_memory(raw: bytes) -> None:
    """The memo was made as long as the index says: 64 GB for six bytes that any writer of the cache can send."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert session_formats.unpickled(raw) is None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_session_of_any_protocol_is_read(protocol: int) -> None:
    content = {str(number): [number] * 3 for number in range(600)}
    assert session_formats.unpickled(pickle.dumps(content, protocol)) == content


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this ran",)


def test_a_pickle_is_read_without_running_anything(capsys: pytest.CaptureFixture[str]) -> None:
    assert session_formats.unpickled(pickle.dumps({"_auth_user_id": "7", "at": [1.5, None, True]})) == {
        "_auth_user_id": "7",
        "at": [1.5, None, True],
    }
    assert session_formats.unpickled(pickle.dumps({"a": Harmful()})) is None
    assert session_formats.unpickled(pickle.dumps({"at": datetime.now(UTC)})) is None
    assert session_formats.unpickled(pickle.dumps([1])) is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("content", "user"), [({}, None), ({"_auth_user_id": "7"}, "7"), ({"_auth_user_id": 7}, "7")])
def test_whose_a_session_is(content: dict[str, Any], user: str | None) -> None:
    assert session_formats.session("k", content) == DjangoSession("k", user)


@pytest.mark.parametrize(
    ("bases", "expected"),
    [
        (["watchparty.sessions", "django.contrib.sessions.backends.db", "builtins"], "db"),
        (["django.contrib.sessions.backends.cached_db", "django.contrib.sessions.backends.db"], "cached_db"),
        (["django.contrib.sessions.backends.signed_cookies"], "signed_cookies"),
        (["own", "django.contrib.sessions.backends.base"], None),
    ],
)
def test_the_engine_that_another_builds_upon(bases: list[str], expected: str | None) -> None:
    assert session_formats.engine_of(bases) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a1" * 16, True), ("short", False), ("A" * 32, False), ("a" * 31 + "/", False), ("a" * 32 + "\n", False)],
)
def test_keys(text: str, expected: bool) -> None:
    assert session_formats.is_key(text) is expected


@pytest.mark.parametrize(
    ("key", "start"),
    [
        (":1:django.contrib.sessions.cache" + "a" * 32, ":1:django.contrib.sessions.cache"),
        ("a\nb:2:django.contrib.sessions.cached_db" + "a" * 32, "a\nb:2:django.contrib.sessions.cached_db"),
        ("django.contrib.sessions.cache" + "a" * 32, "django.contrib.sessions.cache"),
        (":1:django.contrib.sessions.cache", ""),
        (":1:django.contrib.sessions.cache:notes", ""),
        (":1:page", ""),
    ],
)
def test_what_a_key_in_a_cache_begins_with(key: str, start: str) -> None:
    assert session_formats.start_in_cache(key) == start


@pytest.mark.parametrize(("name", "expected"), [("django_session", True), ("own.sessions", True), ('a"; b', False)])
def test_tables(name: str, expected: bool) -> None:
    assert session_formats.is_table(name) is expected
    if expected:
        assert session_formats.quoted("own.sessions") == '"own"."sessions"'


class Some(SessionStore):
    """Two pages of sessions."""

    name = "some"

    def __init__(self) -> None:
        self.left = {"a": "1", "b": "2", "c": "1", "d": None}

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        rows = [
            DjangoSession(key, user, readable=user is not None) if read else DjangoSession(key, None)
            for key, user in self.left.items()
        ]
        yield rows[:2]
        yield rows[2:]

    def end(self, keys: Sequence[str]) -> int:
        return sum(self.left.pop(key, "gone") != "gone" for key in keys)


def test_some_users_sessions_end() -> None:
    store, whose = Some(), Whose(frozenset({"1"}))
    assert session_formats.ended(store, whose, check=True).as_data() == {"store": "some", "count": 2, "unreadable": 1}
    assert len(store.left) == 4
    assert session_formats.ended(store, whose, check=False).as_data() == {"store": "some", "count": 2, "unreadable": 1}
    assert sorted(store.left) == ["b", "d"]


def test_everybodys_sessions_end_whosever_they_are() -> None:
    store = Some()
    assert session_formats.ended(store, Whose(), check=False).as_data() == {
        "store": "some",
        "count": 4,
        "unreadable": 0,
    }
    assert store.left == {}
