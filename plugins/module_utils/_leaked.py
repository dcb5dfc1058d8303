# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which credential a found string belongs to: the values that are known, in the forms in which they leak. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Iterable, Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 8
"""Characters: what is shorter is found everywhere."""


@dataclass(frozen=True)
class Known:
    """One value of a credential, in one version."""

    credential: str
    stage: str
    """AWSCURRENT, AWSPENDING, AWSPREVIOUS, or a version id."""
    value: str = field(repr=False)


@dataclass(frozen=True)
class Match:
    """A credential whose value was found, and how."""

    credential: str
    stage: str
    form: str


def forms(value: str) -> Iterator[tuple[str, str]]:
    """The value as it may stand in a paste, by the form's name."""
    yield "as it is", value
    yield "URL-encoded", quote(value, safe="")
    yield "URL-encoded", quote_plus(value)
    yield "JSON-escaped", json.dumps(value)[1:-1]
    yield "JSON-escaped", json.dumps(value, ensure_ascii=False)[1:-1]
    for core in base64_cores(value.encode()):
        yield "base64", core
        yield "base64", core.replace("+", "-").replace("/", "_")
    yield "hexadecimal", value.encode().hex()


def base64_cores(data: bytes) -> Iterator[str]:
    """What base64 makes of the data wherever in a longer text it begins: the characters that depend on it alone."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        first = (0, 2, 3)[before]
        end = len(encoded) - ((len(data) + before) % 3 != 0)
        if end - first >= SHORTEST:
            yield encoded[first:end]


def matches(text: str, known: Iterable[Known]) -> list[Match]:
    """Every credential whose value stands in the text, once a version; the plainest form is told."""
    flat = "".join(text.split())
    found: dict[tuple[str, str], Match] = {}
    for one in known:
        if len(one.value) < SHORTEST or (one.credential, one.stage) in found:
            continue
        for name, form in forms(one.value):
            # A paste may wrap long lines; no form that is searched for holds white space unless the value does.
            if form in text or (form == "".join(form.split()) and form in flat):
                found[one.credential, one.stage] = Match(one.credential, one.stage, name)
                break
    return sorted(found.values(), key=lambda match: (match.credential, match.stage))
