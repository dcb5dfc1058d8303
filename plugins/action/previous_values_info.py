# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import seal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import revoked_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import RotationAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class ActionModule(RotationAction):
    """Returns values in a hidden result, only for register."""

    name = "watchparty.secrets.previous_values_info"
    extra_options = {
        "credentials": {"type": "list", "elements": "str", "required": True},
        "secrets": {"type": "dict", "default": {}},
    }

    def answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        searchable = revoked_values.searchable(setting, args["credentials"], revoked_values.by_secret(args["secrets"]))
        return {
            "changed": False,
            **seal.sealed(dead=searchable.dead),
            "unread": searchable.unread,
            "_ansible_no_log": True,
        }
