# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Follows the secrets of a script through variables, functions, files and other scripts to logs, summaries and outputs.

Pure: text in, findings out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import command_effects as effects
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import task_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.shell_commands import (
    COLLECTED,
    ShellCommand,
    collect,
    commands,
    variables,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.taint import (
    MARK,
    Taint,
    is_collected,
    plain_path,
)

MOST_COMMANDS = 20_000
DEEPEST = 8
"""The deepest nesting of functions and scripts that call each other."""
_RETURNED = f"{COLLECTED}-"
_OPTIONS = re.compile(r"#!\S+(?: \w+)? +(-\w+)")
_KEY = re.compile(r"([\w-]+)=")
_KEY_OF_LINES = re.compile(r"([\w-]+)<<")

Spot = tuple[str, int, str]
"""File, line and message."""
Reader = Callable[[str], "str | None"]
"""Reads a file of the repository as text. Returns None if the file cannot be read."""


class TooManyCommands(SecretsError):
    """Raised for a workflow that would take too long to follow."""


@dataclass
class Job:
    """Variables and outputs that a step passes to later steps."""

    names: dict[str, str] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    """Names of outputs. An empty name stands for any output."""


@dataclass
class Scripts:
    """Follows the scripts of one workflow. Raises :class:`TooManyCommands`."""

    read: Reader = lambda _path: None
    count: int = 0
    open: list[tuple[str, str, int]] = field(default_factory=list)
    """Functions and files that are being followed."""
    parsed: dict[str, list[ShellCommand]] = field(default_factory=dict)
    """Commands of each file that was followed."""
    not_followed: dict[str, str] = field(default_factory=dict)
    """The reason for each file into which secrets were not followed."""

    def shell(self, text: str, place: tuple[str, int], taint: Taint, job: Job, folder: str = "") -> Iterator[Spot]:
        """Follows a script. Updates ``taint`` and ``job``."""
        file, line = place
        run = _Run(self, file, taint, job, bool(taint.own) or MARK in text, [folder])
        yield from run.some(self.commands(text, line))
        for name in [name for name in taint.functions if name not in run.called]:
            yield from run.some([ShellCommand(line, [name])])

    def commands(self, text: str, line: int) -> list[ShellCommand]:
        self.spend(len(text) // 100)
        return commands(text, line)

    def of_file(self, file: str, text: str) -> list[ShellCommand]:
        if file not in self.parsed:
            options = _OPTIONS.match(text)
            self.parsed[file] = [*([ShellCommand(1, ["set", options[1]])] if options else []), *self.commands(text, 1)]
        return self.parsed[file]

    def spend(self, count: int = 1) -> None:
        self.count += count
        if self.count > MOST_COMMANDS:
            raise TooManyCommands(f"runs more than {MOST_COMMANDS} commands; the rest was not followed")


@dataclass
class _Called:
    name: str
    file: str
    script: list[ShellCommand] | str
    """Commands of a shell script, or the text of a program in another language."""
    words: list[str] = field(default_factory=list)
    folder: str = ""
    """The folder in which it runs. Empty if this is the caller's."""

    @property
    def key(self) -> tuple[str, str, int]:
        """The line distinguishes a function from another of the same name that it defines."""
        return self.file, self.name, self.script[0].line if self.script and not isinstance(self.script, str) else 0


@dataclass
class _Run:
    scripts: Scripts
    file: str
    taint: Taint
    job: Job
    holds: bool
    folders: list[str]
    """Folders in which paths may begin. The last one is the working directory."""
    called: set[str] = field(default_factory=set)
    key: str = ""
    """The name of a value that follows in lines of its own."""

    def some(self, script: list[ShellCommand], flowing: str = "") -> Iterator[Spot]:
        for command in script:
            self.scripts.spend()
            for name, value in command.assignments:
                self.taint.assign(name, value)
            if command.function:
                self.taint.functions[command.function] = self.file, command.body
            if command.arguments:
                flowing = yield from self._one(command, command.arguments, flowing)

    def _one(self, command: ShellCommand, arguments: list[str], flowing: str) -> Generator[Spot, None, str]:
        """Follows one command. Returns the secret that is piped to the next command, or empty."""
        for message in effects.exposed(arguments, self.taint, self.holds):
            yield self.file, command.line, message
        effects.keep(command, arguments, flowing, self.taint)
        if arguments[0] == "cd":
            self.folders.append(posixpath.join(self.folders[-1], *arguments[1:2]))
        if arguments[0] in effects.SENDERS and (flowing or self.taint.of(command.given)):
            yield self.file, command.line, f"sends {flowing or self.taint.of(command.given)} without encryption"
        returned = yield from self._follow(command, arguments, flowing)
        flowing = returned or effects.output(command, arguments, flowing, self.taint)
        self._announced(arguments)
        if flowing and (not command.piped or arguments[0] == "tee"):
            message = self._arrives(command, arguments, flowing)
            if message:
                yield self.file, command.line, message
        return flowing if command.piped else ""

    def _announced(self, arguments: list[str]) -> None:
        key = _KEY_OF_LINES.search(" ".join(arguments[1:])) if arguments[0] in effects.PRINTERS else None
        self.key = key[1] if key else self.key

    def _follow(self, command: ShellCommand, arguments: list[str], flowing: str) -> Generator[Spot, None, str]:
        """Follows a called function or script. Returns the secret in its output, if the output is collected."""
        called, running = self._called(command, arguments), self.scripts.open
        if not called or called.key in running or len(running) >= DEEPEST:
            return ""
        running.append(called.key)
        self.called.add(called.name)
        into = _RETURNED if command.target or command.piped else ""
        flowing = flowing or self.taint.of(command.given)
        outer = self.taint.call(called.words, into)
        if isinstance(called.script, str):
            yield from self._program(called, into)
        else:
            body = [replace(inner) for inner in called.script]
            for inner in body:
                self.taint.names.pop(inner.target[1:], None)  # collected by an earlier call
            if into:
                collect(body, into)
            inside = [*self.folders, *([called.folder] if called.folder else [])]
            yield from replace(self, file=called.file, folders=inside).some(body, flowing)
        running.pop()
        return self.taint.returned(outer, into)

    def _program(self, called: _Called, into: str) -> Iterator[Spot]:
        for line, secret in effects.printed(str(called.script), 1, self.taint):
            self.scripts.spend()
            if into:
                self.taint.names[into] = secret
            else:
                yield called.file, line, f"prints {secret}"

    def _called(self, command: ShellCommand, arguments: list[str]) -> _Called | None:
        name = arguments[0]
        if name in self.taint.functions:
            return _Called(name, *self.taint.functions[name], arguments[1:])
        text = effects.script_in(arguments, command.given)
        if text:
            return _Called(text, self.file, self.scripts.commands(text, command.line))
        task = task_files.called(arguments)
        if task:
            return self._task(task)
        path, words = effects.script_file(arguments)
        for folder in reversed(self.folders) if path else ():
            file = below(folder, path)
            text = (self.scripts.read(file) if file else None) or ""
            if text and effects.is_program(name, file, text):
                return _Called(file, file, text, words)
            if text and effects.is_shell(name, file, text):
                return _Called(file, file, self.scripts.of_file(file, text), words)
        return None

    def _task(self, task: task_files.TaskCall) -> _Called | None:
        for folder in reversed(self.folders):
            for name in task.files:
                file = below(posixpath.join(folder, plain_path(task.folder)), name)
                text = (self.scripts.read(file) if file else None) or ""
                if text:
                    return self._task_of(task, file, text)
        return None

    def _task_of(self, task: task_files.TaskCall, file: str, text: str) -> _Called:
        self.scripts.spend(len(text) // 100)
        for name, value in task.variables:
            self.taint.assign(name, value)
        script = task_files.script(task, file, text)
        self.scripts.parsed[file] = [*self.scripts.parsed.get(file, ()), *script]
        return _Called(" ".join((file, *task.names)), file, script, folder=posixpath.dirname(file))

    def _arrives(self, command: ShellCommand, arguments: list[str], secret: str) -> str:
        """The problem of a place that gets a secret, or empty. Records a place that keeps the secret."""
        target, is_tee = command.target, arguments[0] == "tee"
        places = " ".join([target, *(arguments if is_tee else ())])
        if "GITHUB_STEP_SUMMARY" in places:
            return f"writes {secret} into the summary of the step"
        if "GITHUB_ENV" in places:
            self.job.names |= {name: f"${name}" for name in self._keys(command, arguments) if name}
        if "GITHUB_OUTPUT" in places:
            self.job.outputs += self._keys(command, arguments)
        if is_collected(target):
            self.taint.names[target[1:]] = secret
            self.taint.keys.setdefault(target[1:], []).extend(self._keys(command, arguments))
        elif effects.is_console(target):
            return "" if command.piped and not is_tee else f"prints {secret}"
        elif target != "/dev/null":
            self.taint.files[plain_path(target)] = secret
            self.taint.keys.setdefault(plain_path(target), []).extend(self._keys(command, arguments))
        return ""

    def _keys(self, command: ShellCommand, arguments: list[str]) -> list[str]:
        """Names that a command writes as ``NAME=value``, or the name of a value in lines of its own."""
        collected = [key for name in variables(command.given) for key in self.taint.keys.get(name, ())]
        rows = [" ".join(arguments[1:]), *command.given.split("\n")]
        keys = [key for row in rows if self.taint.of(row) for key in _KEY.findall(row)[:1]]
        return collected or keys or [self.key]


def below(folder: str, path: str) -> str:
    """A path inside the repository. Empty if the path leads out of it or is unknown."""
    path = posixpath.normpath(posixpath.join(folder, plain_path(path)))
    return "" if path.startswith(("/", "..", "~")) or re.search(rf"[${MARK}\0]", path) else path
