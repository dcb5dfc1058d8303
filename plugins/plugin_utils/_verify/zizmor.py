# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Offline findings of zizmor in workflows. Its quotes of them are left out: they may hold values."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import bounded_program
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds

NAME = "zizmor"
REMEDY = "install zizmor (pip install zizmor, or brew install zizmor)"
SECONDS = 60
"""Time limit of a run."""
BY_HAND = "zizmor --offline --strict-collection ."
_ARGUMENTS = ("--offline", "--format=json", "--no-exit-codes", "--no-progress", "--color=never", "--quiet")
CONFIGURATIONS = (".github/zizmor.yml", ".github/zizmor.yaml", "zizmor.yml", "zizmor.yaml")
"""A repository's own configurations."""
OTHERS = (".github/dependabot.yml", ".github/dependabot.yaml", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml")
"""Files that zizmor reads besides workflows and composite actions."""
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
"""Environment variables that zizmor gets: no token, so no request can use one."""


def installed() -> str | None:
    """Path of zizmor: on PATH, or beside this Python, as in a virtual environment."""
    return shutil.which(NAME) or shutil.which(NAME, path=os.path.dirname(sys.executable))


def run_zizmor(copy: str, *, config: str = "", program: str | None = None, seconds: float = SECONDS) -> dict[str, Any]:
    """Findings in a folder of copies, and problems. Raises ScanError.

    ``config`` is the repository's own; no other configuration counts.
    """
    program = program or installed()
    if program is None:
        raise ScanError(f"zizmor is not installed on the controller; {REMEDY}")
    command = [program, *_ARGUMENTS, *(("--config", config) if config else ("--no-config",))]
    code, text = _ran([*command, "--strict-collection", "."], copy, seconds)
    problems = []
    if code != 0:
        # In strict mode, one unreadable file keeps zizmor from all others.
        problems = [f"zizmor cannot read every workflow; see which: {BY_HAND}"]
        code, text = _ran([*command, "."], copy, seconds)
    results = findings(text) if code == 0 else None
    if results is None:
        raise ScanError(f"zizmor ended with exit code {code}; run it in the repository by hand to see why: {BY_HAND}")
    return {"findings": results, "not_checked": problems, "accepted": 0}


def findings(text: bytes) -> list[dict[str, Any]] | None:
    """Place and message of each finding. None if the text is not an answer of zizmor."""
    try:
        answer = json.loads(text)
        return sorted(
            (_finding(item) for item in answer if not item.get("ignored")),
            key=lambda finding: (finding["path"], finding["line"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _finding(entry: Mapping[str, Any]) -> dict[str, Any]:
    path, line = _place(entry["locations"])
    severity = str(entry["determinations"]["severity"]).lower()
    # Other fields quote the workflow.
    message = f"{entry['ident']} ({severity}): {entry['desc']}"
    return {"path": path, "line": line, "message": message, "opens": bool(path), "audit": str(entry["ident"])}


def _place(locations: list[Mapping[str, Any]]) -> tuple[str, int]:
    primary = [location for location in locations if location["symbolic"].get("kind") == "Primary"] or locations
    if not primary:
        return "", 0
    key = primary[0]["symbolic"]["key"].get("Local") or {}
    path = os.path.normpath(str(key.get("verbatim_path", ""))) if key.get("verbatim_path") else ""
    return path, int(primary[0]["concrete"]["location"]["start_point"]["row"]) + 1


def _ran(command: list[str], copy: str, seconds: float) -> tuple[int, bytes]:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    bounds = Bounds(idle=seconds, seconds=seconds)
    try:
        return 0, bounded_program.output_of(command, environment=environment, cwd=copy, bounds=bounds, label=NAME)
    except bounded_program.Failed as error:
        return error.code, b""
    except bounded_program.NotStarted as error:
        raise ScanError(f"{error}; {REMEDY}") from None
    except ScanError as error:
        raise ScanError(f"{error}; run it in the repository by hand: {BY_HAND}") from None
