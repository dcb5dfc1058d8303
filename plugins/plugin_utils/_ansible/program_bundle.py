# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bundles a module with its imports of this collection, for one execution or as a zip application.

Computed from imports. A contract test compares them with Python's own view.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.watchparty.secrets.plugins import module_utils

PLUGINS = "ansible_collections.watchparty.secrets.plugins"
PACKAGE = f"{PLUGINS}.module_utils"
"""The package that may run on hosts."""
ROOT = Path(next(iter(module_utils.__path__)))
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Fixed, so that the same sources make the same bytes, and a second run changes nothing."""
_IMPORT = re.compile(rf"^[ \t]*from ({re.escape(PLUGINS)}[\w.]*) import (\([^)]*\)|[^\n(]*)", re.MULTILINE)
"""A pattern instead of the parser, because every task on every host pays for this."""
_NAME = re.compile(r"(\w+)(?:\s+as\s+\w+)?")


def sources(module: ModuleType) -> dict[str, str]:
    """The module and all of ``module_utils`` that it imports, by full name."""
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    return {module.__name__: text, **_closure(imported(text))}


def zipped(entry: str) -> bytes:
    """A zip application of ``entry``, a module of ``module_utils`` whose ``main`` returns the exit code."""
    start = f"from {PACKAGE}.{entry} import main\n\nraise SystemExit(main())\n"
    return _archive(entry, {"__main__.py": start}, 0o600)


def function(entry: str, name: str, configuration: Mapping[str, Any]) -> bytes:
    """A Lambda function whose handler is ``name.handler``; ``entry`` has a ``handler_of`` that takes the configuration.

    AWS Lambda runs it as another account than the files' owner, so everybody may read them.
    """
    text = json.dumps(configuration, sort_keys=True, default=str)
    start = f"import json\n\nfrom {PACKAGE}.{entry} import handler_of\n\nhandler = handler_of(json.loads({text!r}))\n"
    return _archive(entry, {f"{name}.py": start}, 0o644)


def _archive(entry: str, start: Mapping[str, str], mode: int) -> bytes:
    files = {name.replace(".", "/") + ".py": text for name, text in _closure([f"{PACKAGE}.{entry}"]).items()}
    for path in list(files):
        parts = path.split("/")[:-1]
        files |= {"/".join((*parts[:depth], "__init__.py")): "" for depth in range(1, len(parts) + 1)}
    files |= start
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(files):
            info = zipfile.ZipInfo(path, EPOCH)
            info.external_attr = mode << 16
            archive.writestr(info, files[path])
    return buffer.getvalue()


def imported(text: str) -> Iterator[str]:
    """Full names of a source's imports from this collection, including names inside modules.

    For a package, also its files: an imported package is a registry of them.
    """
    for package, names in _IMPORT.findall(text):
        yield package
        for name in _NAME.findall(names):
            folder = ROOT.joinpath(*f"{package}.{name}"[len(PACKAGE) + 1 :].split("."))
            files = folder.glob("[!_]*.py") if folder.is_dir() else ()
            yield from (f"{package}.{name}", *(f"{package}.{name}.{file.stem}" for file in files))


def _closure(names: Iterator[str] | list[str]) -> dict[str, str]:
    closure: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        path = _path_of(name)
        if name in closure or path is None:
            continue
        closure[name] = path.read_text(encoding="utf-8")
        waiting += imported(closure[name])
    return closure


def _path_of(name: str) -> Path | None:
    """The file of a module, or None for a package or for a name inside a module."""
    if not name.startswith(f"{PACKAGE}."):
        return None
    path = ROOT.joinpath(*name[len(PACKAGE) + 1 :].split(".")).with_suffix(".py")
    return path if path.is_file() else None
