# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_files, dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ProvisionedOtherwise
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.snapshot_action import SnapshotAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import operator_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.values_action import fingerprint


class ActionModule(SnapshotAction):
    name = "watchparty.secrets.env_compare"
    extra_options = {"env_file": {"type": "path", "required": True}}

    def answer(self, environment: Environment) -> dict[str, Any]:
        environment.resolution.require_deliverable()
        readers = environment.catalog.readers
        values = operator_values.of_env(Path(self._task.args["env_file"]).expanduser(), readers)
        # The .env that a deploy would write, read back, to compare files.
        stored = environment.resolution.values
        in_env = catalog_files.in_env(environment.catalog.files.values(), stored)
        rendered = {**stored, **dotenv.from_dotenv(dotenv.to_dotenv(in_env, readers), readers)}
        different = sorted(name for name in rendered if name in values and rendered[name] != values[name])
        only_there = sorted(set(rendered) - set(values))
        unset = sorted(name for name, text in values.items() if not text and name not in rendered)
        only_here = sorted(set(values) - set(rendered) - set(unset))
        key = secrets.token_bytes(16)
        answer: dict[str, Any] = {
            "equal": sorted(name for name in rendered if values.get(name) == rendered[name]),
            "different": different,
            "only_in_file": only_here,
            "only_in_stores": only_there,
            "unset": unset,
        }
        if self._task.diff:
            answer["diff"] = {
                "before": _fingerprints(key, values, [*different, *only_here]),
                "after": _fingerprints(key, rendered, [*different, *only_there]),
            }
        if different or only_here:
            raise ProvisionedOtherwise(
                environment.catalog.environment,
                [f"{name}: the stores hold another value" for name in different]
                + [f"{name}: the catalog has no such setting, so the next deploy removes it" for name in only_here],
            )
        return answer


def _fingerprints(key: bytes, values: dict[str, str], names: list[str]) -> str:
    return "".join(f"{name} fingerprint {fingerprint(key, values[name])}\n" for name in sorted(names))
