# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables and files that hold secrets at one point of a job of GitHub Actions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.shell_commands import (
    COLLECTED,
    ShellCommand,
    variables,
)

NAMED = 5
"""The most variables that one finding names."""
MARK = "\1"
"""Encloses the value of an expression. GitHub fills it in before the shell reads the script's quotes."""
_MARKED = re.compile(f"{MARK}([^{MARK}]+){MARK}")


@dataclass
class Taint:
    names: dict[str, str] = field(default_factory=dict)
    """Variables that hold secrets, with labels for findings. ``!NAME``: NAME's value is the name of such a variable."""
    files: dict[str, str] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    """Keys with secrets in the output that is collected from several commands."""
    functions: dict[str, tuple[str, list[ShellCommand]]] = field(default_factory=dict)
    """Commands of each function, with the file that defines it."""

    def of(self, text: str) -> str:
        """The label of the first secret in a text, or empty."""
        mark = _MARKED.search(text)
        return mark[1] if mark else self.first(variables(text))

    def first(self, names: Iterable[str]) -> str:
        """The label of the first of these variables that holds a secret, or empty."""
        return next((self.names[name] for name in names if name in self.names), "")

    def in_files(self, words: Iterable[str]) -> str:
        paths = map(plain_path, words)
        return next((self.files[path] for path in paths if path in self.files), "")

    def assign(self, name: str, value: str) -> None:
        if self.of(value):
            self.names[name] = f"${name}"
        elif value in self.names and not _is_parameter(value):
            self.names[f"!{name}"] = f"${value}"

    @property
    def own(self) -> dict[str, str]:
        """The variables without parameters of the present function and without collected output."""
        return {name: secret for name, secret in self.names.items() if not re.match(r"[\d@*]", name)}

    def named(self) -> str:
        names = sorted(name for name in self.own if name[0] != "!")
        return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")

    def call(self, words: list[str], into: str) -> dict[str, str]:
        """Sets the parameters of a function or script. ``into`` collects its output. Returns the previous values."""
        secrets = {str(number): self.of(word) for number, word in enumerate(words, 1)}
        secrets = {name: secret for name, secret in secrets.items() if secret}
        first = next(iter(secrets.values()), "")
        outer = {name: self.names.pop(name) for name in list(self.names) if _is_parameter(name) or name == into}
        self.names |= {**secrets, **(dict.fromkeys("@*", first) if first else {})}
        return outer

    def returned(self, outer: dict[str, str], into: str) -> str:
        """Ends a call. Returns the label of the secret that was collected, or empty."""
        result = self.names.pop(into, "")
        self.names = {name: secret for name, secret in self.names.items() if not _is_parameter(name)} | outer
        return result


def _is_parameter(name: str) -> bool:
    return name.isdigit() or name in "@*"


def plain_path(path: str) -> str:
    """The path from the top of the repository."""
    return re.sub(r"^(?:\$\{?GITHUB_WORKSPACE\}?/|(?:\./)+)", "", path)


def is_collected(target: str) -> bool:
    return target.startswith(f"${COLLECTED}")
