# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One execution on the host, whose sources are all sent; run over a local connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[4]


def run(place: Path, *arguments: str, **args: Any) -> str:
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"watchparty.secrets.host_files": args}]}]
    (place / "play.yml").write_text(json.dumps(play))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    kept |= {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections"), "ANSIBLE_NOCOLOR": "1"}
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local"]
    argv += [str(place / "play.yml"), "-e", f"ansible_python_interpreter={sys.executable}", *arguments]
    done = subprocess.run(argv, env=kept, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr


def test_a_directory_and_a_checkout(tmp_path: Path) -> None:
    path = tmp_path / "app"
    args = {"directory": str(path), "mode": "0700", "checkout": str(path)}
    assert "changed=1" in run(tmp_path, "--check", **args)
    assert not path.exists()
    assert "changed=1" in run(tmp_path, **args)
    assert path.stat().st_mode & 0o777 == 0o700
    (path / ".git").mkdir()
    assert "changed=1" in run(tmp_path, **args)
    assert (path / ".gitignore").read_text().splitlines()[1:3] == [".env*", "!.env.example"]
    assert "changed=0" in run(tmp_path, **args)


def test_what_is_refused_is_reported(tmp_path: Path) -> None:
    assert "there is no account no-such-account here" in run(tmp_path, account="no-such-account")
    (tmp_path / "file").write_text("")
    assert "is not a directory" in run(tmp_path, directory=str(tmp_path / "file"))
