# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A line for people in a CHANGELOG.md, once for each record however often it is entered. Texts in, texts out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

HEADING = "## Secret rotations"
TITLE = "# Changelog"
_HEADING = re.compile(r"(#{1,6})[ \t]+\S.*")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_MARKUP = re.compile(r"([\\`*\[\]<>#|])")


def mark(record: Mapping[str, Any]) -> str:
    """The part that distinguishes a record's line from every other line."""
    return f"(rotation {record['rotation']}: {record['outcome']})"


def changelog_line(record: Mapping[str, Any]) -> str:
    """``- 2026-11-25 shop production: cache, database, by ann@laptop (rotation r1: completed)``."""
    credentials = ", ".join(record.get("credentials") or ("no credential",))
    message = f"{record['application']} {record['environment']}: {credentials}, by {record['who']}"
    return f"- {str(record['at'])[:10]} {_escaped(message)} {mark(record)}"


def _escaped(message: str) -> str:
    return _MARKUP.sub(r"\\\1", message)


def entered(text: str, record: Mapping[str, Any]) -> str:
    """``text`` with the record's line below ``HEADING``, newest first. An existing line of the record stays as it is.

    A missing heading is added above the first heading of its level, or at the end.
    """
    if mark(record) in text:
        return text
    lines = (text if text.endswith("\n") or not text else text + "\n").split("\n")[:-1] or [TITLE]
    line = changelog_line(record)
    headings = dict(_headings(lines))
    at = next((at for at, text in headings.items() if text == HEADING), None)
    if at is not None:
        start = next((n for n in range(at + 1, len(lines)) if lines[n].strip()), len(lines))
        follows = start == len(lines) or lines[start].startswith(("- ", "* "))
        at, new = at + 1, ["", line] if follows else ["", line, ""]
    else:
        same = (n for n, text in headings.items() if n and text.startswith("## "))
        at = start = next(same, len(lines))
        above = [""] if start and lines[start - 1].strip() else []
        new = [*above, HEADING, "", line] + ([""] if start < len(lines) else [])
    ends = "\r" if "\r\n" in text else ""
    return "".join(line + "\n" for line in [*lines[:at], *(name + ends for name in new), *lines[start:]])


def _headings(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Headings outside code, with the index of their line."""
    fence = ""
    for at, line in enumerate(lines):
        match = _FENCE.match(line)
        if match:
            fence = "" if match[1] == fence else fence or match[1]
        elif not fence and _HEADING.fullmatch(line.rstrip()):
            yield at, line.rstrip()
