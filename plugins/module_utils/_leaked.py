# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which credential a found string belongs to: the values that are known, in the forms in which they leak. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Iterable, Iterator, Optional, Sequence
from urllib.parse import quote, quote_plus, unquote, unquote_plus

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
    yield "URL-encoded", quote(value, safe="", errors="replace")
    yield "URL-encoded", quote_plus(value, errors="replace")
    yield "JSON-escaped", json.dumps(value)[1:-1]
    yield "JSON-escaped", json.dumps(value, ensure_ascii=False)[1:-1]
    data = value.encode(errors="replace")
    for core in base64_cores(data):
        yield "base64", core
        yield "base64", core.replace("+", "-").replace("/", "_")
    yield "hexadecimal", data.hex()
    yield "hexadecimal", data.hex().upper()


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
    found: dict[tuple[str, str], Match] = {}
    bare = _bare(text)
    as_found = ((text, bare), *((read(text), _bare(read(bare))) for read in (unquote, unquote_plus)))
    for one in known:
        value = one.value.strip()  # a key file's last line end is easily lost
        if len(value) < SHORTEST or (one.credential, one.stage) in found:
            continue
        form = _form_in(as_found, value)
        if form is not None:
            found[one.credential, one.stage] = Match(one.credential, one.stage, form)
    return sorted(found.values(), key=lambda match: (match.credential, match.stage))


def _form_in(as_found: Sequence[tuple[str, str]], value: str) -> Optional[str]:
    for at, (whole, bare) in enumerate(as_found):
        for name, form in forms(value):
            # A paste may wrap long lines, indent a key's lines or end them otherwise.
            if form in whole or (len(_bare(form)) >= SHORTEST and _bare(form) in bare):
                return name if at == 0 else "URL-encoded"
    return None


def _bare(text: str) -> str:
    return "".join(text.split())
