# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks hosts' answers: a compromised host may send anything, but only its declared report passes.

Each program for hosts declares its return values beside its ARGUMENT_SPEC:

    RETURNS = {"path": str, "mode?": str, "health?": [{"url": str, "status": int}], "changed_at": (str, None)}

A key that ends in ``?`` may be missing. ``str`` is one line of text, ``TEXT`` several. A set lists the allowed words.
``(shape, None)`` may be null. ``{str: shape}`` is a mapping with any names. Undeclared keys are refused.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Any, NoReturn

from ansible.vars.clean import strip_internal_keys

TEXT = "text"
ADDRESS = "address"
"""Shape of a host's own address. No network passes, because sessions from there count as the application's."""
COMMON: Mapping[str, Any] = {"changed": bool, "failed?": bool, "msg?": TEXT}
"""Keys that every program may return."""
LARGEST_ANSWER = 8 * 1024 * 1024
LONGEST_LINE = 8192
LONGEST_TEXT = 65536
MOST_ITEMS = 10000
MOST_ADDRESSES = 256
LARGEST_NUMBER = 2**63
SHOWN = 300
REJECTED = "its answer was rejected"


class BadAnswer(Exception):
    """Raised for an answer that the program never returns. The message names the place, but no content."""


def printable(text: str, *, lines: bool = False) -> str:
    """Removes terminal escapes, other controls (C0 and C1), and marks that reorder or hide text.

    ``lines`` keeps line breaks.
    """
    if text.isprintable():
        return text
    return "".join(_character(name, lines) for name in text)


def _character(name: str, lines: bool) -> str:
    if name.isprintable() or (lines and name == "\n"):
        return name
    return " " if name.isspace() else ""


def parsed(stdout: str, returns: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer on the last line. None without one. Raises BadAnswer.

    A login script or sudo may have written before it.
    """
    answer = _last_line(stdout)
    return checked(answer, returns) if isinstance(answer, dict) else None


def _last_line(stdout: str) -> Any:
    """The last line's JSON value. None without one. Raises BadAnswer."""
    if len(stdout) > LARGEST_ANSWER:
        raise BadAnswer(f"it is longer than {LARGEST_ANSWER // 1024 // 1024} MiB")
    try:
        return json.loads(stdout.strip().rpartition("\n")[2])
    except ValueError:
        return None
    except RecursionError:
        raise BadAnswer("it is nested too deeply") from None


def parsed_each(stdout: str, returns: Mapping[str, Any], most: int) -> list[dict[str, Any]] | None:
    """The result of each act, with the seconds that it ``took``. None without an answer. Raises BadAnswer."""
    answer = _last_line(stdout)
    if not isinstance(answer, dict) or set(answer) != {"results"}:
        return None
    items = _bounded(answer["results"], list, "results", most)
    results = []
    for at, item in enumerate(items):
        entry = _bounded(item, dict, f"results[{at}]")
        if set(entry) != {"took", "result"}:
            _refuse(f"results[{at}]", "lacks took or result, or has other keys")
        result = checked(_bounded(entry["result"], dict, f"results[{at}]"), returns)
        results.append({**result, "took": _shaped(entry["took"], float, f"results[{at}].took")})
    return results


def checked(answer: Mapping[str, Any], returns: Mapping[str, Any]) -> dict[str, Any]:
    """The answer with printable text only. Raises BadAnswer unless it has the declared shape.

    A failure may lack keys.
    """
    shape = {**COMMON, **returns}
    if isinstance(answer.get("failed"), bool) and answer["failed"]:
        shape = {name if name.endswith("?") else f"{name}?": expected for name, expected in shape.items()}
    clean: dict[str, Any] = strip_internal_keys(_mapping(answer, shape, ""))
    return clean


def _shaped(value: Any, shape: Any, at: str) -> Any:
    if isinstance(shape, tuple):
        return None if value is None else _shaped(value, shape[0], at)
    if isinstance(shape, list):
        most = MOST_ADDRESSES if shape[0] == ADDRESS else MOST_ITEMS
        return [_shaped(item, shape[0], f"{at}[]") for item in _bounded(value, list, at, most)]
    if isinstance(shape, Mapping):
        return _mapping(value, shape, at)
    if shape == ADDRESS:
        return _address(value, at)
    if shape in (str, TEXT) or isinstance(shape, (set, frozenset)):
        return _text(value, shape, at)
    return _plain(value, shape, at)


def _mapping(value: Any, shape: Mapping[Any, Any], at: str) -> dict[str, Any]:
    mapping = _bounded(value, dict, at)
    if str in shape:
        return {_text(name, str, at): _shaped(item, shape[str], f"{at}.*") for name, item in mapping.items()}
    shapes = {name.rstrip("?"): expected for name, expected in shape.items()}
    foreign = [name for name in mapping if name not in shapes]
    if foreign:
        _refuse(at, f"has an unexpected key: {printable(foreign[0])[:40]}")
    missing = [name for name in shape if not name.endswith("?") and name not in mapping]
    if missing:
        _refuse(at, f"lacks {missing[0]}")
    return {name: _shaped(item, shapes[name], f"{at}.{name}".lstrip(".")) for name, item in mapping.items()}


def _bounded(value: Any, kind: type[list[Any]] | type[dict[str, Any]], at: str, most: int = MOST_ITEMS) -> Any:
    if not isinstance(value, kind):
        _refuse(at, "has the wrong type")
    if len(value) > most:
        _refuse(at, f"has more than {most} items")
    return value


def _address(value: Any, at: str) -> str:
    text = _text(value, str, at)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        _refuse(at, "is not an address of one host")
    if address.is_unspecified or address.is_multicast:
        _refuse(at, "is not an address of one host")
    return text


def _text(value: Any, shape: Any, at: str) -> str:
    if not isinstance(value, str):
        _refuse(at, "has the wrong type")
    if isinstance(shape, (set, frozenset)) and value not in shape:
        _refuse(at, "is not an expected word")
    longest = LONGEST_TEXT if shape == TEXT else LONGEST_LINE
    clean = printable(value[:longest], lines=shape == TEXT)
    return clean if len(value) <= longest else f"{clean}…"


def _plain(value: Any, shape: type, at: str) -> Any:
    """A Boolean or a number. JSON's true is not a number here."""
    if shape is bool or isinstance(value, bool):
        if not (shape is bool and isinstance(value, bool)):
            _refuse(at, "has the wrong type")
        return value
    if not isinstance(value, int if shape is int else (int, float)):
        _refuse(at, "has the wrong type")
    if not abs(value) < LARGEST_NUMBER:  # also refuses NaN
        _refuse(at, "is too large")
    return value


def _refuse(at: str, problem: str) -> NoReturn:
    raise BadAnswer(f"{at or 'it'} {problem}")
