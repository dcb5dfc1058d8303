# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The script of the example for GitLab keeps the token and the key out of arguments and variables of programs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import yaml

from sandbox.process import REPOSITORY

TOKEN, KEY = "canary-of-the-token", "canary-of-the-key"
PROGRAMS = ("apt-get", "python", "ansible-galaxy", "ssh-add", "ansible-playbook")
RECORD = """#!/bin/bash
{ echo "$(basename "$0") $*"; env; } >> "$RECORDS/seen"
[ "$(basename "$0")" != ssh-add ] || cat > "$RECORDS/key"
"""


def test_the_script_shows_neither_token_nor_key(tmp_path: Path) -> None:
    for name in (*PROGRAMS, "ssh-agent"):
        (tmp_path / name).write_text(RECORD, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "file").write_text(KEY + "\n", encoding="utf-8")
    job = yaml.safe_load((REPOSITORY / "examples/gitlab/.gitlab-ci.yml").read_text(encoding="utf-8"))
    (token_name,) = job["deploy-production"]["id_tokens"]
    script = job["deploy-production"]["script"]
    token_file = tmp_path / "token"
    variables = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token_file), token_name: TOKEN}
    variables |= {"SSH_PRIVATE_KEY": str(tmp_path / "file"), "RECORDS": str(tmp_path)}
    variables["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    text = "\n".join(["set -eo pipefail", *script])
    subprocess.run(["bash", "-c", text], env=variables, check=True, capture_output=True)
    assert (tmp_path / "key").read_text(encoding="utf-8").strip() == KEY
    assert token_file.read_text(encoding="utf-8") == TOKEN
    assert token_file.stat().st_mode & 0o777 == 0o600
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert "ansible-playbook -i deploy/inventory watchparty.secrets.deploy" in seen
    assert TOKEN not in seen
    assert KEY not in seen
