# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The simple commands of a shell script in the order in which they run, with words, redirections and pipes. Pure.

Compound commands become their parts, without ``if``, ``then`` and similar words. The output that ``$(…)`` or the
redirection of a group collects goes to a variable that a script cannot have (:data:`COLLECTED`).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.shell_words import Inner, Token, Words

_CLOSED_BY = {
    "{": "}",
    "(": ")",
    "if": "fi",
    "while": "done",
    "until": "done",
    "for": "done",
    "select": "done",
    "case": "esac",
}
_PREFIXES = re.compile(r"then|elif|else|do|!|time|coproc")
_WRAPPERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("builtin", "command", "exec", "nohup", "stdbuf", "setsid", "time"), ()),
    "sudo": ("-u", "-g"),
    "env": ("-u",),
    "nice": ("-n",),
    "timeout": ("-s", "-k"),
    "watch": ("-n",),
    "strace": ("-e", "-o", "-s"),
    **dict.fromkeys(("busybox", "chronic", "doas", "parallel", "unbuffer"), ()),
}
"""Programs that start another program, with their options that have a value."""
_VARIABLE = re.compile(r"\$env:(\w+)|\$(\w+|[@*])|\$\{(!?\w+|[@*])(?!:?\+)\b|%(\w+)%", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(?:\[[^]]*\])?\+?=(.*)", re.DOTALL)
_DECLARES = ("export", "declare", "local", "readonly", "typeset")
_PATH = re.compile(r"^/(?:usr/)?(?:local/)?s?bin/|(?<=^python3)\.\d+$")
COLLECTED = "0out"
STDERR = "/dev/stderr"
NESTED = 20
"""The deepest nesting of scripts inside words. Deeper scripts are left out."""


@dataclass
class ShellCommand:
    """A simple command, or the definition of a function."""

    line: int
    words: list[str] = field(default_factory=list)
    given: str = ""
    """The input from a here-document, a here-string or ``<(…)``."""
    target: str = ""
    """The file or the variable that gets the output. Empty for standard output."""
    piped: bool = False
    """Whether the output goes to the next command."""
    function: str = ""
    body: list[ShellCommand] = field(default_factory=list)

    @property
    def assignments(self) -> list[tuple[str, str]]:
        """Assignments before the command's name, or as arguments of commands such as ``export`` and ``env``."""
        results = []
        declares = False
        for word in self.words:
            match = _ASSIGNMENT.fullmatch(word)
            if match:
                results.append((match[1], match[2]))
            elif not declares and word in (*_DECLARES, *_WRAPPERS):
                declares = True
            elif not (declares and word.startswith("-")):
                break
        return results

    @property
    def arguments(self) -> list[str]:
        """The command's name and its arguments, without assignments and programs that only start the command."""
        words, at = self.words, _unassigned(self.words, 0)
        started = at
        while at < len(words) - 1 and words[at : at + 2] != ["command", "-v"]:
            name = _PATH.sub("", words[at])
            if name not in _WRAPPERS:
                break
            started, at = at, at + 1
            while at < len(words) and words[at].startswith("-"):
                at += 2 if words[at] in _WRAPPERS[name] else 1
            at = _unassigned(words, at + (name == "timeout"))
        at = at if at < len(words) else started
        return [_PATH.sub("", words[at]), *words[at + 1 :]] if at < len(words) else []


def _unassigned(words: list[str], at: int) -> int:
    """The index of the next word that is not an assignment."""
    while at < len(words) and _ASSIGNMENT.fullmatch(words[at]):
        at += 1
    return at


def variables(text: str) -> list[str]:
    """Names that the shell expands. ``${#NAME}`` and ``${NAME:+text}`` yield no value and do not count.

    ``${!NAME}``, the value of another variable, counts as ``!NAME``.
    """
    return ["".join(names) for names in _VARIABLE.findall(text)]


def commands(script: str, line: int = 1) -> list[ShellCommand]:
    """The commands of a script, in order. An unclosed construct ends with the script."""
    names = (f"{COLLECTED}{number}" for number in itertools.count())

    def read(words: Words) -> list[ShellCommand]:
        reader = _CommandReader(words.line, names)
        for token in words.tokens():
            reader.take(token)
            if reader.is_closed and words.depth < NESTED:
                break
        reader.end(words.line)
        return reader.results

    return read(Words(script, line, names, read, NESTED))


@dataclass
class _Group:
    opener: str
    start: int
    """The index of the group's first command."""
    function: str = ""
    is_pattern: bool = False
    """Whether the next words are a pattern of ``case``."""


