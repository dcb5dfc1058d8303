# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that a deploy can write a value: every reader of its file must read it back exactly."""

from __future__ import annotations

import json
from typing import Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_files, dotenv, file_formats
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Setting
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError


def problem(catalog: Catalog, setting: Setting, name: str, value: str) -> Optional[str]:
    """The reason why a deploy cannot write the value, to follow the setting's name. Never contains the value. None if
    it can.

    ``name`` is the setting's own, or one that its pattern matches.
    """
    if not setting.rendered:
        return None
    for file in catalog_files.holders(catalog.files.values(), name):
        why = file_formats.problem(file.format, name, value, file.readers or catalog.readers)
        if why:
            return f"files.{file.name}: {why}" + (_as_file(name) if file.format == file_formats.DOTENV else "")
    return _in_env(catalog, setting, name, value) if catalog_files.is_in_env(catalog.files.values(), name) else None


def _in_env(catalog: Catalog, setting: Setting, name: str, value: str) -> Optional[str]:
    try:
        dotenv.spell(name, value, catalog.readers)
    except dotenv.Unspellable as error:
        if setting.type == "json" and dotenv.capable(name, _on_one_line(value), catalog.readers) == catalog.readers:
            return f"{error.why}. Write the JSON on one line"
        return f"{error.why}. {error.remedy(' in the catalog')}{_as_file(name)}"
    except DotenvError as error:
        return str(error).partition(": ")[2] or str(error)
    return None


def _as_file(name: str) -> str:
    """The remedy: an entry of the catalog that gives the value its own file."""
    entry = "{path: %s, format: value, settings: [%s]}" % (name.lower(), name)
    return f". Or give it a file of its own in the catalog: files: {{{name.lower()}: {entry}}}"


def _on_one_line(value: str) -> str:
    try:
        return json.dumps(json.loads(value), ensure_ascii=False)
    except (ValueError, RecursionError):
        return value
