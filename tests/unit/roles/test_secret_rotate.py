# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import yaml

from sandbox.process import REPOSITORY

TASKS = REPOSITORY / "roles" / "secret_rotate" / "tasks"


def applied(name: str) -> dict[str, Any]:
    (task,) = yaml.safe_load((TASKS / name).read_text(encoding="utf-8"))
    found: dict[str, Any] = task["ansible.builtin.include_tasks"]["apply"]
    return found


def test_a_kinds_tasks_run_alike_wherever_they_are_included() -> None:
    assert applied("kind.yml") == applied("kinds.yml") != {}
