# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host finds values as every encoder writes them, wherever they stand, and a hostile file costs no more time."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from functools import cache

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import value_matcher, value_search
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_matcher import ValueMatcher
from tests.unit.plugins.plugin_utils._scan import encoders

COUNT = 13
RATE = 0.98
NOT_FOUND = {"hexadecimal, 60 columns", "base64, 76 columns, in JSON", "base64 in JSON, .NET", "base64 in URL"}
"""What only the scan of a repository finds."""


@cache
def values() -> list[str]:
    return [value for kind in encoders.VALUES for value in encoders.values(kind, COUNT)]


@cache
def matcher() -> ValueMatcher:
    return ValueMatcher({str(at): [value] for at, value in enumerate(values())})


@pytest.mark.parametrize("name", sorted(set(encoders.RULES) - NOT_FOUND))
def test_each_rule(name: str) -> None:
    search = value_search.within(60, matcher())
    texts = encoders.RULES[name](values())
    named = [value_search.in_stream(io.BytesIO(f"KEY=\n{text}\n".encode()), search) for text in texts]
    assert sum(str(at) in names for at, names in enumerate(named)) / len(texts) >= RATE


@pytest.mark.parametrize("length", [1, 3, 8, 14, 15, 23, 31, 39, 64])
@pytest.mark.parametrize("step", value_matcher.STEPS)
def test_wherever_it_stands(step: int, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From each byte of a block on, behind each number of blocks that are passed over, and at the end."""
    monkeypatch.setattr(value_matcher, "STEPS", [step])
    value = ("aB3xK9pQ7mZ1" * 6)[:length]
    only = ValueMatcher({"KEY": [value]})
    for before in range(8 * step + 1):
        assert only.named(b"-" * before + value.encode()) == ["KEY"]
        assert only.named(b"-" * before + value.encode()[:-1]) == []


@pytest.mark.parametrize("blank", list(" \t\r\n\v\f"))
def test_blanks_inside_base64(blank: str) -> None:
    """Of a length that no encoder makes: whoever writes such a file must not end the search of the host."""
    search = value_search.within(60, matcher())
    text = f"{values()[0]} = {'aB' * 12}a{blank}"
    assert "0" in value_search.in_stream(io.BytesIO(text.encode()), search)


def test_another_value_is_not_found() -> None:
    others = [value[:-1] + chr(ord(value[-1]) ^ 1) for value in values() if value[-1].isalnum()]
    for name, encode in encoders.RULES.items():
        if "base64" not in name:  # whose characters do not depend on every bit
            assert [text for text in encode(others) if matcher().named(text.encode())] == []


def test_a_file_full_of_halves_ends_in_time() -> None:
    """Each place takes a comparison: the time is looked at before each."""
    core = matcher()._places
    halves = b"&".join(data for data in core if len(data) < 12) * 2000
    with pytest.raises(value_matcher.OutOfTime):
        matcher().named(halves, time.process_time() + 0.2)


EMPTY_PARTS = gzip.compress(gzip.compress(b"") * 600_000)


def test_a_file_of_empty_packed_parts_ends_in_time() -> None:
    search, began = value_search.within(0.5, matcher()), time.process_time()
    with pytest.raises(value_matcher.OutOfTime):
        value_search.in_stream(io.BytesIO(EMPTY_PARTS), search)
    assert time.process_time() - began < 3


def test_what_was_found_before_the_time_was_over_counts() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as packed:
        for name, content in {"key": values()[0].encode(), "parts": EMPTY_PARTS}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    search = value_search.within(0.5, matcher())
    assert "0" in value_search.in_stream(io.BytesIO(stream.getvalue()), search)
