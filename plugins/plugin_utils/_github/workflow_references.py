# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secrets and variables that workflows read, found in the text: a name that is still read must not be removed."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAMED = re.compile(
    r"(?<![\w.-])(?P<context>secrets|vars)\s*(?:\.\s*(?P<dotted>[A-Za-z_][\w-]*)|\[\s*(?P<quote>['\"])(?P<quoted>[^'\"]+)(?P=quote)\s*\])",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"(?<![\w.-])(?P<context>secrets|vars)(?=\s*(?:\)|,|\}\}|\[\s*[^'\"\s]|\.\s*\*))", re.IGNORECASE)
"""A whole context, or a computed name: the names that are read cannot be determined."""
_INHERITED = re.compile(r"^\s*secrets\s*:\s*['\"]?inherit\b", re.IGNORECASE)
"""Passes all secrets to another workflow."""
_ENVIRONMENT = re.compile(r"^[ \t]+['\"]?environment['\"]?\s*:", re.MULTILINE)
ANY = "*"


def readings(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Places that read each name, as ``secrets.NAME`` or ``vars.NAME``. ``secrets.*`` stands for any name.

    Comments count too: an extra place keeps a name, a missed place would remove a name in use.
    """
    result: dict[str, list[str]] = {}
    for path, text in sorted(texts.items()):
        for number, line in enumerate(text.splitlines(), 1):
            for name in _of_line(line):
                result.setdefault(name, []).append(f"{path}:{number}")
    return result


def _of_line(line: str) -> dict[str, None]:
    names: dict[str, None] = {}
    for match in _NAMED.finditer(line):
        names[f"{match['context'].lower()}.{(match['dotted'] or match['quoted']).upper()}"] = None
    for match in _WHOLE.finditer(line):
        names[f"{match['context'].lower()}.{ANY}"] = None
    if _INHERITED.match(line):
        names[f"secrets.{ANY}"] = None
    return names


def without_environment(texts: Mapping[str, str]) -> dict[str, str]:
    """Workflows without a job that names an environment."""
    return {path: text for path, text in texts.items() if not _ENVIRONMENT.search(text)}


def of(references: Mapping[str, list[str]], reading: str) -> list[str]:
    """Places that read a name, or may read it."""
    context = reading.partition(".")[0]
    maybe = [f"{where} may read any of the {context}" for where in references.get(f"{context}.{ANY}", ())]
    return list(references.get(reading, ())) + maybe
