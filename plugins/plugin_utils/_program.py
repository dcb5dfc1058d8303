# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One of our module_utils, with all of ours that it imports, as one file that any Python runs: a zip application."""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.watchparty.secrets.plugins import module_utils

PACKAGE = "ansible_collections.watchparty.secrets.plugins.module_utils"
ROOT = Path(next(iter(module_utils.__path__)))
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The same sources make the same bytes, so that a second run changes nothing."""


def sources(entry: str) -> dict[str, str]:
    """The module of this name and all that it imports of the package, by full name."""
    found: dict[str, str] = {}
    waiting = [f"{PACKAGE}.{entry}"]
    while waiting:
        name = waiting.pop()
        path = _path_of(name)
        if name in found or path is None:
            continue
        found[name] = path.read_text(encoding="utf-8")
        waiting += _imported(found[name])
    return found


def zipped(entry: str) -> bytes:
    """The program; ``entry`` has a ``main`` that returns the exit code."""
    files = {name.replace(".", "/") + ".py": text for name, text in sources(entry).items()}
    for path in list(files):
        parts = path.split("/")[:-1]
        files |= {"/".join((*parts[:depth], "__init__.py")): "" for depth in range(1, len(parts) + 1)}
    files["__main__.py"] = f"from {PACKAGE}.{entry} import main\n\nraise SystemExit(main())\n"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(files):
            archive.writestr(zipfile.ZipInfo(path, EPOCH), files[path])
    return made.getvalue()


def _path_of(name: str) -> Path | None:
    """The file of a module, or None for a package or for a name inside a module."""
    path = ROOT.joinpath(*name[len(PACKAGE) + 1 :].split(".")).with_suffix(".py")
    return path if path.is_file() else None


def _imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
