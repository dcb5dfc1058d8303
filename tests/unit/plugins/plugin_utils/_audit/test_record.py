# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.record import (
    OPTIONAL,
    is_word,
    plain,
    require,
    word,
)

WHOLE: dict[str, Any] = {
    "rotation": "2026-11-25T10.00-5f2b",
    "outcome": "completed",
    "application": "shop",
    "environment": "production",
    "who": "Ann Example <ann@example.com>",
    "at": "2026-11-25T10:00:00.5+01:00",
    "credentials": ["cache", "database"],
    "github": ["SSH_PRIVATE_KEY"],
    "hosts": ["web1", "web2"],
    "journal": 12,
    "unverified_hosts": ["web3"],
    "kinds": {"cache": "valkey_user", "database": "postgresql_role"},
    "notes": ["web3 was skipped"],
    "pending_tasks": ["revoke database: due 2026-11-26T10:00:00Z"],
    "parameters": {"/shop/production/DB/URL": 4, "/shop/production/X": {"from": 3, "to": 4}},
    "phases": 2,
    "reason": "due: 91 days old, at most 90",
    "run": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
    "seconds": {"deploy": 31.5, "revoke": 2},
    "secrets": {"shop/production/core": {"from": None, "to": "7d444840-9dc0-11d1-b245-5ffdce74fad2"}, "x": "v1"},
    "services": ["web", "worker"],
    "settings": ["API_TOKEN"],
    "skipped": {"api": "no fallbacks setting"},
    "started": "2026-11-25T09:59:00Z",
}


def problems(record: Any) -> list[str]:
    with pytest.raises(AuditError) as raised:
        require(record)
    first, *rest = str(raised.value).splitlines()
    assert first == "The audit record is not valid; nothing was recorded:"
    return [line[4:] for line in rest]


def test_every_field_may_be_there() -> None:
    require(WHOLE)
    assert set(OPTIONAL) <= set(WHOLE)


def test_every_problem_is_named() -> None:
    assert problems({}) == [
        f"{name}: is required" for name in ("rotation", "outcome", "application", "environment", "who", "at")
    ]
    assert problems([]) == ["record: is not a dictionary"]


DIGEST = hashlib.sha256(b"canary").hexdigest()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("number", 1, "number: is set by the log itself; leave it out"),
        ("previous", "", "previous: is set by the log itself; leave it out"),
        ("rotation", "a b", "rotation: is not an id of letters"),
        ("rotation", "canary\n", "rotation: is not an id of letters"),
        ("outcome", "Done", "outcome: is not a word of small letters"),
        ("at", "yesterday", "at: is not a time such as"),
        ("who", "", "who: is not text of 1 to 512"),
        ("who", "x" * 513, "who: is not text of 1 to 512"),
        ("who", "a\nb", "who: is not text of 1 to 512"),
        ("who", 1, "who: is not text of 1 to 512"),
        ("reason", DIGEST, "reason: looks like a digest or a key"),
        ("reason", f"sha256:{DIGEST}", "reason: looks like a digest or a key"),
        ("reason", f"the value {DIGEST[:32].upper()}", "reason: looks like a digest or a key"),
        ("reason", "postgresql://u:canary@h/d", "reason: looks like it holds a password"),
        ("reason", "-----BEGIN PRIVATE KEY-----", "reason: looks like it holds a password"),
        ("hosts", "web1", "hosts: is not a list"),
        ("hosts", ["web1", 2], "hosts[1]: is not text"),
        ("kinds", [], "kinds: is not a dictionary"),
        ("kinds", {"a": "B"}, "kinds.a: is not a word"),
        ("kinds", {DIGEST: "b"}, "kinds: looks like a digest or a key"),
        ("journal", -1, "journal: is not a whole number"),
        ("journal", True, "journal: is not a whole number"),
        ("journal", 1.5, "journal: is not a whole number"),
        ("seconds", {"a": float("inf")}, "seconds.a: is not a number from 0 up"),
        ("seconds", {"a": False}, "seconds.a: is not a number from 0 up"),
        ("secrets", {"a": "canary value"}, "secrets.a: is not a dictionary"),
        ("secrets", {"a": {"to": 1}}, "secrets.a.to: is not an id"),
        ("secrets", {"a": {"canary": "x"}}, "secrets.a: has an unknown key; known are from, to"),
        ("parameters", {"a": {"to": "4"}}, "parameters.a.to: is not a whole number"),
        ("steps", [], "record: has an unknown field; known are application, at"),
        ("canary", "x", "record: has an unknown field; known are application, at"),
        ("value", "canary", "record: has an unknown field; known are application, at"),
    ],
)
def test_what_does_not_belong_is_refused_and_not_repeated(field: str, value: Any, message: str) -> None:
    results = problems({**WHOLE, field: value})
    assert len(results) == 1
    assert results[0].startswith(message)
    assert "canary" not in results[0]
    assert DIGEST not in results[0]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("web1: not healthy", "web1: not healthy"),
        (
            "REDIS_URL has no login; write scheme://user:password@host/… there, with %XX",
            "REDIS_URL has no login; write scheme://…@host/… there, with %XX",
        ),
        ("redis://:canary@h and redis://u:p@canary@h:1/0 differ", "redis://…@h and redis://…@h:1/0 differ"),
        ("https://h:443/x stays", "https://h:443/x stays"),
        (f"version {DIGEST} of s, sha256:{DIGEST[:32].upper()}; go on", "version … of s, sha256:…; go on"),
        ("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE-KEY-----"),
        ("a\nb\x1b[31m", "a b [31m"),
        ("", "no reason was given"),
        ("x" * 500, "x" * 400),
        (f"{'x ' * 168}{DIGEST}0", f"{'x ' * 168}…"),
    ],
)
def test_words_as_the_log_takes_them(message: str, expected: str) -> None:
    """What it would refuse in them is left out, and the rest can be read."""
    assert plain(message) == expected
    require({**WHOLE, "reason": plain(message)})


PIECES = st.sampled_from(
    ["://", ":", "@", "/", " ", "\n", "a", "PRIVATE KEY", "PRIVATE", " KEY", DIGEST, DIGEST[:31], "0"]
)


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
@example(f"{'x ' * 168}{DIGEST}0")
@example("://:PRIVATE KEY@")
def test_any_words_are_taken(message: str) -> None:
    require({**WHOLE, "reason": plain(message), "skipped": {"a": plain(message)}})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("valkey_user", "valkey_user"),
        ("Mailbox", "mailbox"),
        ("Our mail.box", "our_mail_box"),
        ("2fa", "k_2fa"),
        ("_x", "k__x"),
        ("Ä" * 80, "k_" + "_" * 62),
    ],
)
def test_a_kinds_name_as_the_log_takes_it(name: str, expected: str) -> None:
    assert word(name) == expected
    assert is_word(name) is (name == expected)


@given(st.text())
def test_any_kinds_name_is_taken(name: str) -> None:
    require({**WHOLE, "kinds": {"a": word(name)}})
    assert word(word(name)) == word(name)
