# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Patterns of keys as the server reads them, and what of a broker no purge may reach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey_key_patterns

PATTERNS = st.text(alphabet="ab*?[]^-\\", max_size=7)
KEYS = st.text(alphabet="ab]^-", max_size=6)


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("a*", b"abc", True),
        ("a*", b"ba", False),
        ("a?c", b"abc", True),
        ("a?c", b"ac", False),
        ("[ab]", b"b", True),
        ("[^ab]", b"b", False),
        ("[a-c]x", b"bx", True),
        ("[c-a]x", b"bx", True),
        ("[a", b"a", True),
        ("[]a]", b"a]", False),
        (r"[\]]", b"]", True),
        (r"\*", b"*", True),
        (r"\*", b"a", False),
        ("a\\", b"a\\", True),
        ("*", b"", True),
        ("*", b"\n\xff", True),
        ("", b"", True),
        ("é*", "éa".encode(), True),
    ],
)
def test_a_pattern_matches_as_the_server_does(pattern: str, key: bytes, expected: bool) -> None:
    assert valkey_key_patterns.matches(pattern, key) is expected


@given(PATTERNS, PATTERNS, KEYS)
def test_patterns_that_share_a_key_overlap(name: str, other: str, key: str) -> None:
    if valkey_key_patterns.matches(name, key.encode()) and valkey_key_patterns.matches(other, key.encode()):
        assert valkey_key_patterns.overlap(name, other)


@given(PATTERNS, KEYS)
def test_a_pattern_overlaps_a_literal_exactly_where_it_matches(pattern: str, key: str) -> None:
    assert valkey_key_patterns.overlap(pattern, valkey_key_patterns.literal(key)) == valkey_key_patterns.matches(
        pattern, key.encode()
    )
    assert valkey_key_patterns.overlap(valkey_key_patterns.literal(key), pattern) == valkey_key_patterns.matches(
        pattern, key.encode()
    )


@given(st.text(max_size=8))
def test_a_literal_matches_itself(text: str) -> None:
    assert valkey_key_patterns.matches(valkey_key_patterns.literal(text), text.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(("name", "other"), [("a*", "b*"), ("a?", "a"), ("*x", "*y"), ("[ab]*", "c*")])
def test_patterns_apart(name: str, other: str) -> None:
    assert not valkey_key_patterns.overlap(name, other)


@pytest.mark.parametrize(
    ("pattern", "of_broker", "named"),
    [
        (":1:*", False, None),
        (":1:*", True, None),
        ("session:*", True, None),
        ("*", False, None),
        ("*", True, "celery*"),
        ("*:cache:*", True, "celery*"),
        ("cel*", False, "celery*"),
        ("celery-task-meta-*", False, "celery*"),
        ("u*", False, "unacked*"),
        ("_kombu.binding.celery", False, "_kombu.*"),
        ("asgi:group:*", False, "asgi*"),
        ("asgispecific.*", False, "asgi*"),
        ("[a-c]*", False, "celery*"),
    ],
)
def test_what_does_not_belong_in_a_catalog(pattern: str, of_broker: bool, named: str | None) -> None:
    result = valkey_key_patterns.problem(pattern, of_broker=of_broker)
    if named is None:
        assert result is None
    else:
        assert result is not None
        assert f"can match {named} (" in result


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CELERY_BROKER_URL", True),
        ("CELERY_RESULT_BACKEND", True),
        ("CHANNEL_LAYERS_CONFIG_HOSTS", True),
        ("BROKER_URL", True),
        ("REDIS_URL", False),
        ("SESSION_REDIS_URL", False),
    ],
)
def test_a_broker_is_known_by_its_name(name: str, expected: bool) -> None:
    assert valkey_key_patterns.names_a_broker(name) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("redis://:p@h:6379/1", ["redis://:p@h:6379/1"]),
        ('["redis://:p@h/1", "rediss://u:p@[::1]:6379/2"]', ["redis://:p@h/1", "rediss://u:p@[::1]:6379/2"]),
        ("sentinel://a:1;sentinel://b:2", ["sentinel://a:1", "sentinel://b:2"]),
        ("db+sqlite:///x.db", ["db+sqlite:///x.db"]),
        ("no url", []),
    ],
)
def test_urls_of_a_value(value: str, expected: list[str]) -> None:
    assert valkey_key_patterns.urls_in(value) == expected


def test_bindings_name_the_queues_and_the_prefix() -> None:
    patterns = valkey_key_patterns.broker_patterns({b"shop_kombu.binding.celery": [b"mail\x06\x16\x06\x16mail[1]"]})
    sieve = valkey_key_patterns.Sieve(("*",), patterns)
    for key in (b"shopmail[1]", b"shopmail[1]\x06\x163", b"shopunacked_index", b"unacked", b"celery-task-meta-1"):
        assert sieve.broker_key(key), key
    assert sieve.broker_key(b"x_kombu.binding.other")
    assert sieve.broker_key(b"1-2.reply.celery.pidbox")
    assert sieve.broker_key(b"shopmail1") is None
    assert sieve.broker_key(b":1:view") is None


def test_a_page_brings_a_key_once() -> None:
    sieve = valkey_key_patterns.Sieve(("a*", "*b"), spared=("as*",))
    assert sieve.fresh(0, [b"ab", b"ab", b"ac"]) == [b"ab", b"ac"]
    assert sieve.fresh(1, [b"ab", b"xb"]) == [b"xb"]
    assert sieve.is_spared(b"as1")
    assert not sieve.is_spared(b"ab")


def test_batches() -> None:
    assert [list(batch) for batch in valkey_key_patterns.batches([b"1", b"2", b"3"], 2)] == [[b"1", b"2"], [b"3"]]


def test_a_key_is_shown_without_what_cannot_be_printed() -> None:
    assert valkey_key_patterns.shown(b"mail\x06\x163\xff") == "mail??3�"
