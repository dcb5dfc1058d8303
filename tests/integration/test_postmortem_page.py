# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The post-mortem's page in a real browser: drawn, in light and dark, without a word of complaint or a request."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports.pages import postmortem as page
from tests.unit.plugins.plugin_utils._leak.postmortem_facts import IMPACT, chain, facts

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((browser for browser in map(shutil.which, BROWSERS) if browser), None)
SCHEMES = {"light": (1, (0xFB, 0xFA, 0xF8)), "dark": (0, (0x14, 0x17, 0x1C))}
"""Blink's number of each, and the page's ground."""
ODD = "<script>console.error('ran')</script><img src=http://127.0.0.1:9/x>"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason=f"no browser is installed (one of {', '.join(BROWSERS)})"),
]


@dataclass(frozen=True)
class Seen:
    dom: str
    console: list[str]
    requests: list[str]
    ground: tuple[int, ...]


def opened(folder: Path, document: str, scheme: str = "light") -> Seen:
    """What the browser makes of the document: its elements, and a picture."""
    path, picture, log = folder / "leak.html", folder / "page.png", folder / "net.json"
    path.write_text(document, encoding="utf-8")
    command = [
        str(BROWSER),
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        # What the browser asks on its own account leaves this machine no more than what the page asks.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--enable-logging=stderr",
        "--window-size=1100,1400",
        f"--user-data-dir={folder / 'profile'}",
        f"--blink-settings=preferredColorScheme={SCHEMES[scheme][0]}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        *("--dump-dom", f"--log-net-log={log}", f"--screenshot={picture}", path.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    return Seen(
        dom=done.stdout,
        console=[line for line in done.stderr.splitlines() if "CONSOLE" in line],
        requests=_asked(log),
        ground=_first_pixel(picture.read_bytes()),
    )


def _asked(log: Path) -> list[str]:
    """Every request that began because of a page, as the browser's own record says."""
    document = json.loads(log.read_text(encoding="utf-8"))
    began = document["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    messages = [event["params"] for event in document["events"] if event["type"] == began and "params" in event]
    return sorted(
        {message["url"] for message in messages if "url" in message and message.get("initiator") != "not an origin"}
    )


def _first_pixel(png: bytes) -> tuple[int, ...]:
    data, at = b"", 8
    while at < len(png):
        length, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    # The first byte names a filter; none of them changes a picture's first pixel.
    return tuple(zlib.decompress(data)[1:4])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_is_drawn_and_asks_for_nothing(tmp_path: Path, scheme: str) -> None:
    seen = opened(tmp_path, page(facts(ODD)), scheme)
    assert seen.console == []
    assert seen.requests == []
    assert seen.dom.count("<rect ") == len(IMPACT.reached) + 1
    assert seen.dom.count('class="edge"') == len(IMPACT.edges)
    assert "<script" not in seen.dom
    assert "<img" not in seen.dom
    assert "40.0 s" in seen.dom
    assert seen.ground == SCHEMES[scheme][1]


def test_names_that_are_markup_are_drawn_as_they_are(tmp_path: Path) -> None:
    seen = opened(tmp_path, page(facts(impact=chain(ODD, "</svg>", "c"))))
    assert (seen.console, seen.requests) == ([], [])
    assert seen.dom.count("<rect ") == 3
    assert "<script" not in seen.dom


def test_what_is_looked_at_would_show_it(tmp_path: Path) -> None:
    """Without the page's policy and its escapes, the same browser complains and asks."""
    seen = opened(tmp_path, f"<!doctype html><body>{ODD}</body>")
    assert [line for line in seen.console if "ran" in line]
    assert seen.requests == ["http://127.0.0.1:9/x"]
    (policy,) = re.findall("<meta http-equiv=.Content-Security-Policy[^>]*>", page(facts()))
    held = opened(tmp_path, f"<!doctype html><head>{policy}</head><body>{ODD}</body>")
    assert held.requests == []
    assert len([line for line in held.console if "Content Security Policy" in line]) == 2
