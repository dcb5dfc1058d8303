# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import yaml

from sandbox.process import REPOSITORY

TASKS = REPOSITORY / "roles" / "secret_rotate" / "tasks"


def inherited(name: str) -> dict[str, Any]:
    """What the tasks of a kind inherit from the block in which this file includes them."""
    (block,) = yaml.safe_load((TASKS / name).read_text(encoding="utf-8"))
    (include,) = block["block"]
    assert "ansible.builtin.include_tasks" in include
    return {word: value for word, value in block.items() if word not in ("name", "block")}


def test_a_kinds_tasks_run_alike_wherever_they_are_included() -> None:
    assert inherited("kind.yml") == inherited("kinds.yml")
    assert set(inherited("kind.yml")) == {"delegate_to", "become", "module_defaults"}
