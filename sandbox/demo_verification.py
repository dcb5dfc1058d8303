# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The demo's last part: what its verification checks beside stores and host, and the result."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .hosts._inventory import THIRD_PARTIES
from .process import clean_environment
from .seed import Journal

JOURNAL = Journal("watchparty-secrets", "watchparty", "production")
MADE = ("cache", "database_admin", "deploy_ssh", "django_key", *THIRD_PARTIES)
"""Credentials whose values are as old as the demo. The database has no record and an old secret, so it is due."""
FILES = {
    ".gitignore": ".env*\n!.env.example\n",
    ".env.example": "SECRET_KEY=change_me_dev_only\nDATABASE_URL=sqlite:///db.sqlite3\nDEBUG=True\n",
    ".github/workflows/test.yml": (
        "name: test\non: push\npermissions: {contents: read}\njobs:\n  test:\n    runs-on: ubuntu-24.04\n"
        "    steps:\n      - run: python -m pytest\n"
    ),
}


def note_ages(client: Callable[[str], Any]) -> None:
    """Writes the journal's first entry: the time of each value."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    rotated = {name: {"at": at, "who": "the demo", "rotation": "seed"} for name in MADE}
    entry = {"rotation": "seed", "step": "closed", "who": "the demo", "rotated": rotated}
    JOURNAL.add(client, 1, entry)


def repository(directory: Path) -> Path:
    """The application's repository: a few files and one commit."""
    place = directory / "repository"
    for name, text in FILES.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    who = ("-c", "user.name=Demo", "-c", "user.email=demo@example.com", "-c", "commit.gpgsign=false")
    for group in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "--message", "The application")):
        environment = clean_environment(HOME=str(directory), GIT_CONFIG_NOSYSTEM="1")
        subprocess.run(["git", "-C", str(place), *group], check=True, capture_output=True, env=environment)
    return place


def counted(report: Path) -> list[str]:
    result = json.loads((report / "verify.json").read_text(encoding="utf-8"))
    counts = result["counts"]
    not_applicable = f"{counts['not_applicable']} not applicable"
    made = f"{counts['pass']} checks pass, {counts['fail']} fail, {counts['not_checked']} not checked"
    return [f"  verified    {made}, {not_applicable}"]
