#!/usr/bin/env python3
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes docs/catalog.schema.json, by which editors complete a catalog. With --check: exits 1 if it is stale."""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "plugins" / "module_utils" / "_core" / "catalog_schema.py"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is stale")
    parser.add_argument("--file", type=Path, default=ROOT / "docs" / "catalog.schema.json", help="another file")
    options = parser.parse_args()
    # The catalog itself is one variable of a file of variables, and editors see the file.
    sys.path.insert(0, str(ROOT / "playbooks" / "collections"))
    schema = runpy.run_path(str(SOURCE))["SCHEMA"]
    document = {
        "$schema": schema["$schema"],
        "title": schema["title"],
        "type": "object",
        "properties": {
            "secrets_catalog": {key: value for key, value in schema.items() if key not in ("$schema", "$defs")}
        },
        "required": ["secrets_catalog"],
        "$defs": schema["$defs"],
    }
    text = json.dumps(document, indent=2) + "\n"
    current = options.file.read_text(encoding="utf-8") if options.file.exists() else None
    if current == text:
        return 0
    if options.check:
        print(f"{options.file} is stale; run scripts/write_schema.py", file=sys.stderr)
        return 1
    options.file.write_text(text, encoding="utf-8")
    print(f"wrote {options.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
