# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting, segment


class ActionModule(segment.SegmentAction):
    """Takes what the hosts did, and carries the rotation on until they have something to do again."""

    name = "watchparty.secrets.rotation_continue"
    extra_options = {
        **segment.SETTINGS,
        "rotation": {"type": "dict", "required": True},
    }

    def carried_on(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        rotation, variables = args["rotation"], task_vars["hostvars"]
        engine = self.engine(setting, args, task_vars, segment.carried_from(rotation))
        hosts = segment.hosts_of(args, rotation, variables)
        results, unread = segment.results_of(rotation, variables), segment.unread_of(rotation, variables)
        now = engine.resume(rotation, hosts, results, unread=unread)
        return {"changed": True, **segment.result(engine, now, args)}
