# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ProvisionError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import files as reports_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import catalog_draft, operator_values

OPTIONS: dict[str, Any] = {
    "env_file": {"type": "path", "required": True},
    "dest": {"type": "path", "required": True},
    "application": {"type": "str"},
}


class ActionModule(ControllerAction):
    options = OPTIONS

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        source, dest = Path(args["env_file"]), Path(args["dest"])
        values = operator_values.of_env(source)
        if not any(catalog_draft.is_name(name) for name in values):
            raise ProvisionError([f"{source}: holds no settings; give another file"])
        text = catalog_draft.draft(
            values, args["application"] or catalog_draft.application_of(source.resolve().parent.name)
        )
        former = dest.read_text(encoding="utf-8", errors="replace") if dest.exists() else None
        if former not in (None, text):
            message = f"{dest}: exists already and was not changed; move it away, or give another path by"
            raise ProvisionError([f"{message} -e import_draft_path=FILE"])
        if former is None and not self._task.check_mode:
            reports_files.write_text(dest, text)
        answer: dict[str, Any] = {"changed": former is None, "dest": str(dest), "names": list(values)}
        if self._task.diff:
            answer["diff"] = {"before": former or "", "after": text}
        return answer
