# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program is made on the controller, copied, and left alone the second time; run over a local connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[4]


def run(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    tasks = [{"watchparty.secrets.host_fetcher": {"dest": str(place / "fetch.pyz"), "mode": "0600"}}]
    play = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]
    (place / "play.yml").write_text(json.dumps(play))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    kept |= {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections"), "ANSIBLE_NOCOLOR": "1"}
    kept |= {"ANSIBLE_HOME": str(place / "home"), "TMPDIR": str(place)}
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(place / "play.yml")]
    return subprocess.run(
        [*argv, "-e", f"ansible_python_interpreter={sys.executable}", *arguments],
        env=kept,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_is_installed_once_and_nothing_remains(tmp_path: Path) -> None:
    looked = run(tmp_path, "--check", "--diff")
    assert "changed=1" in looked.stdout, looked.stdout + looked.stderr
    assert not (tmp_path / "fetch.pyz").exists()
    first = run(tmp_path, "--diff")
    assert "changed=1" in first.stdout, first.stdout + first.stderr
    assert "def fetch(" not in first.stdout, "a diff does not print the code"
    assert (tmp_path / "fetch.pyz").stat().st_mode & 0o777 == 0o600
    assert "changed=0" in run(tmp_path).stdout
    assert list(tmp_path.glob("host-fetcher-*")) == []
    program = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "fetch.pyz"), "--help"], capture_output=True, text=True, check=True
    )
    assert "Writes this host's settings" in program.stdout
