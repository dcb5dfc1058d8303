# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The simple commands of a shell script, with their words, redirections and pipes. Pure.

It reads quotes, comments, continued lines, here-documents and here-strings as a shell does. Compound commands are their
parts: ``if``, ``then`` and the like are left out. What stands in ``$(…)`` is part of its word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import dropwhile

_KEYWORDS = re.compile(r"if|then|elif|else|fi|while|until|do|done|case|esac|[{}!]|time|sudo|command|builtin|exec")
_OPERATOR = re.compile(r"\d?(?:<<<|<<-?|>>|>&|&>>?|>\||<>|>|<)(?:&?\d(?![\w.]))?|&&|\|\||;;|\|&|[;&|()\n]")
_VARIABLE = re.compile(r"\$\{?[#!]?(\w+)|\$env:(\w+)", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(\w+)\+?=(.*)", re.DOTALL)
LITERAL = "\0"
"""Stands for a ``$`` that the shell does not expand."""
_AS_IT_IS = {"$": LITERAL, "'": ""}


@dataclass
class Command:
    """One simple command."""

    line: int
    words: list[str] = field(default_factory=list)
    given: str = ""
    """What a here-document or here-string hands to it."""
    target: str = ""
    """The file that its output goes to."""
    piped: bool = False
    """Whether its output goes to the next command."""

    @property
    def assignments(self) -> list[tuple[str, str]]:
        """``NAME=value`` before the name, or as arguments of ``export`` and its like."""
        results = []
        declares = False
        for word in self.words:
            match = _ASSIGNMENT.fullmatch(word)
            if match:
                results.append((match[1], match[2]))
            elif not declares and word in ("export", "declare", "local", "readonly", "env", "typeset"):
                declares = True
            elif not (declares and word.startswith("-")):
                break
        return results

    @property
    def arguments(self) -> list[str]:
        """The command's name and what follows, without assignments before it."""
        return list(
            dropwhile(lambda word: _ASSIGNMENT.fullmatch(word) or (word == "env" and len(self.words) > 1), self.words)
        )


def variables(text: str) -> list[str]:
    """Names that the shell fills in."""
    return [name or other for name, other in _VARIABLE.findall(text)]


def commands(script: str, line: int = 1) -> list[Command]:
    """In their order. What is open at the end of the script ends there."""
    reader = _Reader(line)
    for number, word, operator in _tokens(script, line, reader.waiting):
        if operator:
            reader.operator(number, word)
        else:
            reader.word(number, word)
    reader.end(line)
    return reader.results


class _Reader:
    def __init__(self, line: int) -> None:
        self.results: list[Command] = []
        self.waiting: list[tuple[Command, str, bool]] = []
        """Here-documents that begin on the next line."""
        self._now = Command(line)
        self._redirect = ""

    def end(self, line: int) -> None:
        if self._now.words or self._now.given:
            self.results.append(self._now)
        self._now, self._redirect = Command(line), ""

    def operator(self, line: int, text: str) -> None:
        if not re.match(r"\d?[<>]|&>", text):
            self._now.piped = text in ("|", "|&")
            self.end(line)
        elif not re.search(r"&\d$", text):
            self._redirect = text.lstrip("01")

    def word(self, line: int, text: str) -> None:
        redirect, self._redirect = self._redirect, ""
        if redirect in ("<<", "<<-"):
            self.waiting.append((self._now, text.lstrip(LITERAL), text.startswith(LITERAL)))
        elif redirect == "<<<":
            self._now.given = text
        elif redirect[:1] in (">", "&"):
            self._now.target = text
        elif redirect[:1] != "2" and (self._now.words or not _KEYWORDS.fullmatch(text)):
            self._now.line = self._now.line if self._now.words else line
            self._now.words.append(text)  # a file that is read too, as if it were named


def _tokens(script: str, line: int, waiting: list[tuple[Command, str, bool]]) -> Iterator[tuple[int, str, bool]]:
    """Line, text, and whether it is an operator."""
    at, size, document = 0, len(script), False
    while at < size:
        here = script[at]
        if here in " \t\r":
            at += 1
        elif script.startswith("\\\n", at):
            at, line = at + 2, line + 1
        elif here == "#":
            end = script.find("\n", at)
            at = size if end < 0 else end
        elif match := _OPERATOR.match(script, at):
            at = match.end()
            document = match[0].lstrip("01") in ("<<", "<<-")
            yield line, match[0], True
            if match[0] == "\n":
                line += 1
                for command, last, literal in waiting:
                    body, at = _document(script, at, last)
                    line += body.count("\n") + 1
                    command.given += body.replace("$", LITERAL) if literal else body
                waiting.clear()
        else:
            quoted = here in "'\"\\"
            word, at, lines = _word(script, at)
            # Quotes around the end of a here-document say that nothing in it is filled in.
            yield line, LITERAL + word if quoted and document else word, False
            document = False
            line += lines


def _document(script: str, at: int, end: str) -> tuple[str, int]:
    """The text up to a line that is the end, and where the script goes on."""
    match = re.compile(rf"^\t*{re.escape(end)}$", re.MULTILINE).search(script, at)
    return (script[at : match.start()], match.end() + 1) if match else (script[at:], len(script))


def _word(script: str, at: int) -> tuple[str, int, int]:
    """The word without its quotes, its end, and the lines that it goes on for."""
    start, parts, quote, depth = at, [], "", 0
    while at < len(script):
        here = script[at]
        if quote == "'":
            quote = quote if here != "'" else ""
            parts.append(_AS_IT_IS.get(here, here))
        elif here == "\\" and at + 1 < len(script):
            at += 1
            parts.append(_AS_IT_IS.get(script[at], script[at]) if script[at] != "\n" else "")
        elif here == '"':
            quote = "" if quote else here
        elif here == "'" and not quote:
            quote = here
        elif script.startswith("$(", at):
            depth += 1
            parts.append("$(")
            at += 1
        elif depth and here in "()":
            depth += 1 if here == "(" else -1
            parts.append(here)
        elif not quote and not depth and here in " \t\r\n;&|<>()":
            break
        else:
            parts.append(here)
        at += 1
    return "".join(parts), at, script.count("\n", start, at)
