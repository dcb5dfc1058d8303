# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Identifies the credential of a leaked string, in the forms in which values leak."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

from ansible_collections.watchparty.secrets.plugins.module_utils._core.spellings import Spelling
from ansible_collections.watchparty.secrets.plugins.module_utils._core.value_encodings import SHORTEST, URL, forms


@dataclass(frozen=True)
class CandidateValue:
    credential: str
    stage: str
    """AWSCURRENT, AWSPENDING, AWSPREVIOUS, a version, or the setting of previous keys."""
    value: str = field(repr=False)
    where: str = ""
    """The setting and its location."""


@dataclass(frozen=True)
class Match:
    credential: str
    stage: str
    form: str


def text_of(data: bytes) -> str:
    """Decodes ``data`` for a search: every possible encoding, one after the other.

    Windows' editors and shells write UTF-16, also after another encoding in the same file, so at any byte.
    """
    readings = [data.decode("utf-8-sig", "replace")]
    if b"\0" in data or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        readings += [data[at:].decode(name, "replace") for name in ("utf-16-le", "utf-16-be") for at in (0, 1)]
    return re.sub("\r\n?", "\n", "\n".join(readings))


def matches(text: str, known: Iterable[CandidateValue]) -> list[Match]:
    """Credentials whose value the text contains, once for each version, in the plainest form."""
    result: dict[tuple[str, str], Match] = {}
    bare, data = _bare(text), text.encode("utf-8", "replace")
    as_found = ((text, bare), *((read(text), _bare(read(bare))) for read in (unquote, unquote_plus)))
    for candidate_value in known:
        value = _sought(candidate_value)
        if len(value) < SHORTEST or (candidate_value.credential, candidate_value.stage) in result:
            continue
        form = _form_in(as_found, value) or _escaped_in(data, value)
        if form is not None:
            result[candidate_value.credential, candidate_value.stage] = Match(
                candidate_value.credential, candidate_value.stage, form
            )
    return sorted(result.values(), key=lambda match: (match.credential, match.stage))


def too_short(known: Iterable[CandidateValue]) -> list[str]:
    """Lines on values that are too short to search for."""
    stages: dict[tuple[str, str], dict[str, None]] = {}
    for candidate_value in known:
        if len(_sought(candidate_value)) < SHORTEST:
            stages.setdefault((candidate_value.credential, candidate_value.where), {})[candidate_value.stage] = None
    return [
        f"{name}: {where}, {', '.join(names)}: shorter than {SHORTEST} characters"
        for (name, where), names in sorted(stages.items())
    ]


def _sought(candidate_value: CandidateValue) -> str:
    return candidate_value.value.strip()  # a key file's last line end is easily lost


def _form_in(as_found: Sequence[tuple[str, str]], value: str) -> str | None:
    for at, (whole, bare) in enumerate(as_found):
        for name, form in forms(value):
            # A paste may wrap long lines, indent a key's lines or end them otherwise.
            if form in whole or (len(_bare(form)) >= SHORTEST and _bare(form) in bare):
                return name if at == 0 else URL
    return None


def _escaped_in(data: bytes, value: str) -> str | None:
    """The form of a value that an unknown encoder wrote. None if absent."""
    spelling = Spelling(value)
    for anchor in spelling.anchors:
        at = data.find(anchor.data)
        while at >= 0:
            span = spelling.match(data, at, anchor)
            if span is not None:
                return span.form
            at = data.find(anchor.data, at + 1)
    return None


def _bare(text: str) -> str:
    return "".join(text.split())
