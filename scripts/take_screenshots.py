#!/usr/bin/env python3
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes the documentation's screenshots with Chromium: both reports with their tests' data, and the tutorial's rotation
in a terminal. Run it after a change to these pages: scripts/take_screenshots.py"""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "playbooks" / "collections")]

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import pages  # noqa: E402
from tests.unit.plugins.plugin_utils._leak import postmortem_facts  # noqa: E402
from tests.unit.plugins.plugin_utils._verify import verify_facts  # noqa: E402

IMAGES = ROOT / "docs" / "images"
TUTORIAL = ROOT / "docs" / "tutorials" / "first-rotation.md"
LARGEST = 150_000
"""Limit of a picture's bytes."""
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body{margin:0;background:#14171c;color:#e4e7eb}
pre{margin:20px;font:15px/1.5 "DejaVu Sans Mono",monospace;white-space:pre-wrap}
b{color:#8ab4f8;font-weight:normal}i{color:#f6c177;font-style:normal}u{color:#7ddc9a;text-decoration:none}
</style><pre>%s</pre>"""


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    screenshots = {
        "verification": (pages.verification(verify_facts.found()), 880),
        "post-mortem": (pages.postmortem(contained()), 1020),
        "rotation": (TERMINAL % terminal(), 400),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, (document, height) in screenshots.items():
            page, picture = Path(folder, f"{name}.html"), IMAGES / f"{name}.png"
            page.write_text(document, encoding="utf-8")
            take(page, picture, height)
            if picture.stat().st_size > LARGEST:
                sys.exit(f"{picture} has more than {LARGEST} bytes; make it smaller")
            print(f"wrote {picture}")


def contained() -> dict[str, object]:
    """Facts of a leak without an open item."""
    facts = postmortem_facts.facts()
    clock = {**facts["clock"], "purged": 40.6, "sessions": 41.1}
    closed = {"state": "replaced, the old value is rejected", "open": False}
    return {**facts, "clock": clock, "open": [], "credentials": [{**item, **closed} for item in facts["credentials"]]}


def terminal() -> str:
    section = TUTORIAL.read_text(encoding="utf-8").partition("## 3. Rotate")[2]
    command, output = re.findall(r"```(?:bash)?\n(.+?)\n```", section, re.DOTALL)[:2]
    text = re.sub(r"(?m)^(\d\d:\d\d:\d\d)(  \S+)", r"<i>\1</i><b>\2</b>", html.escape(output, quote=False))
    return f"$ {html.escape(command)}\n" + re.sub(r"(?m)^hosts: \d.*", r"<u>\g<0></u>", text)


def take(page: Path, picture: Path, height: int) -> None:
    command = ["chromium", "--headless", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
    command += ["--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += [f"--window-size=1000,{height}", f"--user-data-dir={page.parent / 'profile'}"]
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    subprocess.run([*command, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True, timeout=240)


if __name__ == "__main__":
    main()
