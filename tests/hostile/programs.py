# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every program that runs on hosts, found by its ``main``, so that a new one is attacked too."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from sandbox.process import REPOSITORY

ROOT = "ansible_collections.watchparty.secrets.plugins"


def programs() -> list[ModuleType]:
    plugins = REPOSITORY / "plugins"
    paths = sorted([*(plugins / "modules").glob("*.py"), *(plugins / "module_utils" / "_host").rglob("*main.py")])
    named = [path for path in paths if "\ndef main(" in path.read_text(encoding="utf-8")]
    names = [".".join(path.relative_to(plugins).with_suffix("").parts) for path in named]
    return [importlib.import_module(f"{ROOT}.{name}") for name in names]


def sample(shape: Any, text: str) -> Any:
    """An answer of the shape, with ``text`` wherever text may stand; keys that may be missing are there."""
    if isinstance(shape, tuple):
        return sample(shape[0], text)
    if isinstance(shape, list):
        return [sample(shape[0], text)]
    if isinstance(shape, dict):
        return {(text if name is str else name.rstrip("?")): sample(item, text) for name, item in shape.items()}
    if isinstance(shape, (set, frozenset)):
        return sorted(shape)[0]
    return {str: text, "text": text, "address": "192.0.2.7", bool: True, int: 7, float: 0.5}[shape]
