# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes, parses and merges ``.env`` files, so that every chosen reader reads back exactly the values.

Read and write these files without newline translation.
"""

from __future__ import annotations

import re
from typing import Iterator, Mapping, NamedTuple, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import (
    BARE,
    BASH_NAMES,
    DEFAULT_READERS,
    READERS,
    RESERVED_NAMES,
    SPELLINGS,
    quoted,
    refusals,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError

__all__ = (
    "DEFAULT_READERS", "READERS", "Unspellable", "Unwritable", "assignments", "capable", "from_dotenv", "merge",
    "spell", "to_dotenv",
)  # fmt: skip

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NOTHING = re.compile(r"[ \t\r\f\v]*(?:#[^\n]*)?(?:\n|\Z)")
_HEAD = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*")
_RAW_HEAD = re.compile(r"[ \t]*([^\s=#][^\s=]*)=")
_QUOTED = {"'": re.compile(r"'([^']*)'"), '"': re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)}
_TAIL = re.compile(r"[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)")
_INLINE_COMMENT = re.compile(r"[ \t]#.*", re.DOTALL)
_ESCAPE = re.compile(r"\\([\\'\"abfnrtv])")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

_WHOLE_LINE = re.compile(r"'([^\n]*)'(?:\n|\Z)")

# These readers strip the outermost quotes of a line and allow the same quotes inside: 'it's'.
_OUTERMOST = frozenset(("django_environ", "decouple", "direnv"))
# from_dotenv reads such a value differently without quotes.
_NOT_OURS = re.compile(r"""\A[ \t'"]|[ \t\r]\Z|[ \t]#|\n""")


class Unspellable(DotenvError):
    """Raised when no spelling of a value is read back exactly by every chosen reader."""

    def __init__(self, name: str, readers: Sequence[str], why: str, able: Sequence[str]) -> None:
        self.name = name
        self.readers = tuple(readers)
        self.why = why
        self.able = tuple(able)
        """Readers for which one spelling works: of the chosen ones, or of all if it works for none of the chosen."""
        super().__init__(f"{name}: {why}. {self.remedy()}")

    def remedy(self, where: str = "") -> str:
        encode = "store the value base64-encoded and let the application decode it"
        if not self.able:
            return f"{encode[0].upper()}{encode[1:]}"
        option = f"readers: [{', '.join(self.able)}]{where}"
        return f"If no other program reads the file, set {option}; otherwise {encode}"


class Unwritable(DotenvError):
    """Raised with every problem of the settings that cannot be written."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("The .env cannot be written:\n" + "\n".join("  - " + problem for problem in self.problems))


class _Binding(NamedTuple):
    """An assignment, and its span in the text, including the line break."""

    name: str
    value: str
    start: int
    end: int


def spell(name: str, value: str, readers: Sequence[str] = DEFAULT_READERS) -> str:
    """The assignment that every reader reads back as exactly this value."""
    readers = _checked(readers)
    problem = _name_problem(name, readers)
    if problem:
        raise DotenvError(problem)
    if not isinstance(value, str):
        raise DotenvError(f"{name}: its value must be a string, not {type(value).__name__}")
    refused: dict[str, dict[str, list[str]]] = {}
    for spelling in SPELLINGS:
        against = {reader: refusals(reader, spelling, name, value) for reader in readers}
        refused[spelling] = {reader: reasons for reader, reasons in against.items() if reasons}
        if not refused[spelling] and not (spelling == BARE and _unreadable_bare(value, readers)):
            return f"{name}={quoted(value, spelling)}"
    able = capable(name, value, readers) or capable(name, value, READERS)
    raise _unspellable(name, readers, refused, able)


def capable(name: str, value: str, readers: Sequence[str]) -> tuple[str, ...]:
    """The largest group of these readers for which one spelling works."""
    served = []
    for spelling in SPELLINGS:
        results = tuple(reader for reader in readers if not refusals(reader, spelling, name, value))
        served.append(() if spelling == BARE and _unreadable_bare(value, results) else results)
    return max(served, key=len)


def to_dotenv(
    values: Mapping[str, str],
    readers: Sequence[str] = DEFAULT_READERS,
    header: str | None = None,
) -> str:
    """A file with a header comment, sorted by name."""
    # systemd joins a comment that ends with a backslash to the line after it.
    comments = [("# " + line).rstrip(" \\") for line in (header or "").splitlines()]
    return "".join(line + "\n" for line in comments + list(_assignments(values, readers).values()))


def from_dotenv(text: str, readers: Sequence[str] = DEFAULT_READERS) -> dict[str, str]:
    """The settings of a file. The last assignment of a name wins.

    Some readers treat quotes differently: docker_run keeps them in the value, and django_environ, decouple and direnv
    strip the outermost quotes of a line. The latter rule applies if no other reader is chosen.
    """
    return {binding.name: binding.value for binding in _scan(text, _checked(readers))}


def assignments(text: str, readers: Sequence[str] = DEFAULT_READERS) -> list[tuple[str, str, str]]:
    """Name, value and source text of each assignment, in order."""
    return [
        (binding.name, binding.value, text[binding.start : binding.end]) for binding in _scan(text, _checked(readers))
    ]


def merge(text: str, values: Mapping[str, str], readers: Sequence[str] = DEFAULT_READERS) -> str:
    """The file with these settings replaced or added. Every other line stays byte for byte.

    If the file assigns a setting more than once, only the first place stays, so that no previous value remains.
    """
    readers = _checked(readers)
    pending = _assignments(values, readers)
    pieces: list[str] = []
    position = 0
    for binding in _scan(text, readers):
        if binding.name in values:
            pieces.append(text[position : binding.start])
            position = binding.end
            if binding.name in pending:
                _refuse_continuation(pieces, readers)
                pieces.append(pending.pop(binding.name) + "\n")
    pieces.append(text[position:])
    if pending:
        if position < len(text) and not text.endswith("\n"):
            pieces.append("\n")
        _refuse_continuation(pieces, readers)
        pieces.extend(line + "\n" for line in pending.values())
    return "".join(pieces)


def _checked(readers: Sequence[str]) -> tuple[str, ...]:
    if isinstance(readers, str) or not readers:
        raise DotenvError("readers must be a list of at least one of: " + ", ".join(READERS))
    unknown = [str(reader) for reader in readers if reader not in READERS]
    if unknown:
        raise DotenvError(f"Unknown reader {', '.join(unknown)}; choose from: {', '.join(READERS)}")
    return tuple(dict.fromkeys(readers))


def _name_problem(name: str, readers: Sequence[str]) -> str | None:
    if not isinstance(name, str) or not _NAME.match(name):
        return f"{name!a} is not a setting's name: letters, digits and _ only, and no digit first"
    if name in RESERVED_NAMES or (BASH_NAMES.fullmatch(name) and {"shell", "direnv"}.intersection(readers)):
        return f"{name}: shells reserve this name; choose another"
    return None


def _is_raw(readers: Sequence[str]) -> bool:
    """docker_run reads everything after ``=`` as the value, without quotes."""
    return "docker_run" in readers


def _unreadable_bare(value: str, readers: Sequence[str]) -> bool:
    return not _is_raw(readers) and bool(_NOT_OURS.search(value))


def _unspellable(
    name: str, readers: Sequence[str], refused: Mapping[str, Mapping[str, list[str]]], able: Sequence[str]
) -> Unspellable:
    hopeless = [reader for reader in readers if all(reader in against for against in refused.values())]
    if hopeless:
        why = "its value cannot be read back exactly by " + _blame(
            {reader: _reasons(reader, refused) for reader in hopeless}
        )
        blocking = hopeless
    else:
        tried = [spelling for spelling in refused if spelling != BARE or "docker_run" in readers]
        messages = [f"{spelling} not for {_blame(refused[spelling])}" for spelling in tried if refused[spelling]]
        why = "no quoting of its value suits every reader: " + "; ".join(messages)
        blocking = min((list(against) for against in refused.values() if against), key=len)
    return Unspellable(name, blocking, why, able)


def _reasons(reader: str, refused: Mapping[str, Mapping[str, list[str]]]) -> list[str]:
    """Reasons that hold in every spelling, else those of the quoted spellings. For docker_run, those of the bare
    spelling."""
    by_spelling = [refused[spelling][reader] for spelling in SPELLINGS]
    shared = [reason for reason in by_spelling[1] if all(reason in reasons for reasons in by_spelling)]
    if shared:
        return shared
    chosen = by_spelling[2] if reader == "docker_run" else by_spelling[0] + by_spelling[1]
    return list(dict.fromkeys(chosen))


def _blame(against: Mapping[str, list[str]]) -> str:
    by_reasons: dict[str, list[str]] = {}
    for reader, reasons in against.items():
        by_reasons.setdefault(" and ".join(reasons), []).append(reader)
    return ", ".join(f"{' and '.join(readers)} (it {reasons})" for reasons, readers in by_reasons.items())


def _assignments(values: Mapping[str, str], readers: Sequence[str]) -> dict[str, str]:
    readers = _checked(readers)
    lines: dict[str, str] = {}
    problems: list[str] = []
    for name in sorted(values, key=str):
        try:
            lines[name] = spell(name, values[name], readers)
        except DotenvError as error:
            problems.append(str(error))
    if problems:
        raise Unwritable(problems)
    return lines


def _refuse_continuation(pieces: Sequence[str], readers: Sequence[str]) -> None:
    """Raises DotenvError after a line that ends with a backslash, because shells and systemd join it to the next
    line."""
    before = "".join(pieces)
    if before.endswith("\\\n") and {"shell", "systemd"}.intersection(readers):
        line = before.count("\n")
        raise DotenvError(f"line {line} ends with a backslash, which joins it to the next; quote its value")


def _scan(text: str, readers: Sequence[str]) -> Iterator[_Binding]:
    raw = _is_raw(readers)
    position = 1 if text.startswith("\ufeff") else 0
    line, counted = 1, 0
    while position < len(text):
        nothing = _NOTHING.match(text, position)
        if nothing:
            position = nothing.end()
            continue
        head = (_RAW_HEAD if raw else _HEAD).match(text, position)
        line, counted = line + text.count("\n", counted, position), position
        if not head:
            raise DotenvError(f"line {line} is neither a comment nor NAME=value")
        where = f"line {line}: {head.group(1)}"
        if raw:
            value, end = _raw_value(text, head.end())
        else:
            value, end = _outermost_value(text, head.end(), readers) or _value(text, head.end(), where)
        yield _Binding(head.group(1), value, position, end)
        position = end


def _line(text: str, position: int) -> tuple[str, int]:
    """The rest of the line, and the start of the next line."""
    end = text.find("\n", position)
    return (text[position:], len(text)) if end < 0 else (text[position:end], end + 1)


def _raw_value(text: str, position: int) -> tuple[str, int]:
    value, end = _line(text, position)
    return (value[:-1] if value.endswith("\r") else value), end


def _outermost_value(text: str, position: int, readers: Sequence[str]) -> tuple[str, int] | None:
    line = _WHOLE_LINE.match(text, position) if _OUTERMOST.issuperset(readers) else None
    return (line.group(1), line.end()) if line else None


def _value(text: str, position: int, where: str) -> tuple[str, int]:
    quote = text[position : position + 1]
    if quote not in _QUOTED:
        return _bare_value(text, position)
    match = _QUOTED[quote].match(text, position)
    if not match:
        raise DotenvError(f"{where} has an opening quote that is never closed")
    tail = _TAIL.match(text, match.end())
    if not tail:
        raise DotenvError(f"{where} has text after its closing quote")
    value = match.group(1)
    if quote == '"':
        value = _ESCAPE.sub(lambda escape: _ESCAPED.get(escape.group(1), escape.group(1)), value)
    return value, tail.end()


def _bare_value(text: str, position: int) -> tuple[str, int]:
    rest, end = _line(text, position)
    # The character before tells `NAME= # comment` from `NAME=#value`.
    return _INLINE_COMMENT.sub("", text[position - 1] + rest)[1:].strip(" \t\r"), end
