# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import _rotator_ends
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._rotator import MERGE_SECONDS
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _rotation as _shared
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _supplied
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import RotationAction, Setting


class ActionModule(RotationAction):
    """Stages, promotes, takes back or tidies up the versions of the rotation that this run holds."""

    name = "watchparty.secrets.secret_version"
    extra_options = {
        "state": {"type": "str", "choices": ["staged", "promoted", "restored", "discarded"], "required": True},
        "merge_seconds": {"type": "int", "default": int(MERGE_SECONDS)},
        **_supplied.OPTIONS,
    }

    def answer(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        _journal, rotation = setting.rotator.mine()
        if self._task.check_mode:
            return {"changed": True, "secrets": sorted(rotation.plan.get("secrets", {}))}
        state = args["state"]
        answer: dict[str, Any] = {"changed": True, "rotation": rotation.id}
        if state == "staged":
            given = _supplied.supplied(args, task_vars)
            setting.rotator.create(setting.kinds, _shared.new_value, given)
            versions = {
                name: [setting.rotator.version(rotation, name, phase + 1) for phase in range(rotation.plan["phases"])]
                for name in rotation.plan["secrets"]
            }
            return {**answer, "versions": versions}
        if state == "promoted":
            done = setting.rotator.promote(seconds=args["merge_seconds"])
            return {
                **answer,
                "outcome": done.outcome,
                "words": done.words,
                "sent": list(done.sent),
                # What GitHub was not sent, since an incident is open, and what hosts have yet to be given.
                "warnings": [done.words] if done.outcome == "done" and done.words else [],
            }
        if state == "restored":
            return {**answer, "told": _rotator_ends.undo(setting.rotator)}
        _rotator_ends.tidy(setting.rotator)
        return answer
