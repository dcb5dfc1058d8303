# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page of planted mistakes for write_reference.py, from the tests that plant them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from tests import planted
from tests.planted import Plant

INTRODUCTION = (
    "The tests plant each of these mistakes, run the checks, and require an exit code other than 0.\n"
    "They also require exit code 0 with each legitimate variation.\n"
    "`make test` plants the mistakes except those on real hosts, which `make long` plants. "
    "What `verify` does not find is in\n"
    "[what the run does not check](../how-to/verify.md#what-the-run-does-not-check). "
    "The source is the tests that `tests/planted.py` marks."
)
SEVERAL = (1, 2)
"""Classes of mistakes that keep several checks from an answer."""
WIDTH, LONGEST = 136, 96


def sections() -> Iterator[str]:
    plants = planted.registry()
    mistakes = [plant for plant in plants if plant.checks]
    yield _counts(mistakes, len(plants) - len(mistakes))
    for number in SEVERAL:
        own = (plant for plant in mistakes if plant.number == number)
        meaning = "Every check that needs the answer fails or is *not checked*."
        yield f"## {planted.CLASSES[number]}\n\n{meaning}\n\n{_tables(own)}"
    for check in verify_check.registry():
        own = (plant for plant in mistakes if plant.checks[0] == check.id and plant.number not in SEVERAL)
        others = sum(check.id in plant.checks[1:] and plant.number not in SEVERAL for plant in mistakes)
        beside = f"\nAlso found: {others} of the mistakes of other checks.\n" if others else ""
        yield f"## {check.id}\n\n[{check.title}](checks.md#{check.id.lower()}).\n\n{_tables(own)}{beside}"
    yield f"## Legitimate variations\n\n{_tables(plant for plant in plants if not plant.checks)}"


def _counts(mistakes: list[Plant], variations: int) -> str:
    lines = [
        f"| {name} | {sum(plant.number == number for plant in mistakes)} |" for number, name in planted.CLASSES.items()
    ]
    lines[-1] = f"| {planted.CLASSES[12]} | {variations} |"
    table = "\n".join(["| class | planted |", "|---|---|", *lines, f"| mistakes in all | {len(mistakes)} |"])
    ways = [(way, sum(way in plant.ways for plant in mistakes)) for way in planted.WAYS]
    listed = "\n".join(f"| {way} | {count} |" for way, count in ways)
    return f"{table}\n\nSome are planted in several ways:\n\n| planted in | mistakes |\n|---|---|\n{listed}\n"


def _tables(plants: Iterable[Plant]) -> str:
    titles = groupby(sorted(plants, key=attrgetter("title")), key=attrgetter("title"))
    return "".join(_table(title, [*group]) for title, group in titles)


def _table(title: str, plants: list[Plant]) -> str:
    """An item of a list, with line breaks between names."""
    lines, separator = [f"- {title} ({len(plants)}):"], ""
    for name in (_shown(plant.name) for plant in plants):
        if len(lines[-1]) + len(name) + 3 > WIDTH:
            lines[-1] += separator
            lines.append(f"  {name}")
        else:
            lines[-1] += f"{separator} {name}"
        separator = " ·"
    return "\n".join(lines) + "\n"


def _shown(name: str) -> str:
    """The name, as code if a reader would take it for markup."""
    text = re.sub(r"\s*\n\s*", " ↵ ", name.strip())
    text = text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
    if re.fullmatch(r"[\w ,.'/:-]+", text) and "__" not in text:
        return text
    fence = "``" if "`" in text else "`"
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"
