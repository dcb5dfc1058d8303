# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs that never end: a verification names what it did not get, and nothing that it started outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.modules import host_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import live_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.budget import Budget
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_facts import Gatherer
from sandbox.process import REPOSITORY, wait_until
from tests.hostile.repository_lab import VALUE, repository
from tests.hostile.test_silent_servers import lasting
from tests.integration.fake_service import ended
from tests.unit.plugins.plugin_utils._ansible.test_remote_program import Host

pytestmark = pytest.mark.servers
SILENT = "exec sleep 300"
DRIPPING = "while :; do echo; sleep 0.2; done"
STOPPING = "kill -STOP $PPID; exec sleep 300"
DOCUMENT = {"application": "shop", "settings": {"A": {"value": "x"}}}
Plant = Callable[[str, str], Path]


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    """Puts a program first in the path; what it writes into the file is its process, which is ended after the test."""
    pids = tmp_path / "pids"

    def planted(name: str, act: str) -> Path:
        program = tmp_path / "bin" / name
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho $$ >> {pids}\n{act}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        return pids

    yield planted
    for pid in pids.read_text().split() if pids.exists() else ():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def gathered(checkout: Path, parts: list[str], seconds: float) -> dict[str, Any]:
    connection = AwsConnection("test", {"region": "eu-west-3"})
    catalog = catalog_parser.parse(DOCUMENT, "test")
    gatherer = Gatherer(DOCUMENT, catalog, connection, datetime.now(UTC), str(checkout), budget=Budget(seconds))
    return gatherer.gather(parts)


@pytest.mark.parametrize("act", [SILENT, DRIPPING])
def test_a_git_that_never_ends(plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    checkout = repository(tmp_path / "checkout")
    monkeypatch.setattr(live_values, "read", lambda *_stores: ([Live("TOKEN", "current", VALUE)], []))
    pids = plant("git", act)
    with lasting():
        result = gathered(checkout, ["history", "repository", "workflows"], 4)
    reasons = {**result["absent"], **{name: str(part["not_checked"]) for name, part in result["parts"].items()}}
    assert set(reasons) == {"history", "repository", "workflows"}
    for reason in reasons.values():
        assert "gave no answer in " in reason or "did not end in " in reason or "gave no answer within " in reason
    assert pids.read_text().split(), "git was not asked"


def test_what_a_killed_scan_started_ends_with_it(plant: Plant, tmp_path: Path) -> None:
    checkout = repository(tmp_path / "checkout")
    pids = plant("git", SILENT)
    script = """
import sys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import git
with git.repository(sys.argv[1]) as repository:
    repository.head()
"""
    variables = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'playbooks' / 'collections'}:{REPOSITORY}"}
    scan = subprocess.Popen([sys.executable, "-c", script, str(checkout)], env=variables)
    try:
        assert wait_until(lambda: pids.exists() and pids.read_text().strip() != "", seconds=60)
        pid = int(pids.read_text())
        assert not ended(pid)
    finally:
        scan.kill()
        scan.wait()
    assert wait_until(lambda: ended(pid), seconds=60)


@pytest.mark.parametrize("act", [SILENT, DRIPPING])
def test_a_host_whose_systemctl_never_ends(plant: Plant, tmp_path: Path, act: str) -> None:
    plant("systemctl", act)
    with lasting():
        answer = looked(tmp_path, seconds=60)
    assert answer["units_problem"] == "systemctl: gave no answer"
    assert answer["file"]["mode"] == "0600"


def test_a_host_that_stops_in_the_middle(plant: Plant, tmp_path: Path) -> None:
    plant("systemctl", STOPPING)
    with lasting(), pytest.raises(AnsibleConnectionFailure, match="no answer within 3 s"):
        looked(tmp_path, seconds=3)


def looked(folder: Path, *, seconds: float) -> dict[str, Any]:
    """What host_check says of this machine, without places that hold copies."""
    file = folder / "app" / ".env"
    file.parent.mkdir()
    file.write_text("A='x'\n")
    file.chmod(0o600)
    args = {"path": str(file), "units": ["shop.service"], "places": []}
    valid = remote_program.validated(host_check.ARGUMENT_SPEC, args)
    variables = {"ansible_python_interpreter": sys.executable, "secrets_host_timeout": seconds}
    return remote_program.execute(Host(), host_check, args=valid, task_vars=variables)  # type: ignore[arg-type]
