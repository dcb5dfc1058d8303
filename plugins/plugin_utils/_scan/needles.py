# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The texts that a scan searches for: live values in every form, except values that are too common. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core import redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.production_rules import is_placeholder
from ansible_collections.watchparty.secrets.plugins.module_utils._core.spellings import Exact, Spelling
from ansible_collections.watchparty.secrets.plugins.module_utils._core.value_encodings import (
    AS_IS,
    BASE64,
    HEXADECIMAL,
    SHORTEST,
    forms,
)

ONE_CLASS = 16
"""Characters below which a word or a number is too common."""
DISTINCT = 5
"""Different characters below which a value is too common."""
SHORTEST_LINE = 32
"""Characters from which a line of a longer text, such as a key file, is also searched alone."""
PASSWORD = "password part"
ONE_LINE = "one line of it"
UTF_16 = "UTF-16"
URL_SAFE = frozenset("-_")
SEPARATORS = frozenset("-_.:/, ")

LOW, PLACEHOLDER, SHORT, COMMON = (
    "low sensitivity",
    "a placeholder",
    f"shorter than {SHORTEST} characters",
    "a word or a number that is found everywhere",
)


@dataclass(frozen=True)
class Live:
    """A value that is or was in a store."""

    name: str
    """The setting, the key of a secret, or the credential."""
    stage: str
    """current, pending, previous, or an older version of a parameter."""
    value: str = field(repr=False)
    place: str = ""
    sensitivity: str = "high"
    example: str | None = field(default=None, repr=False)


@dataclass(frozen=True, order=True)
class Label:
    """The owner of a text, and the part and form of its value. ``form`` is empty for the whole value as it is."""

    name: str
    stage: str
    form: str
    place: str = ""
    sensitivity: str = "high"

    def in_form(self, form: str) -> Label:
        """The label of a match that was found in this form."""
        parts = [part for part in (self.form, form) if part and part != AS_IS]
        return replace(self, form=", ".join(parts) or AS_IS)


@dataclass(frozen=True)
class Needle:
    spelling: Spelling | Exact
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class LeftOut:
    """A value that is not searched for, and the reason."""

    name: str
    stage: str
    reason: str


@dataclass(frozen=True)
class Needles:
    needles: tuple[Needle, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    values: int = 0
    """Number of values that are searched for."""
    planted: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Paths where a setting's honeytoken is expected, by setting."""

    @property
    def longest(self) -> int:
        return max((needle.spelling.longest for needle in self.needles), default=0)


def needles_for(values: Iterable[Live]) -> Needles:
    """The needles for every form of every value, except values that ``reason_against`` excludes.

    Equal texts become one needle with several labels.
    """
    result: dict[Spelling | Exact, list[Label]] = {}
    left_out: list[LeftOut] = []
    searched = set()
    for live in dict.fromkeys(values):
        parts = list(_parts(live))
        if not parts:
            left_out.append(LeftOut(live.name, live.stage, reason_against(live.value, live) or COMMON))
        for part, value in parts:
            searched.add(value)
            for form, spelling in _spellings(value):
                description = ", ".join(word for word in (part, form) if word)
                label = Label(live.name, live.stage, description, live.place, live.sensitivity)
                known_labels = result.setdefault(spelling, [])
                if not any(other.name == label.name and other.stage == label.stage for other in known_labels):
                    known_labels.append(label)
    needles = tuple(Needle(spelling, tuple(labels)) for spelling, labels in result.items())
    return Needles(needles, tuple(left_out), len(searched))


def reason_against(value: str, live: Live) -> str | None:
    """The reason not to search for the value, or None."""
    if live.sensitivity == "low":
        return LOW
    if is_placeholder(value, live.example):
        return PLACEHOLDER
    if len(value) < SHORTEST:
        return SHORT
    if len(set(value)) < DISTINCT or (len(value) < ONE_CLASS and _one_class(value)):
        return COMMON
    return None


def _one_class(value: str) -> bool:
    """Whether the value has only digits, or only letters of one case, apart from separators."""
    bare = "".join(name for name in value if name not in SEPARATORS)
    return bare.isdigit() or (bare.isalpha() and (bare.islower() or bare.isupper() or bare.istitle()))


def _parts(live: Live) -> Iterator[tuple[str, str]]:
    """The value, a password if it is a URL, and the distinctive lines of a key file."""
    value = live.value.strip()
    if reason_against(value, live):
        return
    passwords = [text for text in redaction.passwords(value) if text != value]
    telling = [text for text in passwords if not reason_against(text, live)]
    if passwords and not telling:  # the password is too common, and the rest is an address
        return
    yield "", value
    for text in telling:
        yield PASSWORD, text
    lines = [text.strip() for text in value.splitlines()]
    if len(lines) > 2:
        # A key file begins with a header that all keys of its kind share, or with the public half.
        for text in lines[len(lines) // 2 :]:
            if len(text) >= SHORTEST_LINE and len(set(text)) >= 2 * DISTINCT:
                yield ONE_LINE, text


def _spellings(value: str) -> Iterator[tuple[str, Spelling | Exact]]:
    """Every spelling of the text, and of its base64, hexadecimal and UTF-16 forms."""
    plain = spelling = Spelling(value)
    if plain.anchors:
        yield "", plain
    for form, text in forms(value):
        if form in (BASE64, HEXADECIMAL):
            if not URL_SAFE.intersection(text):  # else the previous form, of the standard alphabet, covers it
                spelling = Spelling(text, wrapped=True)
            yield form, spelling if spelling.anchors else Exact(text.encode())
        elif not plain.anchors:
            yield form, Exact(text.encode("utf-8", "replace"))
    for codec in ("utf-16-le", "utf-16-be"):
        wide = Spelling(value, codec)
        yield UTF_16, wide if wide.anchors else Exact(value.encode(codec, "replace"))
