# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment_summary import report
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.snapshot_action import SnapshotAction


class ActionModule(SnapshotAction):
    name = "watchparty.secrets.env_info"
    extra_options = {"file": {"type": "path"}}

    def answer(self, environment: Environment) -> dict[str, Any]:
        return report(environment)
