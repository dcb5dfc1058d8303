# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random values are found as every encoder writes them, nothing else is, and hostile bytes cost no time."""

from __future__ import annotations

import shutil
import time
from functools import cache

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.spellings import Spelling
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.stream_search import Searcher
from tests.unit.plugins.plugin_utils._scan import encoders

COUNT = 50
RATE = 0.99


@cache
def world() -> tuple[list[str], Searcher]:
    values = [value for kind in encoders.VALUES for value in encoders.values(kind, COUNT)]
    return values, Searcher(needles_for([Live(str(at), "current", value) for at, value in enumerate(values)]))


def recognised(encode: encoders.Encoder, codec: str = "utf-8") -> float:
    """Which share of the values is found, each as its own."""
    values, searcher = world()
    count = 0
    for at, text in enumerate(encode(values)):
        matches = searcher.in_bytes(f"KEY=\n{text}\n".encode(codec))
        labels = (label for match in matches for label in searcher.sought.needles[match.needle].labels)
        count += any(label.name == str(at) for label in labels)
    return count / len(values)


@pytest.mark.parametrize("name", encoders.RULES)
def test_each_rule(name: str) -> None:
    assert recognised(encoders.RULES[name], "utf-16-le" if name.startswith("UTF-16") else "utf-8") >= RATE


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name.startswith("go") else ()) for name in encoders.PROGRAMS]
)
def test_each_program(name: str) -> None:
    program, encoder = encoders.PROGRAMS[name]
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed: its spelling was tried by our rule of it at most")
    assert recognised(encoder) >= RATE


def test_another_value_is_not_found() -> None:
    """Not even one that differs in its first character, or in its last."""
    values, searcher = world()
    others = [chr(ord(value[0]) ^ 1) + value[1:] for value in values if value[0] != value[1]]
    others += [value[:-1] + chr(ord(value[-1]) ^ 1) for value in values if value[-1].isalnum()]
    for name, encode in encoders.RULES.items():
        if "base64" not in name:  # whose characters do not depend on every bit
            assert searcher.in_bytes("\n".join(encode(others)).encode("utf-8", "replace")) == [], name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("\\$" * 30 + "xY7bQ2pL9k", ("\\" * 40 + "$") * 30),
        ("'" * 60 + "xY7bQ2pL9k" + "'" * 60, "'" * 500 + "xY7bQ2pL9k" + "'" * 119),
        ("\n" * 20 + "xY7bQ2pL9k" + "\n" * 40, "\n" * 1500 + "xY7bQ2pL9k" + "\n \t" * 39),
        ("&%" * 40 + "xY7bQ2pL9k", "%%2525252526&amp;amp;" * 200 + "xY7bQ2pL9k"),
        ("xY7bQ2pL9k" + '"\\' * 40, "xY7bQ2pL9k" + "\\" * 4000),
    ],
    ids=["backslashes", "quotes", "lines", "ampersands", "escapes"],
)
def test_what_is_half_a_value_costs_no_time(value: str, text: str) -> None:
    searcher = Searcher(needles_for([Live("TOKEN", "current", value)]))
    began = time.process_time()
    searcher.in_bytes(text.encode() * 20)
    assert time.process_time() - began < 2


def test_a_spelling_shows_no_value() -> None:
    assert "xY7bQ2pL9k" not in repr(Spelling("xY7bQ2pL9k"))
