# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The words, operators and here-documents of a shell script. Pure.

A word has no quotes. A ``$`` that the shell does not expand becomes :data:`LITERAL`. The text in ``$(…)``, backticks
and ``<(…)`` is a script of its own, and a variable or ``/dev/fd`` replaces it. Only the reader of such a script knows
where it ends: a ``)`` may also end a pattern of ``case``, or stand in a comment or a here-document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

LITERAL = "\0"
_OPERATOR = re.compile(
    r"\d?(?:<<<|<<-?|>>|>&|&>>?|>\||<>|<(?!\()|>(?!\())(?:&?\d(?![\w.]))?"
    r"|&&|\|\||;;&?|;&|\|&|\([ \t]*\)|[;&|()\n]"
)
_DOCUMENT = ("<<", "<<-")
_AS_IT_IS = {"$": LITERAL, "'": "", "`": LITERAL}
LONGEST_NAME = 100
_ENDS = " \t\r\n;&|<>()"


@dataclass
class Inner:
    """A script inside a word."""

    name: str
    """The variable that stands for the script's output."""
    commands: list[Any]
    """Commands, as the reader returned them."""
    is_file: bool = False
    """Whether the script is a process substitution, which stands for a file with the output."""


@dataclass
class Token:
    line: int
    text: str
    is_operator: bool = False
    inner: list[Inner] = field(default_factory=list)
    document: str | None = None
    """The here-document that this word ends. None for other words."""
    is_quoted: bool = False


