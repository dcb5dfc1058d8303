# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import cloudtrail_readers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import RotationAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class ActionModule(RotationAction):
    name = "watchparty.secrets.secret_readers_info"
    extra_options = {
        "credentials": {"type": "list", "elements": "str", "required": True},
        "access_keys": {"type": "list", "elements": "str", "default": []},
        "since": {"type": "str", "default": ""},
        "seconds": {"type": "int", "default": 8},
        "pages": {"type": "int", "default": cloudtrail_readers.PAGES},
    }

    def answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if args["seconds"] < 1 or args["pages"] < 1:
            raise RotationError("seconds and pages must be at least 1")
        options = {name: args[name] for name in ("access_keys", "since", "seconds", "pages")}
        return {"changed": False, **cloudtrail_readers.question(setting, args["credentials"], **options)()}
