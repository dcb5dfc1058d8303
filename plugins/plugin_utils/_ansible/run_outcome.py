# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of a run for programs, as the callback ``result_file`` collects it. Holds names, but no values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import console_text, host_answer

NAMESPACE = "watchparty.secrets."
ROTATION = ("id", "step", "closed", "stopped", "credentials", "plan", "refused", "revocations", "summary", "verdict")
LEAK = ("incident", "lines", "report")
REPORTED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "verify_report": ("verification", ("counts", "failed_checks", "not_checked", "files")),
    "rotation_start": ("rotation", ROTATION),
    "rotation_continue": ("rotation", ROTATION),
    "leak_start": ("leak", LEAK),
    "leak_continue": ("leak", LEAK),
    "rotation_info": (
        "ages",
        ("credentials", "due", "pending_tasks", "revocations", "rotation", "leak", "act_now", "verdict"),
    ),
    "leak_scan": ("scan", ("clean", "complete", "findings", "accepted", "not_checked", "problems", "summary")),
    "setting_value": ("settings", ("plan", "notes")),
}
"""Part of the outcome and returned keys to keep, by module. The last values count."""
DEPLOY: tuple[str, ...] = ("changes", "restart_needed", "healthy", "restored")
"""Keys of env_file's results to keep, by host."""


@dataclass
class RunOutcome:
    messages: list[str] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    unreachable: set[str] = field(default_factory=set)

    def fail(self, host: str, result: Mapping[str, Any]) -> None:
        self.errors.append({"host": host, "message": host_answer.printable(console_text.error(result), lines=True)})

    def keep(self, action: str, host: str, result: Mapping[str, Any]) -> None:
        module = action.removeprefix(NAMESPACE)
        if module == "env_file":
            part, keys = self.results.setdefault("deploy", {}).setdefault(host, {}), DEPLOY
        elif module in REPORTED:
            name, keys = REPORTED[module]
            part = self.results.setdefault(name, {})
        else:
            return
        part.update({key: result[key] for key in keys if key in result})

    def answer(self, hosts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        states = {host: self._state(host, counts) for host, counts in hosts.items()}
        return {"hosts": states, "errors": self.errors, "messages": self.messages, "results": self.results}

    def _state(self, host: str, counts: Mapping[str, int]) -> str:
        if host in self.unreachable or counts["unreachable"]:
            return "unreachable"
        return "failed" if counts["failures"] else "changed" if counts["changed"] else "ok"


def failed_items(result: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The failed results of a loop, or the one result of a task."""
    items = [item for item in result.get("results") or [] if isinstance(item, Mapping) and item.get("failed")]
    return items or [result]


def is_rescued(task: Any) -> bool:
    """Whether a rescue of a block around the task follows. Ansible has no public way to ask for it."""
    child, parent = task, task._parent
    while parent is not None:
        if getattr(parent, "rescue", None) and any(item._uuid == child._uuid for item in parent.block):
            return True
        child, parent = parent, parent._parent
    return False
