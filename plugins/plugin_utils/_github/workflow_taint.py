# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a workflow's secrets go: from ``secrets`` through variables and files to logs, summaries, artifacts and URLs.

Pure: parsed YAML in, findings out. Commands that are not known here are taken to keep what they get.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.shell_commands import (
    Command,
    commands,
    variables,
)

NAMED = 5
"""Variables that one finding names."""
PATHS = 100
"""Paths of one upload that are compared."""
_EXPRESSION = re.compile(r"\$\{\{((?:(?!\$\{\{).)*?)\}\}", re.DOTALL)
"""It begins at the last ``${{`` before the end, so that a line of nothing else is read once."""
_COMPARED = re.compile(
    r"secrets\s*\.\s*\w+\s*[!=]=\s*('[^']*'|[\w.]+)|('[^']*'|(?<![\w.])[\w.]+)\s*[!=]=\s*secrets\s*\.\s*\w+"
)
_SECRET = re.compile(r"\bsecrets\s*(?:\.\s*(\w+)|\[\s*['\"](\w+)|(?=[\s)\]]|$))")
_MARK = re.compile("\1(\\w*)\1")
"""Stands for an expression, which GitHub fills in before the shell reads its quotes."""
_PRINTERS = ("echo", "printf", "print", "write-output", "write-host")
_FILTERS = re.compile(
    r"base64|base32|rev|sed|tr|xxd|tee|cut|head|tail|cat|fold|od|hexdump|awk|grep|sort|uniq|tac|nl|strings|jq|yq|"
    r"envsubst|gzip|column|paste|python3?|node|ruby|perl|less|more"
)
"""What they get, they give on."""
_PROGRAMS = ("python", "python3", "node", "ruby", "perl", "php")
_PRINT_CALL = re.compile(r"print|console\.log|puts|echo|stdout")
_ALL = re.compile(r"(?:env|printenv|set|export -p|declare -p|declare -x|compgen -v|export|declare)")
_TRACE = re.compile(r"-\w*x\w*|xtrace")
_PASSED = re.compile(r"-p|--?(?:pass\w*|token|secret|api[-_]?key)", re.IGNORECASE)
Spotted = Iterator[tuple[str, int, str]]


def of_expression(text: str) -> str:
    """The secret that an expression gives, or empty; a comparison with one gives none."""
    for expression in _EXPRESSION.findall(text):
        match = _SECRET.search(_COMPARED.sub("", expression))
        if match:
            return f"secrets.{match[1] or match[2]}" if match[1] or match[2] else "secrets"
    return ""


@dataclass
class Taint:
    """What holds secrets, at one point of a job."""

    names: dict[str, str] = field(default_factory=dict)
    """Variables, with what to call each."""
    files: dict[str, str] = field(default_factory=dict)

    def of(self, text: str) -> str:
        """What of it a text holds, or empty."""
        mark = _MARK.search(text)
        if mark:
            return f"secrets.{mark[1]}".rstrip(".")
        return next((self.names[name] for name in variables(text) if name in self.names), "")

    def named(self) -> str:
        names = sorted(name for name in self.names)
        return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def findings(node: Any, names: Mapping[str, str] | None = None) -> Spotted:
    """``names``: variables that hold secrets at this place."""
    if isinstance(node, list):
        taint = Taint(dict(names or {}))
        for item in node:
            yield from _step(item, taint) if isinstance(item, Mapping) else findings(item, names)
    elif isinstance(node, Mapping) and isinstance(node.get("run"), str):
        yield from _step(node, Taint(dict(names or {})))
    elif isinstance(node, Mapping):
        inner = {**(names or {}), **_from_secrets(node)}
        for value in node.values():
            yield from findings(value, inner)


def _from_secrets(node: Mapping[str, Any]) -> dict[str, str]:
    env = node.get("env")
    entries = env.items() if isinstance(env, Mapping) else ()
    return {str(name): f"${name}" for name, value in entries if isinstance(value, str) and of_expression(value)}


def _step(step: Mapping[str, Any], taint: Taint) -> Spotted:
    own = Taint({**taint.names, **_from_secrets(step)}, taint.files)
    for value in step.values():
        if isinstance(value, (list, Mapping)):
            yield from findings(value, own.names)
    script, shell, uses = step.get("run"), str(step.get("shell", "")), str(step.get("uses", ""))
    if isinstance(script, str):
        line = getattr(script, "line", 0) + (1 if "\n" in script else 0)
        text = _EXPRESSION.sub(_marked, script)
        holds = bool(own.names) or bool(_MARK.search(text))
        if holds and any(map(_TRACE.fullmatch, shell.split()[1:])):
            yield "echo", getattr(step["shell"], "line", line), "the shell prints each command, with secrets in it"
        yield from _script(text, line, own, taint, holds)
    if uses.startswith("actions/upload-artifact@"):
        yield from _uploaded(step.get("with"), own)


