# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The content of ``.env.example``: every setting of a ``.env``, with placeholders only."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Setting

HEADER = (
    "# Settings for local development. Copy to .env and fill in what you use; never put a real secret into this file.\n"
    "# Generated from the catalog: change it there.\n"
)
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,@+=-")


def env_example(catalog: Catalog) -> str:
    """The file, by category in the catalog's order. A setting without an example is a comment."""
    groups: dict[str, list[Setting]] = {}
    for setting in catalog.settings.values():
        if setting.rendered and not setting.is_pattern:
            groups.setdefault(setting.category, []).append(setting)
    blocks = [
        "\n".join([f"# {_one_line(category)}", *(_line(setting, catalog.readers) for setting in group)])
        for category, group in groups.items()
    ]
    return HEADER + "".join(f"\n{block}\n" for block in blocks)


def _line(setting: Setting, readers: Sequence[str]) -> str:
    if setting.example is None:
        return f"#{setting.name}=" + (f"  {_one_line(setting.description)}" if setting.description else "")
    if set(setting.example) <= _PLAIN:
        return f"{setting.name}={setting.example}"
    return dotenv.spell(setting.name, setting.example, readers)


def _one_line(text: str) -> str:
    return " ".join(text.split())
