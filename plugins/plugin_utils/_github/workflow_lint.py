# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What workflows of GitHub Actions do with secrets that they should not. Pure: parsed YAML in, findings out.

Texts carry their line (:class:`Text`), so that a finding says where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")
_KEY_NAMES = re.compile(r"aws[-_](?:access[-_]key[-_]id|secret[-_]access[-_]key)", re.IGNORECASE)
_SECRETISH = re.compile(r"(?:password|passwd|passphrase|secret|token|api[-_]?key|private[-_]?key)$", re.IGNORECASE)
_IN_URL = re.compile(r"://[^\s/:@'\"]*:([^\s/@'\"]+)@([^\s/:'\"]+)")
_ASSIGNED = re.compile(
    r"(?:^|[\s;&])(?:export\s+)?(\w*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY))=([\"']?)([^\s\"'$;&|]{6,})\2",
    re.IGNORECASE,
)
_THROWAWAY = re.compile(
    r"(?:test|testing|dummy|fake|example|postgres|password|redis|root|changeme|x+|\*+|none)", re.IGNORECASE
)
"""What is written so is meant for a server that the job starts and ends itself."""
_LOCAL = re.compile(r"localhost|127\.\d+\.\d+\.\d+|[a-z0-9_-]+", re.IGNORECASE)
"""Hosts of the job's own: loopback, and a service's name without a dot."""
_RIGHTS = ("read", "write", "none", "inherit", "true", "false")
_REFERENCE = re.compile(r"\$\{\{(?:(?!\$\{\{)[^}])*?\bsecrets\s*[.\[]\s*['\"]?(\w+)")
"""It begins at the last ``${{`` before the name, so that a line of nothing else is read once."""
_PRINTS = re.compile(r"^\s*(?:sudo\s+)?(?:echo|printf|print|cat\s*<<|Write-Output|Write-Host|python3?\s+-c\s.*print)\b")
_ENCODES = (
    "base64",
    "rev",
    "sed",
    "tr",
    "xxd",
    "tee",
    "cut",
    "head",
    "tail",
    "cat",
    "fold",
    "od",
    "hexdump",
    "awk",
    "grep",
)
_SHOWS_ALL = re.compile(r"^\s*(?:printenv|env|export\s+-p|set)\s*$|^\s*(?:printenv)\s+(\w+)\s*$")
_TRACES = re.compile(r"^\s*set\s+-\w*x|^\s*(?:ba)?sh\s+-\w*x")
_PINNED = re.compile(r"sha256:[0-9a-f]{64}")
NAMED = 5
"""Variables that one finding names."""


class Text(str):
    """A scalar with its line."""

    line: int = 0

    @classmethod
    def at(cls, text: str, line: int) -> Text:
        made = cls(text)
        made.line = line
        return made


Finding = dict[str, Any]


def findings(file: str, document: Any) -> list[Finding]:
    """Everything that is wrong in one workflow or composite action."""
    results = [
        {"kind": kind, "file": file, "line": line, "message": message}
        for kind, line, message in (
            *_static_keys(document),
            *_passwords(document),
            *_echoes(document, frozenset()),
            *_unpinned(document),
        )
    ]
    unique = {(entry["kind"], entry["line"], entry["message"]): entry for entry in results}
    return sorted(unique.values(), key=lambda entry: (entry["line"], entry["kind"]))


Spotted = Iterator[tuple[str, int, str]]


def _pairs(node: Any) -> Iterator[tuple[Text, Any]]:
    """Every key with its value, at any depth."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield key, value
            yield from _pairs(value)
    elif isinstance(node, list):
        for item in node:
            yield from _pairs(item)


def _scalars(node: Any) -> Iterator[Text]:
    if isinstance(node, Text):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _scalars(value)
    elif isinstance(node, list):
        for item in node:
            yield from _scalars(item)


def _lines(text: Text) -> Iterator[tuple[int, str]]:
    """The lines of a text; one of several lines is a block, whose first line follows its key's."""
    rows = text.split("\n")
    first = text.line + (1 if len(rows) > 1 else 0)
    for at, row in enumerate(rows):
        yield first + at, row


