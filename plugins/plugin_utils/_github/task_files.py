# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shell commands of a Makefile's target, and of a script in a package.json. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.shell_commands import ShellCommand, commands
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.shell_words import LITERAL

MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_MAKE_VALUES = ("-C", "--directory", "-f", "--file", "--makefile", "-j", "-l", "-o", "-W", "-I")
_RULE = re.compile(r"([^\t#=:][^=:]*)::?(?!=)([^;#]*)(?:;(.*))?")
_VARIABLE = re.compile(r"(?:(?:export|override)\s+)*([A-Za-z_]\w*)\s*(?:::?|\?|\+|!)?=\s*(.*)")
_GIVEN = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_OWN = re.compile(r"\$(?:[@<^*?%+|]|[({][@<^*?%+|][DF]?[)}])")
"""Make's automatic variables."""
_DECIDES = r"if|findstring|filter|filter-out|words|wildcard|info|warning|error|origin|flavor|foreach|eval|call"
"""Functions whose result is not the text of their arguments."""
_NODE = ("npm", "yarn", "pnpm", "bun")
_INSTALL = ("ci", "i", "install")
_NODE_FOLDERS = ("--prefix", "-C", "--cwd", "--dir")


@dataclass(frozen=True)
class TaskCall:
    """The tasks that a command runs, and the files that may define them."""

    folder: str
    files: tuple[str, ...]
    """Candidates, of which the first that exists counts."""
    names: tuple[str, ...]
    words: tuple[str, ...] = ()
    """Arguments for the script."""
    variables: tuple[tuple[str, str], ...] = ()
    is_silent: bool = False


def called(arguments: list[str]) -> TaskCall | None:
    name, rest = arguments[0], arguments[1:]
    if name in ("make", "gmake"):
        return _make(rest)
    return _node(name, rest) if name in _NODE else None


def _make(rest: list[str]) -> TaskCall:
    options = dict(_options(rest, _MAKE_VALUES))
    folder = options.get("-C", options.get("--directory", ""))
    file = options.get("-f", options.get("--file", options.get("--makefile", "")))
    names = tuple(word for word in _plain(rest, _MAKE_VALUES) if "=" not in word)
    variables = [(match[1], match[2]) for match in map(_GIVEN.fullmatch, rest) if match]
    is_silent = any(re.fullmatch(r"-\w*s\w*|--silent|--quiet", word) for word in rest)
    return TaskCall(folder, (file,) if file else MAKEFILES, names, (), tuple(variables), is_silent)


def _node(name: str, rest: list[str]) -> TaskCall | None:
    at = rest.index("--") if "--" in rest else len(rest)
    words, passed = _plain(rest[:at], _NODE_FOLDERS), rest[at + 1 :]
    folder = next((value for option, value in _options(rest, _NODE_FOLDERS) if option in _NODE_FOLDERS), "")
    verb, names = (words[0] if words else "install"), words[1:2]
    script_names: tuple[str, ...]
    if verb in _INSTALL:
        script_names = ("preinstall", "install", "postinstall", "prepare")
    elif verb in ("run", "run-script", "rum", "urn"):
        script_names = tuple(f"{step}{task}" for task in names for step in ("pre", "", "post"))
    elif verb in ("start", "stop", "restart", "test", "t") or name != "npm":
        task = "test" if verb == "t" else verb
        script_names = (f"pre{task}", task, f"post{task}")
    else:
        return None
    return TaskCall(folder, ("package.json",), script_names, tuple(passed))


