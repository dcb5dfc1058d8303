#!/usr/bin/env python3
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes docs/catalog.schema.json, by which editors complete a catalog, and the schemas of events and verify.json.

With --check: writes nothing, and exits 1 if a file is stale.
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "plugins"
BASE = "https://raw.githubusercontent.com/watchparty/secrets/main/docs/"
"""Address of the published copies, which is their $id."""
CATALOG = "catalog.schema.json"
OTHERS = {
    "command.schema.json": ROOT / "scripts" / "commands" / "schemas.py",
    "events.schema.json": PLUGINS / "plugin_utils" / "_audit" / "events.py",
    "verification.schema.json": PLUGINS / "plugin_utils" / "_verify" / "report_schema.py",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs", help="another folder")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "playbooks" / "collections"))
    stale = 0
    for name, document in {CATALOG: catalog(), **others()}.items():
        file, text = options.folder / name, json.dumps(identified(document, name), indent=2) + "\n"
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        stale = 1
        if options.check:
            print(f"{file} is stale; run scripts/write_schema.py", file=sys.stderr)
        else:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {file}")
    return stale if options.check else 0


def identified(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {"$schema": document["$schema"], "$id": BASE + name, **document}


def catalog() -> dict[str, Any]:
    """Schema of a variables file, because editors see the file, and the catalog is one of its variables."""
    schema = runpy.run_path(str(PLUGINS / "module_utils" / "_core" / "catalog_schema.py"))["SCHEMA"]
    return {
        "$schema": schema["$schema"],
        "title": schema["title"],
        "type": "object",
        "properties": {
            "secrets_catalog": {key: value for key, value in schema.items() if key not in ("$schema", "$defs")}
        },
        "required": ["secrets_catalog"],
        "$defs": schema["$defs"],
    }


def others() -> dict[str, dict[str, Any]]:
    return {name: dict(runpy.run_path(str(path))["SCHEMA"]) for name, path in OTHERS.items()}


if __name__ == "__main__":
    sys.exit(main())
