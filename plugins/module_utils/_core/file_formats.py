# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The formats of files with settings. Standard library only; Python 3.8."""

from __future__ import annotations

import json
import re
from typing import Callable, Dict, Mapping, Match, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError

DOTENV, JSON, YAML, VALUE, CREDENTIAL = "dotenv", "json", "yaml", "value", "systemd_credential"
SINGLE = (VALUE, CREDENTIAL)
"""Formats of one setting."""
_SURROGATE = re.compile("[\ud800-\udfff]")

Settings = Mapping[str, str]


def rendered(file_format: str, settings: Settings, readers: Sequence[str], header: str) -> str:
    """The file's text. Raises DotenvError for a value that the format cannot hold."""
    for name, value in sorted(settings.items()):
        if problem(file_format, name, value, readers):
            raise DotenvError("%s: %s" % (name, problem(file_format, name, value, readers)))
    return _RENDERERS[file_format](settings, readers, header)


def problem(file_format: str, name: str, value: str, readers: Sequence[str]) -> str:
    """The reason why the format cannot hold the value, to follow the setting's name. Empty if it can."""
    if _SURROGATE.search(value):
        return "holds half a surrogate pair, which UTF-8 cannot express; correct the value in its store"
    if file_format != DOTENV:
        return ""
    try:
        dotenv.spell(name, value, readers)
    except dotenv.Unspellable as error:
        return error.why
    except DotenvError as error:
        return str(error).partition(": ")[2] or str(error)
    return ""


def _dotenv(settings: Settings, readers: Sequence[str], header: str) -> str:
    return dotenv.to_dotenv(settings, readers=readers, header=header)


def _json(settings: Settings, _readers: Sequence[str], _header: str) -> str:
    return json.dumps(settings, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _yaml(settings: Settings, _readers: Sequence[str], header: str) -> str:
    lines = ['"%s": "%s"\n' % (name, _escaped(settings[name])) for name in sorted(settings)]
    return "# %s\n%s" % (header, "".join(lines))


def _escaped(value: str) -> str:
    """Escapes a value for double quotes, in which YAML can escape every character."""
    return "".join(_CHARACTERS.get(each) or (each if _is_plain(each) else "\\u%04x" % ord(each)) for each in value)


_CHARACTERS = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _is_plain(character: str) -> bool:
    """Whether YAML needs no escape. Above U+FFFF it never does, and its own escape would hide a value from searches."""
    return character.isprintable() or ord(character) > 0xFFFF


def _value(settings: Settings, _readers: Sequence[str], _header: str) -> str:
    (value,) = settings.values()
    return value


_RENDERERS: Dict[str, Callable[[Settings, Sequence[str], str], str]] = {
    DOTENV: _dotenv,
    JSON: _json,
    YAML: _yaml,
    VALUE: _value,
    CREDENTIAL: _value,
}
"""A renderer by format. The host encrypts a credential, because only the host has the key."""
FORMATS = tuple(_RENDERERS)


def parsed(file_format: str, text: str, readers: Sequence[str], names: Sequence[str]) -> Dict[str, str]:
    """The settings of a file. ``names`` are the expected ones. Raises ValueError or DotenvError."""
    if file_format == DOTENV:
        return dotenv.from_dotenv(text, readers)
    if file_format == JSON:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("no mapping")
        return {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in data.items()}
    if file_format == YAML:
        return dict(_yaml_line(line) for line in text.splitlines() if not line.startswith("#"))
    return {names[0]: text}


_YAML_LINE = re.compile(r'"([^"\\]+)": "((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def _yaml_line(line: str) -> Tuple[str, str]:
    """Parses a line of :func:`_yaml`."""
    match = _YAML_LINE.fullmatch(line)
    if not match:
        raise ValueError("no line of ours")
    return match.group(1), _ESCAPE.sub(_unescaped, match.group(2))


def _unescaped(match: Match[str]) -> str:
    code = match.group(1)
    return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPED.get(code, code)
