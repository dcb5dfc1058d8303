# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The format of .env.enc: what a file shows, what it hides, and that no change to it goes unseen."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, encrypted_env
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import EncryptedEnvError

CATALOG: dict[str, Any] = {
    "application": "shop",
    "settings": {
        "KEY": {"group": "core"},
        "URL": {"compose": {"scheme": "https", "host": "h"}},
        "DEBUG": {"value": "x"},
    },
}
CONTEXT = {"application": "shop", "environment": "production", "catalog": "0" * 64}
FILE_KEY = bytes(range(32))
WRITTEN = "2026-11-29T01:00:00Z"
PATH = "/srv/.env.enc"
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
VALUES = st.dictionaries(NAMES, st.text(st.characters(codec="utf-8"), max_size=400), min_size=1, max_size=8)


def written(values: Mapping[str, str], **other: Any) -> bytes:
    known = {"context": CONTEXT, "journal": 7, "written_at": WRITTEN, "file_key": FILE_KEY, "wrapped_key": b"wrapped"}
    return encrypted_env.written(values, **{**known, **other})


def opened(content: bytes, file_key: bytes = FILE_KEY) -> dict[str, str]:
    return encrypted_env.opened(encrypted_env.parsed(content, PATH), file_key)


def lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


@given(VALUES)
def test_what_is_written_is_read(values: dict[str, str]) -> None:
    content = written(values)
    assert opened(content) == values
    assert written(values) == content
    found = encrypted_env.parsed(content, PATH)
    assert (found.names, found.journal, found.wrapped_key) == (tuple(sorted(values)), 7, b"wrapped")
    assert found.written_at == WRITTEN
    assert found.context == CONTEXT


@given(VALUES, st.data())
def test_no_byte_can_be_changed_unseen(values: dict[str, str], data: st.DataObject) -> None:
    content = written(values)
    at = data.draw(st.integers(0, len(content) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))
    with pytest.raises(EncryptedEnvError):
        opened(content[:at] + bytes([other]) + content[at + 1 :])


@given(VALUES, st.data())
def test_no_line_can_be_moved_left_out_or_repeated(values: dict[str, str], data: st.DataObject) -> None:
    before = lines(written(values))
    after = data.draw(st.lists(st.sampled_from(before), max_size=len(before) + 1).filter(lambda some: some != before))
    with pytest.raises(EncryptedEnvError):
        opened(b"".join(after))


@given(VALUES, st.data())
def test_a_truncated_file_is_refused(values: dict[str, str], data: st.DataObject) -> None:
    content = written(values)
    with pytest.raises(EncryptedEnvError):
        opened(content[: data.draw(st.integers(0, len(content) - 1))])


@given(st.binary(max_size=2000))
def test_any_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(EncryptedEnvError):
        encrypted_env.parsed(content, PATH)


def test_a_diff_shows_the_names_that_changed() -> None:
    before = lines(written({"A": "1", "B": "2", "C": "3"}))
    after = lines(written({"A": "1", "B": "two", "C": "3"}))
    changed = [one.split(b"=")[0] for one, other in zip(before, after, strict=True) if one != other]
    assert changed[0] == b"B"
    assert [one[:6] for one in changed[1:]] == [b"# mac:"]


def test_a_changed_catalog_changes_two_lines() -> None:
    before, after = lines(written({"A": "1"})), lines(written({"A": "1"}, context={**CONTEXT, "catalog": "1" * 64}))
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True, False]


def test_equal_values_cannot_be_compared() -> None:
    """Neither between settings of a file, nor between environments, nor between two file keys."""
    files = [
        written({"A": "same", "B": "same"}),
        written({"A": "same"}, context={**CONTEXT, "environment": "staging"}),
        written({"A": "same"}, context={**CONTEXT, "application": "other"}),
        written({"A": "same"}, file_key=bytes(32)),
    ]
    shown = [encrypted for one in files for _name, encrypted in encrypted_env.parsed(one, PATH).entries]
    assert len(set(shown)) == len(shown) == 5


