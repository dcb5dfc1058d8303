# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Version and dependencies of an installed collection."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import yaml

OURS = "watchparty.secrets"


def folders(name: str) -> list[Path]:
    return [Path(folder) for folder in importlib.import_module(f"ansible_collections.{name}").__path__]


def metadata(name: str = OURS) -> dict[str, Any]:
    for folder in folders(name):
        if (folder / "MANIFEST.json").is_file():
            manifest = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))
            return dict(manifest["collection_info"])
        if (folder / "galaxy.yml").is_file():
            return dict(yaml.safe_load((folder / "galaxy.yml").read_text(encoding="utf-8")))
    return {}