def _static_keys(document: Any) -> Spotted:
    for text in _scalars(document):
        for line, row in _lines(text):
            if KEY_ID.search(row):
                yield "static-key", line, "holds the id of an access key"
    for key, value in _pairs(document):
        if _KEY_NAMES.fullmatch(key) and isinstance(value, Text) and value and not _THROWAWAY.fullmatch(value):
            how = "from a secret" if "secrets." in value else "written here"
            yield "static-key", key.line, f"{key} is set, {how}"


def _passwords(document: Any) -> Spotted:
    for key, value in _pairs(document):
        if not isinstance(value, Text) or not _SECRETISH.search(key) or "${{" in value or len(value) < 6:
            continue
        if value.lower() not in _RIGHTS and not _THROWAWAY.fullmatch(value) and not value.startswith("$"):
            yield "password", key.line, f"{key} is written here"
    for text in _scalars(document):
        for line, row in _lines(text):
            for password, host in _IN_URL.findall(row):
                if not password.startswith("$") and not _THROWAWAY.fullmatch(password) and not _LOCAL.fullmatch(host):
                    yield "password", line, "a URL has a password written in it"
            for name, _quote, value in _ASSIGNED.findall(row):
                if not _THROWAWAY.fullmatch(value):
                    yield "password", line, f"{name} is written here"


def _from_secrets(node: Any) -> set[str]:
    env = node.get("env") if isinstance(node, Mapping) else None
    if not isinstance(env, Mapping):
        return set()
    return {str(name) for name, value in env.items() if isinstance(value, Text) and _REFERENCE.search(value)}


def _echoes(node: Any, names: frozenset[str]) -> Spotted:
    """``names``: variables that hold secrets, of this job and step."""
    if isinstance(node, list):
        for item in node:
            yield from _echoes(item, names)
    if not isinstance(node, Mapping):
        return
    names = names | _from_secrets(node)
    for key, value in node.items():
        if key == "run" and isinstance(value, Text):
            yield from _printed(value, names)
        else:
            yield from _echoes(value, names)


def _printed(script: Text, names: frozenset[str]) -> Spotted:
    holds = bool(_REFERENCE.search(script)) or bool(names)
    for line, row in _lines(script):
        if holds and _TRACES.search(row):
            yield "echo", line, "the shell prints each command, with secrets in it"
        shown = _SHOWS_ALL.match(row)
        if shown and names and (shown[1] is None or shown[1] in names):
            yield "echo", line, f"prints the variables, {_some(names)} among them"
        for part in re.split(r"&&|;|\|\|", row):
            secret = _named(part, names)
            if secret and _PRINTS.search(part) and not _is_handed_on(part):
                yield "echo", line, f"prints {secret}"


def _some(names: frozenset[str]) -> str:
    text = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(sorted(names)[:NAMED]) + text


def _named(part: str, names: frozenset[str]) -> str:
    direct = _REFERENCE.search(part)
    if direct:
        return f"secrets.{direct[1]}"
    used = [name for name in re.findall(r"\$\{?(\w+)", part) if name in names]
    return f"${used[0]}" if used else ""


def _is_handed_on(part: str) -> bool:
    """Whether the text goes to another program's input or to a file instead of the log."""
    if "::add-mask::" in part or re.search(r">>?\s*(?!&|/dev/(?:stdout|stderr|tty))\S", part):
        return True
    _command, pipe, rest = part.partition("|")
    last = rest.rpartition("|")[2].split()
    return bool(pipe and last) and last[0] not in _ENCODES


def _unpinned(document: Any) -> Spotted:
    """Images alone: of actions and called workflows zizmor tells, which takes an image with a tag for pinned."""
    for key, value in _pairs(document):
        if key == "uses" and isinstance(value, Text) and value.startswith("docker://"):
            name, _at, ref = value.partition("@")
            if not _PINNED.fullmatch(ref):
                yield "unpinned", value.line, f"{name} has no digest"
