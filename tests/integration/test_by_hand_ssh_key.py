# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/runbooks/by-hand.md's section on an SSH key, in bash; the host is a home folder here."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from tests.integration.by_hand import blocks

NEEDED = [name for name in ("bash", "jq", "awk", "ssh-keygen") if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(NEEDED), reason=f"needs {', '.join(NEEDED)}: an SSH key was not replaced by hand")
AROUND = """
application=watchparty environment=production
text() { cat old.json; }
base() { echo version; }
ssh() { (cd home && bash -c "$2"); }
"""


def test_added_and_taken_out(tmp_path: Path) -> None:
    old, new, other = (key_pair.new_private_key() for _one in range(3))
    old_line, new_line, other_line = (key_pair.public_line(name, "test") for name in (old, new, other))
    (tmp_path / "values.json").write_text(json.dumps({"credentials": {"deploy_ssh": {"password": new}}}))
    (tmp_path / "old.json").write_text(json.dumps({"private_key": old}))
    keys = tmp_path / "home" / ".ssh" / "authorized_keys"
    keys.parent.mkdir(parents=True)
    before = f'# mine\n{other_line} a\nfrom="::1",command="a b" {old_line} ci\n'
    keys.write_text(before)
    keys.chmod(0o600)

    def run(*commands: str) -> None:
        script = "\n".join((AROUND, blocks()["An SSH key"][0], *commands))
        subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, check=True, capture_output=True)

    run("add web1")
    assert keys.read_text() == before + f'from="::1",command="a b" {new_line}\n'
    run("take web1 old.pub")
    assert keys.read_text() == f'# mine\n{other_line} a\nfrom="::1",command="a b" {new_line}\n'
    assert keys.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in keys.parent.iterdir()) == ["authorized_keys"]
