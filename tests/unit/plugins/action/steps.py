# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What rotation_start, rotation_continue and rotation do, one step at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.action.rotation_journal import _prepared
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import begin as rotation_begin
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import close as rotation_close
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    confirmations,
    journal_entries,
    supplied_values,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import StageNotes
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class ActionModule:
    """Answers as one action with a state for each step."""

    extra_options: Mapping[str, Any] = {
        name: {"default": default}
        for name, default in {
            "credentials": [],
            "force": False,
            "ask": False,
            "preflight": False,
            "against": {},
            "unasked": "",
            "incident": "",
            "immediate": False,
            "reached": [],
            "spoiled": [],
            "resume": "",
            "abort": False,
            "hosts": [],
            "targeted_hosts": None,
            "recorded": False,
            "skipped": [],
            "seen": None,
            "tried": {},
            "audit": {},
            "values_file": None,
            "values_from": None,
            "outcome": "done",
            "message": "",
            "unrecorded": "",
            "notes": {},
            "refusals": {},
            "hosts_with_old_key": {},
            "behind": [],
            "healthy_at": [],
            "sent": [],
        }.items()
    }
    _task: Any

    def answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        state, check = args["state"], self._task.check_mode
        if state in ("planned", "begun"):
            return rotation_begin.begin(setting, args, task_vars, write=state == "begun" and not check)
        if state == "advanced":
            given = {
                name: args[name] for name in ("notes", "refusals", "hosts_with_old_key", "behind", "healthy_at", "sent")
            }
            decision, summary = journal_entries.advance(setting, args["outcome"], args["message"], StageNotes(**given))
            return {"way": decision.way, "message": decision.message, "rotation": summary}
        if state == "closed":
            return rotation_close.closed(setting, args)
        if state == "revoked":
            return confirmations.revoked(setting, args, check=check)
        if state == "forgotten":
            return confirmations.forgotten(setting, args, check=check)
        if state == "staged":
            setting.rotator.create(setting.kinds, rotation_context.new_value, supplied_values.supplied(args, task_vars))
            return {}
        return _prepared(setting, args, state)
