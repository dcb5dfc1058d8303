# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secrets in GitHub's expressions, also in outputs and inputs that hold secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.taint import MARK

_EXPRESSION = re.compile(r"\$\{\{((?:(?!\$\{\{).)*?)\}\}", re.DOTALL)
"""A match begins at the last ``${{`` before the end. A line of nothing but ``${{`` therefore takes linear time."""
_NAME = r"(?:\s*\.\s*[\w*-]+|\[\s*['\"][\w-]+['\"]\s*\])"
_REFERENCE = re.compile(rf"(?<![\w.'\"])(secrets|inputs|needs|steps|env|jobs|github)\b({_NAME}*)", re.IGNORECASE)
_ANY = rf"(?<![\w.'\"])(?:secrets|inputs|needs|steps|env|jobs|github){_NAME}+"
_VALUE = r"(?:'[^']*'|(?<![\w.])[\w.]+)"
_GIVES_NONE = re.compile(
    rf"{_ANY}\s*[!=]=\s*{_VALUE}|{_VALUE}\s*[!=]=\s*{_ANY}|!\s*{_ANY}|{_ANY}\s*&&|"
    r"\b(?:contains|startsWith|endsWith|hashFiles)\([^()]*\)",
    re.IGNORECASE,
)
"""Parts of an expression that yield no secret: comparisons, and conditions for another value."""


@dataclass
class SecretContexts:
    """References, other than ``secrets`` itself, that hold secrets. Each has a label for findings."""

    names: dict[str, str] = field(default_factory=dict)

    def add(self, reference: str) -> None:
        """Adds a reference, which covers its parts too.

        The contexts around a reference are added with a dot at the end. They stand for the context as a whole: with
        ``steps.a.outputs.b``, a use of all of ``steps.a`` reads a secret, but a use of ``steps.a.outputs.c`` does not.
        """
        parts = reference.lower().split(".")
        self.names[".".join(parts)] = reference
        for count in range(1, len(parts)):
            self.names.setdefault(".".join(parts[:count]) + ".", reference)

    def forget(self, context: str) -> None:
        self.names = {name: label for name, label in self.names.items() if name.partition(".")[0] != context}

    def of(self, text: Any) -> str:
        """The first secret that a text's expressions yield, or empty."""
        expressions = _EXPRESSION.findall(text) if isinstance(text, str) else ()
        return next(filter(None, map(self._given, expressions)), "")

    def among(self, values: Any) -> dict[str, str]:
        """Names of a mapping whose values hold secrets, with the secret."""
        entries = values.items() if isinstance(values, Mapping) else ()
        return {str(name): secret for name, value in entries if (secret := self.of(value))}

    def marked(self, script: str) -> str:
        """The script, with a marked secret or ``EXPRESSION`` for each expression. Line numbers stay the same."""
        return _EXPRESSION.sub(self._mark, script)

    def _mark(self, match: re.Match[str]) -> str:
        secret = self._given(match[1])
        return (f"{MARK}{secret}{MARK}" if secret else "EXPRESSION") + "\n" * match[0].count("\n")

    def _given(self, expression: str) -> str:
        for context, names in _REFERENCE.findall(_GIVES_NONE.sub("", expression)):
            parts = [context, *re.findall(r"[\w*-]+", names)]
            if context.lower() == "secrets" or [part.lower() for part in parts] == ["github", "token"]:
                return ".".join(parts)
            if secret := self._held([part.lower() for part in parts]):
                return secret
        return ""

    def _held(self, parts: list[str]) -> str:
        wholes = (".".join(parts[:count]) for count in range(len(parts), 1, -1))
        keys = (".".join(parts) + ".", *wholes)
        return next((self.names[key] for key in keys if key in self.names), "")
