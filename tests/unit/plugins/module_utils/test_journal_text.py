# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils import _journal_text
from ansible_collections.watchparty.secrets.plugins.module_utils._journal_text import PACKED, ROOM, UNPACKED_BYTES

TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


def packed(data: bytes) -> str:
    return PACKED + base64.b64encode(zlib.compress(data)).decode()


@given(st.dictionaries(st.text(max_size=8), TEXTS), st.integers(0, 3) | st.just(ROOM))
def test_what_was_written_is_read(entry: dict[str, Any], repeated: int) -> None:
    entry = {**entry, "padding": "ab" * repeated}
    assert _journal_text.read(_journal_text.written(entry)) == entry


def test_only_what_a_parameter_would_not_take_is_compressed() -> None:
    spare = ROOM - len(_journal_text.written({"plan": ""}))
    fits = {"plan": "x" * spare}
    assert _journal_text.written(fits) == json.dumps(fits, separators=(",", ":"))
    longer = _journal_text.written({"plan": "x" * (spare + 1)})
    assert longer.startswith(PACKED)
    assert len(longer) < ROOM


def test_it_is_written_the_same_each_time() -> None:
    entry = {"b": "x" * ROOM, "a": 1}
    assert _journal_text.written(entry) == _journal_text.written(dict(reversed(entry.items())))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        PACKED,
        PACKED + "not base64!",
        PACKED + base64.b64encode(b"not compressed").decode(),
        packed(b"x" * 9000)[:-8],
        packed(b"no JSON"),
        packed(b"\xff"),
        packed(b" " * (UNPACKED_BYTES + 1) + b"{}"),
    ],
    ids=["nothing", "plain", "bare", "alphabet", "format", "cut", "packed", "bytes", "grows"],
)
def test_what_was_not_written_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        _journal_text.read(text)
