# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import seal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment_summary import report
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.snapshot_action import SnapshotAction


class ActionModule(SnapshotAction):
    name = "watchparty.secrets.env_snapshot"
    extra_options = {"register_values": {"type": "bool", "default": False}, "rotation": {"type": "str"}}

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        result = super().perform(connection, args)
        return seal.opened(result) if args["register_values"] else result

    def answer(self, environment: Environment) -> dict[str, Any]:
        environment.resolution.require_deliverable()
        for warning in environment.warnings:
            Display().warning(warning)
        values = dict(environment.resolution.values)
        return {
            "_ansible_no_log": True,
            **seal.sealed(settings=values, fingerprint_key=secrets.token_hex(16)),
            "fingerprints": seal.fingerprints(values),
            "sensitivity": dict(environment.resolution.sensitivity),
            "readers": list(environment.catalog.readers),
            "files": [file.data for file in environment.catalog.files.values()],
            **report(environment),
        }
