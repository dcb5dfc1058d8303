# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Output of a command: text for people, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SHORT = 8
"""Characters of a version id in text. JSON has all of them."""


def show(*, as_json: bool, answer: Mapping[str, Any], lines: Iterable[str]) -> None:
    print(json.dumps(answer, indent=2) if as_json else printable("\n".join(lines)))


def printable(text: str) -> str:
    """Replaces unprintable characters: names come from stores, and must not control the terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def short(version: str) -> str:
    return version if version.isdigit() else version[:SHORT]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows)
    ]
