# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks a document against the part of JSON Schema that the catalog uses.

The schema stays plain JSON Schema, so that editors can read it. Title and description are ignored. A keyword without an
implementation is an error.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Iterator

_DESCRIBING = {"$schema", "$defs", "title", "description"}
_CHECKED = {
    "type", "enum", "pattern", "minimum", "maximum", "minLength", "minItems", "minProperties", "properties",
    "required", "additionalProperties", "patternProperties", "items", "anyOf", "$ref",
}  # fmt: skip
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list, tuple),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def problems(document: Any, schema: dict[str, Any]) -> list[str]:
    """Problems, each as ``path: problem``. Empty for a valid document."""
    return list(_check(document, schema, schema, ""))


def _is_type(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES[name])


def _check(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    unknown = set(schema) - _DESCRIBING - _CHECKED
    if unknown:
        raise ValueError(f"{path or 'schema'}: keywords that are not implemented: {', '.join(sorted(unknown))}")
    if "$ref" in schema:
        target = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        yield from _check(value, target, root, path)
        return
    types = schema.get("type")
    if types is not None:
        names = [types] if isinstance(types, str) else types
        if not any(_is_type(value, name) for name in names):
            yield f"{path or 'secrets_catalog'}: must be {' or '.join(_WORDS[name] for name in names)}"
            return
    yield from _check_alternatives(value, schema, root, path)
    yield from _check_kind(value, schema, root, path)


def _check_alternatives(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    if "anyOf" in schema:
        yield from _check_any(value, schema["anyOf"], root, path)
    if "enum" in schema and value not in schema["enum"]:
        allowed = ", ".join(str(item) for item in schema["enum"])
        yield f"{path}: must be one of {allowed}{_suggest(value, schema['enum'])}"


def _check_kind(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, str):
        yield from _check_string(value, schema, path)
    elif isinstance(value, int) and not isinstance(value, bool):
        if "minimum" in schema and value < schema["minimum"]:
            yield f"{path}: must be at least {schema['minimum']}"
        if "maximum" in schema and value > schema["maximum"]:
            yield f"{path}: must be at most {schema['maximum']}"
    elif isinstance(value, dict):
        yield from _check_object(value, schema, root, path)
    elif isinstance(value, (list, tuple)):
        if len(value) < schema.get("minItems", 0):
            yield f"{path}: needs at least {schema['minItems']} item(s)"
        if "items" in schema:
            for index, item in enumerate(value):
                yield from _check(item, schema["items"], root, f"{path}[{index}]")


def _matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches. A final ``$`` means the end of the text; in Python, a line break may follow."""
    return bool(re.search(re.sub(r"\$\Z", r"\\Z", pattern), text))


def _check_string(value: str, schema: dict[str, Any], path: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: must not be empty"
    elif "pattern" in schema and not _matches(schema["pattern"], value):
        hint = schema.get("description")
        yield f"{path}: does not match {schema['pattern']}" + (f" ({hint})" if hint else "")


def _check_object(value: dict[Any, Any], schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    known: dict[str, Any] = schema.get("properties", {})
    patterns: dict[str, Any] = schema.get("patternProperties", {})
    extra = schema.get("additionalProperties", True)
    if len(value) < schema.get("minProperties", 0):
        yield f"{path}: must not be empty"
    for name in schema.get("required", []):
        if name not in value:
            yield f"{_join(path, name)}: is required"
    for name, item in value.items():
        where = _join(path, name)
        matched = False
        if name in known:
            matched = True
            yield from _check(item, known[name], root, where)
        for pattern, sub in patterns.items():
            if isinstance(name, str) and _matches(pattern, name):
                matched = True
                yield from _check(item, sub, root, where)
        if matched:
            continue
        if extra is False:
            choices = list(known) or list(patterns)
            hint = _suggest(name, known) or f"; known keys: {', '.join(choices)}"
            yield f"{where}: is not known{hint}"
        elif isinstance(extra, dict):
            yield from _check(item, extra, root, where)


def _check_any(value: Any, branches: list[dict[str, Any]], root: dict[str, Any], path: str) -> Iterator[str]:
    results = [list(_check(value, branch, root, path)) for branch in branches]
    if all(results):
        # The branch that got deepest is probably the intended one; else the one with the fewest problems.
        deepest = max(results, key=lambda results: (max(len(line.split(":")[0]) for line in results), -len(results)))
        if all(len(group) == 1 and group[0].startswith(f"{path}: must be") for group in results):
            yield f"{path}: " + ", or ".join(group[0].split(": ", 1)[1] for group in results)
        else:
            yield from deepest


def _join(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)


def _suggest(value: Any, choices: Any) -> str:
    close = difflib.get_close_matches(str(value), [str(choice) for choice in choices], n=1)
    return f"; did you mean {close[0]}?" if close else ""
