# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import secrets
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.plugin_utils._reading import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._report import report
from ansible_collections.watchparty.secrets.plugins.plugin_utils._snapshot_action import SnapshotAction


class ActionModule(SnapshotAction):
    name = "watchparty.secrets.env_snapshot"

    def answer(self, environment: Environment) -> dict[str, Any]:
        environment.resolution.require()
        for warning in environment.warnings:
            Display().warning(warning)
        return {
            "_ansible_no_log": True,
            "settings": dict(environment.resolution.values),
            "sensitivity": dict(environment.resolution.sensitivity),
            "fingerprint_key": secrets.token_hex(16),
            **report(environment),
        }
