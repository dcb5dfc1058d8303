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
        "results": {"type": "list", "elements": "dict", "default": []},
        "unread": {"type": "str", "default": ""},
    }

    def carried_on(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        rotation = args["rotation"]
        engine = self.engine(setting, args, task_vars, segment.carried_from(rotation))
        hosts = segment.hosts_of(args["here"], task_vars["hostvars"])
        acts = {
            "deploy": lambda: engine.rolled_out(rotation, hosts),
            "deliver": lambda: engine.go_on(rotation),
            "stop": lambda: engine.go_on(rotation),
            "prove": lambda: engine.proven(rotation, hosts),
            "acts": lambda: engine.acted(rotation, _with_acts(args["results"]), hosts),
            "sessions": lambda: engine.acted(rotation, _with_acts(args["results"]), hosts, unread=args["unread"]),
        }
        now = acts[rotation["next"]]()
        return {"changed": True, "rotation": segment.result(engine, now, args)}


def _with_acts(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results of the play's loop, each with the act that it is of."""
    return [{**one, "act": one["secret_rotate_act"]} for one in results]
