# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A value is found wherever the windows' edges fall, once, at its offset and line; by every engine alike."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.spellings import Exact
from ansible_collections.watchparty.secrets.plugins.module_utils._core.value_encodings import forms
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import matchers as scan_matchers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import stream_search
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git import Large, Slab, _slabs
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import (
    Label,
    Live,
    Needle,
    Needles,
    needles_for,
)

VALUE = "Kj7-edge-of-a-window-42"
LABEL = Label("TOKEN", "current", "as it is")
OWN = "the search that needs no library"
ENGINES = {
    "hyperscan": scan_matchers.Hyperscan,
    "ahocorasick_rs": scan_matchers.AhoCorasick,
    OWN: scan_matchers.Blocks,
}
INSTALLED = [name for name in ENGINES if name == OWN or importlib.util.find_spec(name)]
"""Not every machine has a wheel of the first."""


def searcher(*wholes: bytes, window: int = 128, prefer: str | None = None) -> stream_search.Searcher:
    needles = tuple(Needle(Exact(whole), (LABEL,)) for whole in wholes)
    return stream_search.Searcher(Needles(needles, (), len(wholes)), window=window, prefer=prefer)


@given(
    before=st.binary(max_size=600),
    after=st.binary(max_size=200),
    whole=st.binary(min_size=8, max_size=90),
    window=st.integers(1, 300),
    engine=st.sampled_from(INSTALLED),
)
@settings(deadline=None)
def test_any_offset(before: bytes, after: bytes, whole: bytes, window: int, engine: str) -> None:
    data = before + whole + after
    needle_matches = list(searcher(whole, window=window, prefer=engine).in_stream(io.BytesIO(data).read))
    expected = [at for at in range(len(data)) if data.startswith(whole, at)]
    assert [needle_match.offset for needle_match in needle_matches] == expected
    assert [needle_match.line for needle_match in needle_matches] == [data[:at].count(b"\n") + 1 for at in expected]


@given(
    st.lists(st.binary(min_size=8, max_size=60), min_size=1, max_size=8, unique=True),
    st.binary(max_size=300),
)
@settings(deadline=None)
def test_all_engines_agree(wholes: list[bytes], noise: bytes) -> None:
    """Also where values overlap, repeat, contain one another or are searched for by a short part of them."""
    data = noise + b"".join(wholes) + wholes[0][:-1] + wholes[0] + noise
    needles = [Needle(Exact(whole), (LABEL,)) for whole in wholes]
    expected = sorted(
        (at, at + len(item), number, "")
        for number, item in enumerate(wholes)
        for at in range(len(data))
        if data.startswith(item, at)
    )
    assert "ahocorasick_rs" in INSTALLED
    for name in INSTALLED:
        engine = scan_matchers.automaton(needles, prefer=name)
        assert type(engine) is ENGINES[name]
        assert engine.hits(data) == expected


@given(st.lists(st.text("ab", min_size=8, max_size=20), min_size=1, max_size=8, unique=True), st.text("ab"))
@settings(deadline=None)
def test_all_engines_agree_on_few_letters(wholes: list[str], noise: str) -> None:
    data = (noise + "".join(wholes) + noise).encode()
    needles = [Needle(Exact(whole.encode()), (LABEL,)) for whole in wholes]
    first, *others = [scan_matchers.automaton(needles, prefer=name).hits(data) for name in INSTALLED]
    assert first
    assert all(hits == first for hits in others)


@given(
    value=st.text(st.characters(max_codepoint=127), min_size=12, max_size=40),
    noise=st.text(st.characters(max_codepoint=127), max_size=20),
)
@settings(deadline=None)
def test_all_engines_agree_on_spellings(value: str, noise: str) -> None:
    wanted = needles_for([Live("TOKEN", "current", value)])
    data = (noise + value + json.dumps(value) + quote(value) + noise + repr(value)).encode()
    first, *others = [scan_matchers.automaton(wanted.needles, prefer=name).hits(data) for name in INSTALLED]
    assert all(hits == first for hits in others)


@given(
    value=st.text(min_size=16, max_size=20),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
@settings(deadline=None)
def test_any_value_in_any_form(value: str, before: str, after: str) -> None:
    wanted = needles_for([Live("TOKEN", "current", value)])
    assume(wanted.needles)
    stripped = value.strip()
    item = stream_search.Searcher(wanted)
    for name, text in forms(stripped):
        data = (before + text + after).encode("utf-8", "replace")
        assert item.in_bytes(data), name


@given(st.lists(st.integers(0, 400), max_size=30), st.integers(1, 90))
@settings(deadline=None)
def test_gits_stream_is_cut_into_its_objects(sizes: list[int], piece: int) -> None:
    contents = [bytes([at % 251]) * size for at, size in enumerate(sizes)]
    stream = b"".join(
        b"%040d blob %d\n" % (at, len(data)) + data + b"\n" + (b"0" * 40 + b" missing\n" if at % 3 == 0 else b"")
        for at, data in enumerate(contents)
    )

    class Slow(io.BytesIO):
        def read(self, count: int | None = -1) -> bytes:
            return super().read(piece)

    results: list[bytes] = []
    missing: list[str] = []
    for part in _slabs(Slow(stream), missing):
        assert isinstance(part, Slab)
        results += [part.data[begin:end] for begin, end, _kind, _name in part.objects]
    assert results == contents
    assert len(missing) == -(-len(sizes) // 3)


def test_large_objects_are_read_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git.LARGE", 100)
    monkeypatch.setattr("ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git.SLAB", 64)
    contents = [b"a" * 10, b"b" * 5000, b"c" * 7, b"d" * 9000, b"e" * 3]
    stream = b"".join(b"%040d blob %d\n" % (at, len(data)) + data + b"\n" for at, data in enumerate(contents))
    results = []
    # A stream that gives little at once, or the slab would hold what follows.
    for part in _slabs(io.BytesIO(stream), []):
        if isinstance(part, Large):
            results.append(part.stream.read(50))  # the rest is passed over
        else:
            results += [part.data[begin:end] for begin, end, _kind, _name in part.objects]
    assert results == [b"a" * 10, b"b" * 50, b"c" * 7, b"d" * 50, b"e" * 3]


def test_without_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scan_matchers.slower() is None
    for name in scan_matchers.LIBRARIES:
        monkeypatch.setitem(sys.modules, name, None)
    message = scan_matchers.slower()
    assert message
    assert "slower" in message
    assert "pip install hyperscan (or ahocorasick-rs)" in message
    item = searcher(VALUE.encode())
    assert type(item.automaton) is scan_matchers.Blocks
    assert [spot.offset for spot in item.in_bytes(b"x=" + VALUE.encode())] == [2]
    assert stream_search.Searcher(Needles()).in_bytes(b"nothing is sought") == []
