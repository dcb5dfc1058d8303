# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a scan looks for: live values in every form, and the rule by which some are left out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ansible_collections.watchparty.secrets.plugins.module_utils._core import redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.production_rules import is_placeholder
from ansible_collections.watchparty.secrets.plugins.module_utils._core.value_encodings import AS_IS, SHORTEST, forms

ONE_CLASS = 16
"""Characters below which a value of one class of characters, a word or a number, is too common."""
DISTINCT = 5
"""Different characters below which a value is too common."""
ANCHOR = 32
"""Bytes of a form that the automaton holds; the rest is compared where they were found."""
LINE = 32
"""Characters from which a line of a longer text, such as a key file, is searched alone."""
PASSWORD = "password part"
ONE_LINE = "one line of it"
SEPARATORS = frozenset("-_.:/, ")

LOW, PLACEHOLDER, SHORT, COMMON = (
    "low sensitivity",
    "a placeholder",
    f"shorter than {SHORTEST} characters",
    "a word or a number that is found everywhere",
)


@dataclass(frozen=True)
class Live:
    """One value that is or was in a store."""

    name: str
    """The setting, the secret's key or the credential."""
    stage: str
    """current, pending, previous, or a former version."""
    value: str = field(repr=False)
    place: str = ""
    sensitivity: str = "high"
    example: str | None = field(default=None, repr=False)


@dataclass(frozen=True, order=True)
class Label:
    """Whose value a byte string is, and in which form."""

    name: str
    stage: str
    form: str
    place: str = ""
    sensitivity: str = "high"


@dataclass(frozen=True)
class Needle:
    """A byte string, the bytes of it that are searched for, and whose it is."""

    whole: bytes = field(repr=False)
    at: int
    """Where the anchor begins in it."""
    labels: tuple[Label, ...]

    @property
    def anchor(self) -> bytes:
        return self.whole[self.at : self.at + ANCHOR]


@dataclass(frozen=True)
class LeftOut:
    """A value that is not searched for."""

    name: str
    stage: str
    reason: str


@dataclass(frozen=True)
class Sought:
    """What a scan looks for."""

    needles: tuple[Needle, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    values: int = 0
    """How many values are searched for."""

    @property
    def longest(self) -> int:
        return max((len(needle.whole) for needle in self.needles), default=0)

    def texts(self) -> list[str]:
        """What must not be shown, the longest first."""
        texts = {needle.whole.decode("utf-8", "ignore") for needle in self.needles if b"\0" not in needle.whole}
        return sorted(texts, key=lambda text: (-len(text), text))


def sought(values: Iterable[Live]) -> Sought:
    """Every form of every value that the rule lets through; one byte string once, with all that it may be."""
    result: dict[bytes, list[Label]] = {}
    left_out: list[LeftOut] = []
    searched = set()
    for live in dict.fromkeys(values):
        parts = list(_parts(live))
        if not parts:
            left_out.append(LeftOut(live.name, live.stage, reason_against(live.value, live) or COMMON))
        for part, value in parts:
            searched.add(value)
            for form, data in _spelt(value):
                description = ", ".join(word for word in (part, form) if word)
                label = Label(live.name, live.stage, description or AS_IS, live.place, live.sensitivity)
                held = result.setdefault(data, [])
                if not any(other.name == label.name and other.stage == label.stage for other in held):
                    held.append(label)
    needles = tuple(Needle(data, anchor_of(data), tuple(labels)) for data, labels in sorted(result.items()))
    return Sought(needles, tuple(left_out), len(searched))


def reason_against(value: str, live: Live) -> str | None:
    """Why the value is not searched for, or None."""
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
    """Whether the value is digits only, or letters of one case only, apart from separators."""
    bare = "".join(name for name in value if name not in SEPARATORS)
    return bare.isdigit() or (bare.isalpha() and (bare.islower() or bare.isupper() or bare.istitle()))


def _parts(live: Live) -> Iterator[tuple[str, str]]:
    """The value, the password in it if it is a URL, and the telling lines of a key file."""
    value = live.value.strip()
    if reason_against(value, live):
        return
    passwords = [text for text in redaction.passwords(value) if text != value]
    telling = [text for text in passwords if not reason_against(text, live)]
    if passwords and not telling:  # what is secret in it is too common, and the rest is an address
        return
    yield "", value
    for text in telling:
        yield PASSWORD, text
    lines = [text.strip() for text in value.splitlines()]
    if len(lines) > 2:
        # A key file begins alike for every key of its kind, or with its public half.
        for text in lines[len(lines) // 2 :]:
            if len(text) >= LINE and len(set(text)) >= 2 * DISTINCT:
                yield ONE_LINE, text


def _spelt(value: str) -> Iterator[tuple[str, bytes]]:
    for form, text in forms(value):
        yield ("" if form == AS_IS else form), text.encode("utf-8", "replace")
    yield "UTF-16", value.encode("utf-16-le", "replace")
    yield "UTF-16", value.encode("utf-16-be", "replace")


def anchor_of(data: bytes) -> int:
    """Where the most varied stretch begins: what key files, URLs and encodings have in common is not varied."""
    if len(data) <= ANCHOR:
        return 0
    step = max(1, (len(data) - ANCHOR) // 64)
    places: Sequence[int] = range(0, len(data) - ANCHOR + 1, step)
    return max(places, key=lambda at: len(set(data[at : at + ANCHOR])))
