# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._access_keys import Steps
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _access_key
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import RotationAction, Setting


class ActionModule(RotationAction):
    """Makes, proves and removes an IAM user's access keys. Runs on the controller alone."""

    name = "watchparty.secrets.aws_access_key"
    extra_options = {
        "credential": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["deactivated", "issued", "usable", "absent"], "required": True},
    }

    def answer(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        hands, found = _access_key.concerned(setting, args["credential"])
        steps = Steps(hands, found, check=self._task.check_mode)
        states = {
            "deactivated": steps.deactivated,
            "issued": steps.issued,
            "usable": steps.usable,
            "absent": steps.absent,
        }
        return states[args["state"]]()