class _CommandReader:
    def __init__(self, line: int, names: Iterator[str]) -> None:
        self.results: list[ShellCommand] = []
        self.is_closed = False
        """Whether a ``)`` was read that no ``(`` of the script opened."""
        self._names = names
        self._now = ShellCommand(line)
        self._redirect = ""
        self._groups: list[_Group] = []
        self._ended: _Group | None = None
        """The group that has just ended. Its redirections may follow."""
        self._function = ""
        self._pipeline = 0
        """The index of the first command of the present pipeline."""

    def take(self, token: Token) -> None:
        group = self._groups[-1] if self._groups else None
        if group and group.is_pattern and token.text != "esac":
            group.is_pattern = token.text != ")"
        elif self._now.words[:1] == ["[["] and self._now.words[-1] != "]]":
            self._inner(token.inner)
            self._now.words.append(token.text)
        elif token.is_operator:
            self._operator(token)
        else:
            self._word(token)

    def end(self, line: int, *, piped: bool = False) -> None:
        command, group = self._now, self._ended
        command.piped = piped
        if group and (command.target or piped or command.given):
            self._collect(group, command)
        if command.words or command.given:
            self.results.append(command)
        self._now, self._redirect, self._ended = ShellCommand(line), "", None
        self._pipeline = self._pipeline if piped else len(self.results)

    def _collect(self, group: _Group, command: ShellCommand) -> None:
        """Sends the output of a group to the target of the group's redirection."""
        inside = self.results[group.start :]
        if inside and command.given:
            inside[0].given += command.given
        name = next(self._names)
        collect(inside, name)
        command.words, command.given = ["cat"], f"${name}"

    def _operator(self, token: Token) -> None:
        text = token.text
        if re.match(r"\d?[<>]|&>", text):
            self._redirected(text)
        elif text == "(":
            self._open(text)
        elif text == ")":
            self.is_closed = all(group.opener != "(" for group in self._groups)
            self._close(text, token.line)
        elif text[0] == "(":  # NAME ()
            self._function = self._now.words.pop() if self._now.words else self._function
        else:
            self.end(token.line, piped=text in ("|", "|&"))
            if text.startswith((";;", ";&")) and self._groups and self._groups[-1].opener == "case":
                self._groups[-1].is_pattern = True

    def _redirected(self, text: str) -> None:
        if re.fullmatch(r"1?>&2", text):
            self._now.target = STDERR
        elif not re.search(r"&\d$", text):
            self._redirect = text.lstrip("01")

    def _word(self, token: Token) -> None:
        redirect, self._redirect = self._redirect, ""
        text = token.text
        self._inner(token.inner)
        if token.document is not None:
            self._now.given += token.document
        elif redirect == "<<<":
            self._now.given += text
        elif redirect[:1] in (">", "&"):
            self._now.target = text
        elif redirect[:1].isdigit():
            return
        elif redirect and self._ended:
            self._read_by(self._ended, text)
        elif self._now.words or token.is_quoted or not self._keyword(text, token.line):
            self._argument(text, token.line)

    def _read_by(self, group: _Group, file: str) -> None:
        for command in self.results[group.start : group.start + 1]:
            command.words.append(file)

    def _argument(self, text: str, line: int) -> None:
        """Adds an argument. A file that the command reads by ``<`` counts as an argument."""
        self._now.line = self._now.line if self._now.words else line
        self._now.words.append(text)
        if self._now.words[0] == "case" and text == "in" and self._groups:
            self._groups[-1].is_pattern = True
            self._now = ShellCommand(line)
        elif self._now.words[0] == "function" and len(self._now.words) == 2:
            self._function = self._now.words.pop()
            self._now.words.clear()

    def _keyword(self, text: str, line: int) -> bool:
        """Opens or closes a group at a keyword. Returns False if the word is part of a command."""
        if self._groups and text == _CLOSED_BY[self._groups[-1].opener]:
            self._close(text, line)
        elif text in _CLOSED_BY:
            self._open(text)
            return text not in ("for", "select", "case")  # its words follow
        elif not _PREFIXES.fullmatch(text):
            return False
        return True

    def _open(self, opener: str) -> None:
        self._groups.append(_Group(opener, len(self.results), self._function))
        self._function = ""

    def _close(self, closer: str, line: int) -> None:
        if not self._groups or _CLOSED_BY[self._groups[-1].opener] != closer:
            return
        self.end(line)
        group = self._groups.pop()
        if group.function:
            body = self.results[group.start :]
            self.results[group.start :] = [ShellCommand(line, function=group.function, body=body)]
        else:
            self._ended = group
        self._pipeline = group.start

    def _inner(self, scripts: list[Inner]) -> None:
        """Inserts the commands inside a word before the word's pipeline, because they run first."""
        for inner in scripts:
            commands = inner.commands
            collect(commands, inner.name)
            self.results[self._pipeline : self._pipeline] = commands
            for group in self._groups:
                group.start += len(commands) if group.start > self._pipeline else 0
            self._pipeline += len(commands)
            if inner.is_file:
                self._now.given += f"${inner.name}"


def collect(commands: list[ShellCommand], name: str) -> None:
    """Redirects output that would be printed to a variable."""
    for command in commands:
        if not command.target and not command.piped:
            command.target = f"${name}"
