# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A repository in a folder whose name is a template: a submodule's path is its outer repository's choice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import gitleaks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as scan_scan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.gitleaks import Gitleaks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Needles
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import GitSource
from sandbox.process import REPOSITORY
from tests.hostile.repository_lab import PATTERN, SCRIPT, repository
from tests.unit.plugins.plugin_utils._scan.scan_world import git

TEMPLATE = """{{ lookup("pipe", "touch $CANARY") }}"""


@pytest.mark.skipif(gitleaks.installed() is None, reason="gitleaks is not installed")
def test_a_folder_that_is_a_template(tmp_path: Path) -> None:
    where = repository(tmp_path / TEMPLATE)
    canary = tmp_path / "canary"
    config = tmp_path / "ansible.cfg"
    config.write_text("")
    inventory = tmp_path / "inventory"
    inventory.write_text("[app_hosts]\nlocalhost ansible_connection=local\n")
    (where / "new.txt").write_text(f"token = '{PATTERN}'\n")
    git(where, "add", "new.txt")
    done = subprocess.run(
        [str(SCRIPT)],
        cwd=where,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections"),
            "ANSIBLE_CONFIG": str(config),
            "LEAK_SCAN_ENVIRONMENT": "production",
            "LEAK_SCAN_INVENTORY": str(inventory),
            "CANARY": str(canary),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert not canary.exists()
    assert "new.txt" in done.stdout, done.stdout + done.stderr
    assert done.returncode != 0


def test_what_cannot_be_looked_at_is_not_clean(tmp_path: Path) -> None:
    """The engine fails as well, and is not required."""
    source = GitSource(str(tmp_path))
    with pytest.raises(ScanError, match="not a git repository"):
        scan_scan.scan([source], Needles(), engines=[Gitleaks(str(tmp_path), gitleaks.STAGED)])