class Words:
    def __init__(
        self, script: str, line: int, names: Iterator[str], read: Callable[[Words], list[Any]], depth: int, at: int = 0
    ) -> None:
        """``read`` reads a script inside a word up to its end. Scripts nested deeper than ``depth`` are skipped."""
        self._script, self._at, self.line = script, at, line
        self._names, self._read, self.depth = names, read, depth
        self._inner: list[Inner] = []
        self._quote, self._is_array = "", False

    def tokens(self) -> Iterator[Token]:
        """Yields words and operators. A here-document comes with its end word, before the rest of that line."""
        script, skipped, redirect = self._script, 0, ""
        while self._at < len(script):
            character = script[self._at]
            if character in " \t\r":
                self._at += 1
            elif script.startswith("\\\n", self._at):
                self._pass(2)
            elif character == "#":
                self._pass(len(re.compile(r"[^\n]*").match(script, self._at)[0]))  # type: ignore[index]
            elif script.startswith("((", self._at) and "))" in script[self._at : self._at + 500]:
                yield Token(self.line, self._pass(script.index("))", self._at) + 2 - self._at))
            elif match := _OPERATOR.match(script, self._at):
                line, redirect = self.line, match[0].lstrip("01")
                self._pass(len(match[0]) + (skipped if match[0] == "\n" else 0))
                skipped = 0 if match[0] == "\n" else skipped
                yield Token(line, match[0], is_operator=True)
            else:
                token = self._token()
                if redirect in _DOCUMENT:
                    skipped += self._document(token, skipped)
                redirect = ""
                yield token

    def _pass(self, count: int) -> str:
        text = self._script[self._at : self._at + count]
        self._at += count
        self.line += text.count("\n")
        return text

    def _token(self) -> Token:
        line, is_quoted, self._inner = self.line, self._script[self._at] in "'\"\\", []
        return Token(line, self.text(), inner=self._inner, is_quoted=is_quoted)

    def _document(self, token: Token, skipped: int) -> int:
        """Adds the here-document that begins on the next line. Returns its length, with the end word."""
        start = self._script.find("\n", self._at) + 1
        if not start:
            return 0
        start += skipped
        end = re.compile(rf"^\t*{re.escape(token.text)}$", re.MULTILINE).search(self._script, start)
        stop = end.start() if end else len(self._script)
        body = self._script[start:stop]
        if token.is_quoted:  # the shell expands nothing in it
            token.document = body.replace("$", LITERAL)
        else:
            line = self.line + self._script.count("\n", self._at, start)
            body_words = Words(body, line, self._names, self._read, self.depth)
            token.document = body_words.text(is_document=True)
            token.inner += body_words._inner
        return (end.end() + 1 if end else stop) - start

    def text(self, *, is_document: bool = False) -> str:
        """The word at the present position, or the rest of the script as a here-document."""
        parts: list[str] = []
        self._quote, self._is_array = '"' if is_document else "", False
        while self._at < len(self._script) and not self._is_end(parts):
            parts.append(self._piece(parts, is_document))
        return "".join(parts)

    def _is_end(self, parts: list[str]) -> bool:
        character = self._script[self._at]
        if self._quote or self._script.startswith(("<(", ">("), self._at):
            return False
        if self._is_array:
            return character == ")" and bool(self._pass(1))
        self._is_array = character == "(" and parts[-1:] == ["="]
        return character in _ENDS and not self._is_array

    def _piece(self, parts: list[str], is_document: bool) -> str:
        character, quote = self._script[self._at], self._quote
        if character == "\\" and quote != "'":
            escaped = self._pass(2)[1:]
            return "" if escaped == "\n" else _AS_IT_IS.get(escaped, escaped)
        if character in "'\"" and character == (quote or character) and not is_document:
            _close_name(parts)
            self._quote = "" if quote else character
            return self._pass(1)[1:]
        if quote == "'":
            return _AS_IT_IS.get(self._pass(1), character)
        if not quote and self._script.startswith("$'", self._at):
            self._pass(2)
            return re.sub(r"\\(.)", r"\1", self._until("'")).replace("$", LITERAL)
        return self._substituted(quote) or self._pass(1)

    def _until(self, end: str) -> str:
        """Reads up to an end that no backslash escapes. Returns the text before the end."""
        match = re.compile(rf"((?:[^{end}\\]|\\.)*){end}?", re.DOTALL).match(self._script, self._at)
        self._pass(len(match[0]))  # type: ignore[index]
        return match[1]  # type: ignore[index]

    def _substituted(self, quote: str) -> str:
        """The replacement of the script inside the word that begins here. Empty if no such script begins here."""
        script, at = self._script, self._at
        if script.startswith("$((", at):
            return self._pass(closing(script, at + 2) - at)
        if script[at] == "`":
            self._pass(1)
            line = self.line
            return self._put(self._inside(re.sub(r"\\([$`\\])", r"\1", self._until("`")), line, 0)[0])
        if script.startswith("$(", at):
            return self._put(self._parenthesised())
        if not quote and script[at : at + 2] in ("<(", ">("):
            return self._put(self._parenthesised(), is_file=True)
        return ""

    def _parenthesised(self) -> list[Any]:
        commands, end = self._inside(self._script, self.line, self._at + 2)
        self._pass((end or closing(self._script, self._at + 2)) - self._at)
        return commands

    def _inside(self, script: str, line: int, at: int) -> tuple[list[Any], int]:
        """The commands of a script inside a word, and the position of its end."""
        if not self.depth:
            return [], 0
        words = Words(script, line, self._names, self._read, self.depth - 1, at)
        return self._read(words), words._at

    def _put(self, commands: list[Any], *, is_file: bool = False) -> str:
        inner = Inner(next(self._names), commands, is_file)
        self._inner.append(inner)
        return "/dev/fd" if is_file else f"${{{inner.name}}}"


def _close_name(parts: list[str]) -> None:
    """Puts braces around a variable's name that ends at a quote, because the word does not show the quote."""
    name = re.search(r"\$(\w+)$", "".join(parts[-LONGEST_NAME:]))
    if name:
        parts[-len(name[1]) :] = [f"{{{name[1]}}}"]


def closing(script: str, at: int) -> int:
    """The position after the ``)`` for the ``(`` before ``at``. Quotes and nested parentheses are skipped."""
    open_ones = ["("]
    while at < len(script) and open_ones:
        character, top = script[at], open_ones[-1]
        if character == "\\" and top != "'":
            at += 1
        elif (character == top and top in "'\"") or (character == ")" and top == "("):
            open_ones.pop()
        elif (top != "'" and (character == "(" and (top == "(" or script[at - 1] == "$"))) or (
            character in "'\"" and top == "("
        ):
            open_ones.append(character)
        at += 1
    return at
