# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import segment as rotation_segment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class ActionModule(rotation_segment.SegmentAction):
    """Takes the hosts' results, and continues the rotation until hosts have work again."""

    name = "watchparty.secrets.rotation_continue"
    extra_options = {
        **rotation_segment.SETTINGS,
        "rotation": {"type": "dict", "required": True},
    }

    def carried_on(
        self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> dict[str, Any]:
        rotation, variables = args["rotation"], task_vars["hostvars"]
        engine = self.engine(setting, args, task_vars, rotation_segment.run_state_from(rotation))
        hosts = rotation_segment.hosts_of(args, rotation, variables)
        results, unread = (
            rotation_segment.results_of(rotation, variables),
            rotation_segment.unread_of(rotation, variables),
        )
        result = engine.resume(rotation, hosts, results, unread=unread)
        return {"changed": True, **rotation_segment.result(engine, result, args)}