@pytest.mark.parametrize(("length", "bucket"), [(0, 128), (1, 128), (124, 128), (125, 256), (252, 256), (4000, 4096)])
def test_lengths_are_hidden(length: int, bucket: int) -> None:
    ((_name, encrypted),) = encrypted_env.parsed(written({"A": "x" * length}), PATH).entries
    assert len(encrypted) == bucket + 16


def test_a_wrong_file_key_opens_nothing() -> None:
    with pytest.raises(EncryptedEnvError, match="MAC does not match"):
        opened(written({"A": "1"}), bytes(32))
    with pytest.raises(EncryptedEnvError, match="31 bytes instead of 32"):
        opened(written({"A": "1"}), bytes(31))


def test_a_value_cannot_be_put_under_another_name() -> None:
    """Even by one who has the file key for the MAC, but did not write it with this code."""
    found = encrypted_env.parsed(written({"A": "1", "B": "2"}), PATH)
    swapped = ((found.names[0], found.entries[1][1]), (found.names[1], found.entries[0][1]))
    with pytest.raises(EncryptedEnvError, match="A cannot be decrypted"):
        encrypted_env.opened(replace(found, entries=swapped), FILE_KEY)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda some: [b"# other\n", *some[1:]],
            "line 1: is not the first line of a watchparty.secrets/env.enc/1 file",
        ),
        (
            lambda some: [some[0].replace(b"2026-11-29T", b"2026-99-29T"), *some[1:]],
            "line 1: written= is not a time",
        ),
        (lambda some: [some[0], *some[2:]], "line 2: must begin with '# key:'"),
        (lambda some: [*some[:3], some[2], *some[3:]], "line 4: A occurs twice"),
        (lambda some: [*some[:2], b"A=1\n", *some[3:]], "line 3: is not base64"),
        (lambda some: [*some[:2], b"export A=1\n", *some[3:]], "line 3: is not NAME=encrypted value"),
        (lambda some: some[:-1], "line 3: must begin with '# mac:'"),
        (lambda some: [*some[:-1], some[-1].rstrip()], "the file ends too early"),
        (lambda some: [*some[:-1], b"# mac: AAAA\n"], "line 4: holds no MAC"),
        (lambda some: [b"x" * (4 << 20), *some], "is larger than 4 MiB"),
        (lambda some: ["ä".encode(), *some], "is not ASCII"),
    ],
)
def test_messages_name_the_file_the_line_and_the_remedy(change: Any, message: str) -> None:
    with pytest.raises(EncryptedEnvError) as caught:
        encrypted_env.parsed(b"".join(change(lines(written({"A": "1"})))), PATH)
    assert message in str(caught.value)
    assert str(caught.value).startswith(PATH)


def test_the_context_is_of_one_environment_and_its_settings() -> None:
    def context(**other: Any) -> dict[str, str]:
        return encrypted_env.context_of(catalog_parser.parse({**CATALOG, **other}, "test"))

    own = context()
    assert own["application"] == "shop"
    assert own["environment"] == "test"
    same = {**CATALOG["settings"], "KEY": {"group": "core", "description": "what signs"}}
    assert context(settings=same) == own
    for setting in ({"group": "other"}, {"group": "core", "type": "base64"}, {"value": "1"}):
        assert context(settings={**CATALOG["settings"], "KEY": setting})["catalog"] != own["catalog"]
    other = {"URL": {"compose": {"scheme": "https", "host": "other"}}}
    assert context(settings={**CATALOG["settings"], **other})["catalog"] != own["catalog"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("environment", "staging", "belongs to environment production, and this run is for staging"),
        ("application", "other", "belongs to application shop, and this run is for other"),
        ("catalog", "1" * 64, "was written with another catalog"),
    ],
)
def test_another_context_is_refused(name: str, value: str, message: str) -> None:
    found = encrypted_env.parsed(written({"A": "1"}), PATH)
    encrypted_env.require_context(found, CONTEXT)
    with pytest.raises(EncryptedEnvError, match=message):
        encrypted_env.require_context(found, {**CONTEXT, name: value})


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EncryptedEnvError, match=r"cryptography .* is missing .*pip install cryptography"):
        written({"A": "1"})
