# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program is made on the controller, copied, and left alone the second time; run over a local connection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[4]


PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - watchparty.secrets.host_fetcher: &fetcher {dest: "{{ playbook_dir }}/fetch.pyz", mode: "0600"}
      check_mode: true
      diff: true
      register: planned
    - ansible.builtin.assert: {that: [planned is changed, (playbook_dir ~ "/fetch.pyz") is not exists]}
    - watchparty.secrets.host_fetcher: *fetcher
      diff: true
      register: first
    - watchparty.secrets.host_fetcher: *fetcher
      register: second
    - ansible.builtin.assert: {that: [first is changed, second is not changed]}
"""


def run(place: Path) -> subprocess.CompletedProcess[str]:
    (place / "play.yml").write_text(PLAY)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    kept |= {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections"), "ANSIBLE_NOCOLOR": "1"}
    kept |= {"ANSIBLE_HOME": str(place / "home"), "TMPDIR": str(place)}
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(place / "play.yml")]
    return subprocess.run(
        [*argv, "-e", f"ansible_python_interpreter={sys.executable}"],
        env=kept,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_is_installed_once_and_nothing_remains(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "def fetch(" not in done.stdout, "a diff does not print the code"
    assert (tmp_path / "fetch.pyz").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob("host-fetcher-*")) == []
    program = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "fetch.pyz"), "--help"], capture_output=True, text=True, check=True
    )
    assert "Writes this host's settings" in program.stdout