def _marked(match: re.Match[str]) -> str:
    secret = of_expression(match[0])
    return (f"\1{secret.partition('.')[2]}\1" if secret else "EXPRESSION") + "\n" * match[0].count("\n")


def _uploaded(given: Any, taint: Taint) -> Spotted:
    path = given.get("path", "") if isinstance(given, Mapping) else ""
    for part in str(path).split()[:PATHS]:
        for file, secret in taint.files.items():
            inside = part in (".", "./", "*", "**", "${{ github.workspace }}") or file == part
            if inside or file.startswith(part.rstrip("*/") + "/"):
                yield "echo", getattr(path, "line", 0), f"uploads {file}, which holds {secret}"


def _script(text: str, line: int, taint: Taint, job: Taint, holds: bool) -> Spotted:
    flowing = ""
    for command in commands(text, line):
        arguments = command.arguments
        for name, value in command.assignments:
            secret = taint.of(value)
            if secret:
                taint.names[name] = f"${name}"
        if not arguments:
            continue
        for message in _exposed(command, arguments, taint, holds):
            yield "echo", command.line, message
        flowing = _output(command, arguments, flowing, taint)
        if flowing and (not command.piped or arguments[0] == "tee"):
            message = _arrives(command, arguments, flowing, taint, job)
            if message:
                yield "echo", command.line, message
        if not command.piped:
            flowing = ""


def _exposed(command: Command, arguments: list[str], taint: Taint, holds: bool) -> Iterator[str]:
    name = arguments[0]
    if holds and name in ("set", "bash", "sh") and any(map(_TRACE.fullmatch, arguments[1:])):
        yield "the shell prints each command, with secrets in it"
    for before, word in zip(["", *arguments[:-1]], arguments, strict=True):
        secret = taint.of(word)
        if not secret or name in _PRINTERS or word is arguments[0]:
            continue
        address = word.partition("://")[2]
        if taint.of(address.partition("/")[0].rpartition("@")[0]) or taint.of(address.partition("?")[2]):
            yield f"puts {secret} into a URL"
        elif _PASSED.fullmatch(before) or re.match(_PASSED.pattern + r"=?[$\1]", word, re.IGNORECASE):
            yield f"gives {secret} as an argument, which other processes see"


def _output(command: Command, arguments: list[str], flowing: str, taint: Taint) -> str:
    """The secret that a command gives out, or empty."""
    name, rest = arguments[0].lower(), " ".join(arguments[1:])
    if taint.names and _ALL.fullmatch(" ".join(arguments)):
        return f"the variables, {taint.named()} among them"
    if name == "printenv":
        shown = [word for word in arguments[1:] if word in taint.names]
        return f"the variables, {', '.join(shown)} among them" if shown else ""
    if name in _PRINTERS:
        return "" if "::add-mask::" in rest else taint.of(rest)
    if name in _PROGRAMS and _PRINT_CALL.search(rest):
        code = rest.replace("\0", "$")
        return taint.of(rest) or next(
            (taint.names[word] for word in re.findall(r"\w+", code) if word in taint.names), ""
        )
    if _FILTERS.fullmatch(name):
        files = [taint.files[word] for word in arguments[1:] if word in taint.files]
        return flowing or taint.of(command.given) or (files[0] if files else "")
    return ""


def _arrives(command: Command, arguments: list[str], secret: str, taint: Taint, job: Taint) -> str:
    """What is wrong with the place that a secret gets to; a file is remembered."""
    target = command.target
    if arguments[0] == "tee":
        taint.files.update({word: secret for word in arguments[1:] if not word.startswith("-")})
    if "GITHUB_STEP_SUMMARY" in " ".join([target, *(arguments if arguments[0] == "tee" else ())]):
        return f"writes {secret} into the summary of the step"
    if "GITHUB_ENV" in target:
        for name in re.findall(r"(\w+)=", " ".join(arguments[1:])):
            job.names[name] = f"${name}"
    if not target or re.fullmatch(r"/dev/(stdout|stderr|tty)", target):
        return "" if command.piped and arguments[0] != "tee" else f"prints {secret}"
    taint.files[target] = secret
    return ""
