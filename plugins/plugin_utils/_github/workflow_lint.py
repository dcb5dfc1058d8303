# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds misuse of secrets in workflows of GitHub Actions. Pure: parsed YAML in, findings out.

Each text carries its line (:class:`Text`), so that a finding can name it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.script_taint import Scripts
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.shell_commands import ShellCommand, commands
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.taint import is_collected
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.workflow_taint import FollowedWorkflow

KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")
_KEY_NAMES = re.compile(r"aws[-_](?:access[-_]key(?:[-_]id)?|secret[-_](?:access[-_])?key)", re.IGNORECASE)
_KEY_LINES = re.compile(rf"({_KEY_NAMES.pattern})\s*=\s*([^\s\\'\"]+)", re.IGNORECASE)
_BACKEND_KEY = re.compile(r"-backend-config=(?:access|secret)_key=.+")
_SECRETISH = re.compile(
    r"(?:password|passwd|passphrase|_pass|_pwd|secret|token|api[-_]?key|private[-_]?key)$", re.IGNORECASE
)
_IN_URL = re.compile(r"://[^\s/:@'\"]*:([^\s/@'\"]+)@([^\s/:'\"]+)")
_ASSIGNED = re.compile(
    r"(?:^|[\s;&])(?:export\s+)?(\w*(?:PASSWORD|PASSWD|_PASS|_PWD|SECRET|TOKEN|API_?KEY))=([\"']?)([^\s\"'$;&|]{6,})\2",
    re.IGNORECASE,
)
_ARGUMENT = re.compile(
    r"(?:\s--?(?:password|passphrase|token|api[-_]?key)[= ]|\bsshpass -p ?|\blogin\s(?:[^\n]{0,200}\s)?-p |"
    r"\bmysql\w*\s(?:[^\n]{0,200}\s)?-p|\b(?:curl|wget)\s(?:[^\n]{0,200}\s)?(?:-u|--user) [^\s:$]+:)"
    r"([\"']?)([^\s\"'$;&|<>]{6,})\1(?=\s|$)"
)
"""A password as the argument of a command."""
_THROWAWAY = re.compile(
    r"(?:test|testing|dummy|fake|example|postgres|password|redis|root|changeme|x+|\*+|none)", re.IGNORECASE
)
"""Values that are meant for a server that the job itself starts and ends."""
_LOCAL = re.compile(r"localhost|127\.\d+\.\d+\.\d+|[a-z0-9_-]+", re.IGNORECASE)
"""Hosts of the job itself: loopback, and a service's name without a dot."""
_RIGHTS = ("read", "write", "none", "inherit", "true", "false")
_PINNED = re.compile(r"sha256:[0-9a-f]{64}")


class Text(str):
    """A scalar with its line."""

    line: int = 0

    @classmethod
    def at(cls, text: str, line: int) -> Text:
        linted = cls(text)
        linted.line = line
        return linted


Finding = dict[str, Any]


def findings(file: str, document: Any, workflow: FollowedWorkflow | None = None) -> list[Finding]:
    """Every problem of one workflow or composite action, and of the actions and scripts that it calls.

    ``workflow`` follows these calls. Raises :class:`script_taint.TooManyCommands`.
    """
    workflow = workflow or FollowedWorkflow(file, Scripts())
    own = [*_static_keys(document), *_passwords(document), *_unpinned(document), *_permissions(document)]
    results = [(kind, file, line, message) for kind, line, message in own]
    results += [("echo", *spot) for spot in workflow.spots(document)]
    for path, script in workflow.scripts.parsed.items():
        results += [(kind, path, line, message) for kind, line, message in _set_keys(script)]
    rows = sorted(dict.fromkeys(results), key=lambda row: (row[1] != file, row[1], row[2], row[0]))
    return [{"kind": kind, "file": file, "line": line, "message": message} for kind, file, line, message in rows]


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
    """The lines of a text, with their numbers. The first line of a block follows its key's line."""
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
        if key == "run" and isinstance(value, Text):
            yield from _set_keys(commands(value, value.line + (1 if "\n" in value else 0)))


def _set_keys(script: list[ShellCommand]) -> Spotted:
    """Access keys that a script sets, for itself or for later steps."""
    for command in script:
        yield from _set_keys(command.body)
        words = command.arguments
        pairs = [*command.assignments]
        if words[:3] == ["aws", "configure", "set"] and len(words) > 4:
            pairs.append((words[3], words[4]))
        if words[:3] == ["aws", "configure", "import"]:
            pairs.append(("aws_secret_access_key", words[-1]))
        if "GITHUB_ENV" in command.target or is_collected(command.target):
            pairs += [(name, value) for name, sign, value in (word.partition("=") for word in words[1:]) if sign]
        if ".aws/" in " ".join((command.target, *words[:1])) or words[:1] == ["tee"]:
            pairs += _KEY_LINES.findall(" ".join((*words, command.given)))
        pairs += [("aws_secret_access_key", word) for word in words if _BACKEND_KEY.fullmatch(word)]
        for name, value in pairs:
            if _KEY_NAMES.fullmatch(name) and value and not _THROWAWAY.fullmatch(value):
                yield "static-key", command.line, f"{name} is set by the script"


def _passwords(document: Any) -> Spotted:
    own = {
        value
        for key, services in _pairs(document)
        if key == "services"
        for _name, value in _pairs(services)
        if isinstance(value, Text)
    }
    """Values that the job gives to its own services."""
    for key, value in _pairs(document):
        if isinstance(value, Text) and value not in own and _is_password(key, value):
            yield "password", key.line, f"{key} is written here"
    for text in _scalars(document):
        for line, row in _lines(text):
            yield from (("password", line, message) for message in _in_line(row, own))


def _is_password(name: str, value: str) -> bool:
    if not _SECRETISH.search(name) or "${{" in value or len(value) < 6:
        return False
    return value.lower() not in _RIGHTS and not _THROWAWAY.fullmatch(value) and not value.startswith("$")


def _in_line(row: str, own: Set[str]) -> Iterator[str]:
    for password, host in _IN_URL.findall(row):
        if not password.startswith("$") and not _THROWAWAY.fullmatch(password) and not _LOCAL.fullmatch(host):
            yield "a URL has a password written in it"
    for _quote, value in _ARGUMENT.findall(row):
        if not _THROWAWAY.fullmatch(value) and value not in own and not value.isupper():
            yield "a command has a password as its argument"
    for name, _quote, value in _ASSIGNED.findall(row):
        if not _THROWAWAY.fullmatch(value) and value not in own:
            yield f"{name} is written here"


def _unpinned(document: Any) -> Spotted:
    """Yields images only. zizmor checks actions and called workflows, but accepts an image with a tag as pinned."""
    for key, value in _pairs(document):
        if key == "uses" and isinstance(value, Text) and value.startswith("docker://"):
            name, _at, ref = value.partition("@")
            if not _PINNED.fullmatch(ref):
                yield "unpinned", value.line, f"{name} has no digest"


def _permissions(document: Any) -> Spotted:
    """zizmor does not report this in a workflow of one job."""
    for key, value in _pairs(document):
        if key == "permissions" and value == "write-all":
            yield "permissions", key.line, "its token may write everything (permissions: write-all)"
