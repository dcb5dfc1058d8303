# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each role has a README, which Galaxy asks for, and it names nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "tasks").is_dir())


@pytest.mark.parametrize("role", ROLES)
def test_readme(role: str) -> None:
    text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# watchparty.secrets.{role}\n")
    assert f"`ansible-doc -t role watchparty.secrets.{role}`" in text
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = {name for entry in specs["argument_specs"].values() for name in entry.get("options", {})}
    named = set(re.findall(rf"`({role}_\w+)`", text))
    assert len(named) >= 2
    assert named <= options
    for playbook in re.findall(r"playbook `watchparty\.secrets\.(\w+)`", text):
        assert (ROOT / "playbooks" / f"{playbook}.yml").is_file()