def _options(words: list[str], with_value: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for at, word in enumerate(words):
        name, sign, value = word.partition("=")
        if word in with_value and words[at + 1 :]:
            yield word, words[at + 1]
        elif name in with_value and sign:
            yield name, value


def _plain(words: list[str], with_value: tuple[str, ...]) -> list[str]:
    """Words that are neither options nor values of options."""
    return [
        word
        for before, word in zip(["", *words], words)  # noqa: B905 each with the one before it
        if word[:1] != "-" and (before not in with_value or before in ("-j", "-l"))
    ]


def script(call: TaskCall, file: str, text: str) -> list[ShellCommand]:
    if posixpath.basename(file) == "package.json":
        return list(_package(call, text))
    makefile = _Makefile(call.is_silent)
    makefile.read(text)
    return list(makefile.run(call.names or makefile.first))


def _package(call: TaskCall, text: str) -> Iterator[ShellCommand]:
    try:
        scripts: Any = json.loads(text).get("scripts")
    except (ValueError, AttributeError, RecursionError):
        return
    for name in call.names if isinstance(scripts, dict) else ():
        body = scripts.get(name)
        if isinstance(body, str):
            line = re.search(rf'"{re.escape(name)}"\s*:', text)
            number = text.count("\n", 0, line.start()) + 1 if line else 1
            script = commands(body, number)
            if script and name[:3] != "pre" and name[:4] != "post":
                script[-1].words += call.words
            for command in script:
                command.line = number
            yield from script


@dataclass
class _Rule:
    needs: list[str] = field(default_factory=list)
    recipe: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class _Makefile:
    is_silent: bool
    rules: dict[str, _Rule] = field(default_factory=dict)
    variables: list[ShellCommand] = field(default_factory=list)
    first: tuple[str, ...] = ()

    def read(self, text: str) -> None:
        rules: list[_Rule] = []
        for number, line in _logical(text):
            if line[:1] == "\t":
                for rule in rules:
                    rule.recipe.append((number, line[1:]))
            elif assigned := _VARIABLE.fullmatch(line):
                self.variables += commands(f'{assigned[1]}="{_shell(assigned[2])}"', number)
            elif match := _RULE.fullmatch(line):
                rules = [self.rules.setdefault(target, _Rule()) for target in match[1].split()]
                for rule in rules:
                    rule.needs += match[2].split()
                    rule.recipe += [(number, match[3])] if match[3] else []
                self.first = self.first or tuple(word for word in match[1].split()[:1] if word[0] != ".")
        self.is_silent = self.is_silent or ".SILENT" in self.rules

    def run(self, targets: tuple[str, ...]) -> Iterator[ShellCommand]:
        """Yields the recipes of the targets. The recipes of their prerequisites come first."""
        yield from self.variables
        waiting, order = list(targets), dict[str, None]()
        while waiting:
            target = waiting.pop(0)
            if target in self.rules and target not in order:
                order[target] = None
                waiting += self.rules[target].needs
        for target in reversed(order):
            for number, line in self.rules[target].recipe:
                yield from self._line(number, line)

    def _line(self, number: int, line: str) -> Iterator[ShellCommand]:
        match = re.fullmatch(r"([@+\s-]*)(.*)", line, re.DOTALL)
        prefix, text = (match[1], match[2]) if match else ("", line)
        if not self.is_silent and "@" not in prefix:  # make prints the line with its own variables filled in
            yield ShellCommand(number, ["echo", _shell(text, dollar=LITERAL)])
        yield from commands(_shell(text), number)


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Lines, each joined with the lines that continue it, and the number of the first line."""
    start, parts = 1, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        start = start if parts else number
        parts.append(line)
        if not line.endswith("\\"):
            yield start, "\n".join(parts) if parts[0][:1] == "\t" else " ".join(part.rstrip("\\") for part in parts)
            parts = []


def _shell(text: str, *, dollar: str = "$") -> str:
    """The text for the shell. A variable of make becomes one of the environment, unless the file sets it."""
    parts = []
    for part in text.split("$$"):
        part = _OWN.sub("", re.sub(r"\$[({]MAKE[)}]", "make", part))
        part = re.sub(r"\$[({](\w+)[)}]", r"${\1}", part)
        part = re.sub(r"\$[({]shell\s", "$(", part)
        part = re.sub(rf"\$[({{](?:{_DECIDES})\s", "$(: ", part)
        parts.append(re.sub(r"\$\((?:or|and|strip|subst|patsubst|\w*word|sort|abspath|realpath)\s", "$(echo ", part))
    return dollar.join(parts)
