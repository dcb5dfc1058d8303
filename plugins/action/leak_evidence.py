# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import evidence, readers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting, segment


class ActionModule(segment.ServersAction):
    """Asks servers, and CloudTrail meanwhile. What cannot be asked is returned in words."""

    name = "watchparty.secrets.leak_evidence"
    extra_options = {
        "credentials": {"type": "list", "elements": "dict", "required": True},
        "since": {"type": "str", "default": ""},
        "deadline": {"type": "float", "required": True},
        "python": {"type": "str"},
    }

    def answer(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        end = args["deadline"]
        seconds = end - time.time()
        if seconds < evidence.LEAST:
            return {"changed": False, "sessions": [], "readers": {}}
        names = [one["name"] for one in args["credentials"]]
        try:
            trail = evidence.Beside(readers.question(setting, names, seconds=seconds - 1, since=args["since"]))
        except SecretsError as error:
            trail = evidence.Beside(lambda words=str(error): {"failed": True, "msg": words})  # type: ignore[misc]
        server = self.server(setting, args, task_vars)
        found = evidence.sessions(server, self._connection, args["credentials"], end)
        return {"changed": False, "sessions": found, "readers": trail.answer(end - time.time())}
