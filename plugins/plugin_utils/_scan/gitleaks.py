# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The search for unknown secrets with gitleaks. Its findings are kept without the secrets."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import bounded_program, git_view
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import git as _git
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan import Scanning
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import PATTERN, Finding

NAME = "gitleaks"
REMEDY = "install gitleaks (apt-get install gitleaks, or brew install gitleaks)"
HISTORY, STAGED, FILES = "history", "staged", "files"
MEMORY = 4 * 1024 * 1024 * 1024
"""Bytes of data that gitleaks may hold, and each git that it starts. GOMEMLIMIT asks gitleaks to keep to half."""
CONFIGURATION = ".gitleaks.toml"
SETTINGS_FILES = (CONFIGURATION, ".gitleaksignore")
"""Files by which a repository configures gitleaks."""
DEFAULT_CONFIGURATION = """[extend]
useDefault = true
[allowlist]
description = "keys of AWS's and Stripe's documentation"
regexes = ["AKIA[A-Z0-9]{9}EXAMPLE", "sk_test_4eC39HqLyjWDarjtT1zdp7dc"]
regexTarget = "match"
"""
"""The configuration for a repository that has none."""
GENERIC = "generic-api-key"
OF_TESTS = (".env.test", ".env.testing", ".env.ci")
"""Files with test values, which the generic rule reports as secrets."""
_ARGUMENTS = {
    HISTORY: ("detect",),
    STAGED: ("protect", "--staged"),
    FILES: ("detect", "--no-git"),
}


def installed() -> str | None:
    return shutil.which(NAME)


class Gitleaks:
    """One run over one source. gitleaks follows no links, and sends nothing anywhere."""

    def __init__(self, path: str, how: str, *, required: bool = False, program: str | None = None) -> None:
        self.path = path
        self.how = how
        self.required = required
        self.program = program or installed()
        self.ran = False

    def __call__(self, scanning: Scanning) -> Iterator[Finding]:
        try:
            results = self._run(scanning.bounds)
        except ScanError as error:
            if self.required:
                raise
            scanning.passed(self.path, "unknown secrets", str(error))
            return
        self.ran = True
        for entry in results:
            if entry.get("RuleID") != GENERIC or os.path.basename(str(entry.get("File", ""))) not in OF_TESTS:
                yield self._finding(entry)

    def _run(self, bounds: Bounds) -> list[Mapping[str, Any]]:
        if self.program is None:
            raise ScanError(f"{NAME} is not installed; {REMEDY}, or set scan_patterns=none")
        if self.how == FILES:
            return self._ran(self.path, os.devnull, bounds)
        # gitleaks starts git, which would run the commands that the repository's configuration names.
        with git_view.view(self.path) as view:
            for name in SETTINGS_FILES:
                source = os.path.join(view.place.top or view.place.directory, name)
                if os.path.isfile(source) and not os.path.islink(source):
                    os.symlink(source, view.inside(name))
            if not os.path.lexists(view.inside(CONFIGURATION)):
                Path(view.inside(CONFIGURATION)).write_text(DEFAULT_CONFIGURATION, encoding="utf-8")
            return self._ran(view.directory, view.directory, bounds)

    def _ran(self, source: str, git: str, bounds: Bounds) -> list[Mapping[str, Any]]:
        command = [str(self.program), *_ARGUMENTS[self.how], "--source", source, "--no-banner", "--redact"]
        command += ["--log-level", "error", "--exit-code", "0", "--report-format", "json"]
        environment = {**_git.environment(git), "GOMEMLIMIT": str(MEMORY // 2)}
        bounds = bounds._replace(memory=MEMORY, idle=bounds.seconds)  # gitleaks prints only at its end
        try:
            output = bounded_program.output_of(
                [*command, "--report-path", "/dev/stdout"], environment=environment, bounds=bounds, label=NAME
            )
        except bounded_program.NotStarted as error:
            raise ScanError(f"{error}; {REMEDY}") from None
        except bounded_program.Failed as error:
            # The errors of gitleaks may quote a line of the repository.
            raise ScanError(
                f"{NAME} ended with {error.code} on {self.path}; run {NAME} on it by hand to see why"
            ) from None
        results = _parsed(output)
        if results is None:
            raise ScanError(f"{NAME} ended with 0 on {self.path}; run {NAME} on it by hand to see why")
        return results

    def _finding(self, entry: Mapping[str, Any]) -> Finding:
        path = str(entry.get("File", ""))
        if self.how == FILES and os.path.isabs(path):
            path = os.path.relpath(path, self.path) if os.path.isdir(self.path) else os.path.basename(path)
        author = f"{entry.get('Author', '')} <{entry['Email']}>" if entry.get("Email") else ""
        return Finding(
            source=self.path,
            kind=PATTERN,
            rule=f"{NAME}:{entry.get('RuleID', 'unknown')}",
            form="looks like a secret",
            sensitivity="medium",
            path=path,
            line=int(entry.get("StartLine", 0)),
            commit=str(entry.get("Commit", "")),
            author=author,
            date=str(entry["Date"]) if entry.get("Commit") else "",
            commits=1 if entry.get("Commit") else 0,
        )


def _parsed(text: bytes) -> list[Mapping[str, Any]] | None:
    try:
        results = json.loads(text or b"[]")
    except ValueError:
        return None
    return [entry for entry in results if isinstance(entry, dict)] if isinstance(results, list) else None
