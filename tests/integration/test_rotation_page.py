# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/how-to/schedule-rotations.md: systemd accepts the units, and the script tells due from not asked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from sandbox.process import REPOSITORY

PAGE = (REPOSITORY / "docs" / "how-to" / "schedule-rotations.md").read_text(encoding="utf-8")
FOUND = {
    "application": "watchparty",
    "due": ["database"],
    "pending_tasks": [
        {"id": "r-1/cache", "act": "revoke", "due": True},
        {"id": "r-1/django_key", "act": "drop_fallback", "due": False},
        {"id": "r-1/youtube", "act": "confirm", "due": True},
    ],
    "revocations": [{"message": "youtube: revoke its old value"}],
    "rotation": {"id": "r-2"},
    "leak": {"id": "leak-1"},
    "act_now": True,
}


def files() -> dict[str, str]:
    """By the path in its first lines."""
    blocks = re.findall(r"^```(?:ini|bash|yaml)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    named = [(re.search(r"^# (\S+)$", block, re.MULTILINE), block) for block in blocks]
    return {name[1]: block for name, block in named if name}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    units = {Path(name).name: text for name, text in files().items() if name.startswith("/etc/systemd/system/")}
    assert set(units) == {"rotation-due.service", "rotation-due.timer", "rotation-due-tell.service"}
    for name, text in units.items():
        # The programs of the page are not on this machine.
        (tmp_path / name).write_text(re.sub(r"=/(?:opt|usr/local)/\S+", "=/bin/true", text), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in units)],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "SYSTEMD_LOG_LEVEL": "notice", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "rotation-due" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
def test_due_differs_from_not_asked(tmp_path: Path) -> None:
    script, path = files()["/usr/local/bin/rotation-due-tell"], tmp_path / "due.json"

    def page_text() -> str:
        argv = ["sh", "-c", script, "rotation-due-tell", str(path)]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    assert page_text() == "could not find out whether a rotation is due; see the run's output\n"
    path.write_text(json.dumps(FOUND), encoding="utf-8")
    assert page_text().splitlines() == [
        "due: database",
        "to be finished: r-1/cache",
        "youtube: revoke its old value",
        "open: r-2",
        "not contained: leak-1",
    ]
    path.write_text(
        json.dumps({**FOUND, "due": [], "revocations": [], "rotation": None, "leak": None}), encoding="utf-8"
    )
    assert page_text() == "to be finished: r-1/cache\n"


def test_the_workflow_is_one() -> None:
    workflow = yaml.safe_load(files()[".github/workflows/rotation-due.yml"])
    assert workflow["concurrency"]
    steps = workflow["jobs"]["due"]["steps"]
    assert [step["if"] for step in steps if "rotation-due-tell" in step.get("run", "")] == ["failure()"]
