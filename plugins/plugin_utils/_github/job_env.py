# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Input of a job of GitHub Actions: masks on its standard output, and variables in the file of ``$GITHUB_ENV``.

The runner splits this file at line feeds only. An entry is ``NAME=value``, or ``NAME<<DELIMITER`` with the value in
the lines up to one that equals the delimiter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core import redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = re.compile(r"^(GITHUB_|RUNNER_)", re.IGNORECASE)
_REFUSED = ("NODE_OPTIONS", "PATH", "BASH_ENV", "ENV", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "IFS")
"""The runner refuses ``NODE_OPTIONS``. The others control the programs of the next step."""
SHORTEST = redaction.SHORTEST
"""Characters of the shortest line that is masked. A shorter mask would hide ordinary words of the log."""
_ESCAPES = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
VALUE_BYTES = 128 * 1024
"""Bytes that Linux accepts for one variable of a program, with its name, the equals sign and the final NUL."""


def masks(values: Mapping[str, str], sensitivity: Mapping[str, str]) -> list[str]:
    """Commands that mask each value above low sensitivity, a URL's password, and each line of both.

    Print them before any output that might show a value.
    """
    result: dict[str, None] = {}
    for secret in redaction.maskable(values, sensitivity):
        for text in (secret, *re.split(r"[\r\n]+", secret)):
            if len(text.strip()) >= SHORTEST:
                result[_command(text)] = None
    return list(result)


def _command(text: str) -> str:
    for character, escaped in _ESCAPES:
        text = text.replace(character, escaped)
    return f"::add-mask::{text}"


def content(values: Mapping[str, str], token: Callable[[], str]) -> str:
    """The text to append to the file. ``token`` makes random text for the delimiters.

    Raises :class:`DotenvError` with every variable that a job cannot have.
    """
    problems = [line for name, value in values.items() for line in _problems(name, value)]
    if problems:
        raise DotenvError("; ".join(problems))
    blocks = []
    for name, value in values.items():
        delimiter = _delimiter(value, token)
        blocks.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    return "".join(blocks)


def _delimiter(value: str, token: Callable[[], str]) -> str:
    """A delimiter that the value does not contain."""
    while True:
        delimiter = f"ghadelimiter_{token()}"
        if delimiter not in value:
            return delimiter


def _problems(name: str, value: str) -> Iterable[str]:
    if not NAME.fullmatch(name):
        yield f"{name!r} is not a variable's name"
    elif _RESERVED.match(name) or name.upper() in _REFUSED:
        yield f"{name} cannot be set in a job: the runner reserves it, or it controls other programs; rename it"
    if "\0" in value:
        yield f"{name} holds a NUL, which no variable can; encode it as base64"
    if any("\ud800" <= name <= "\udfff" for name in value):
        yield f"{name} holds half a surrogate pair, which UTF-8 cannot express; correct its value"
    elif len(f"{name}={value}".encode()) >= VALUE_BYTES:
        yield f"{name} is longer than {VALUE_BYTES // 1024} KB, and no program can be started with such a variable"


def unmasked(values: Mapping[str, str], sensitivity: Mapping[str, str]) -> list[str]:
    """Names of high sensitivity whose values are too short to be masked."""
    return [
        name
        for name, value in values.items()
        if sensitivity.get(name, "high") == "high" and value and len(value.strip()) < SHORTEST
    ]
