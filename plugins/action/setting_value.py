# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ProvisionError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import operator_values, set_plan, undo
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import targets as provision_targets
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.apply import Provisioner
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.values_action import ValuesAction

HOSTS_STAY = "The hosts still have the old values. Deploy the new ones: ansible-playbook watchparty.secrets.deploy"


class ActionModule(ValuesAction):
    name = "watchparty.secrets.setting_value"
    planner = staticmethod(set_plan.plan)
    forms = False
    extra_options = {
        "state": {"type": "str", "choices": ["known", "present", "undone"], "default": "present"},
        "names": {"type": "list", "elements": "str", "required": True},
        "value_file": {"type": "path"},
        "anyway": {"type": "bool", "default": False},
        "deploys": {"type": "bool", "default": False},
    }
    """``deploys``: whether the run deploys the values afterwards."""

    def answer(self, provisioner: Provisioner, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._answer(provisioner, args, task_vars)
        stays = answer["changed"] and not (args["deploys"] or self._task.check_mode)
        return {**answer, "remaining": [HOSTS_STAY] if stays else []}

    def _answer(
        self, provisioner: Provisioner, args: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> dict[str, Any]:
        names = args["names"]
        if not names:
            raise ProvisionError(["no setting was named; give -e set_names=NAME"])
        if args["state"] == "known":
            return self._known(provisioner, names)
        if args["state"] == "undone":
            if args["value_file"] or args["values_file"]:
                raise ProvisionError(
                    ["an undo takes no value; leave out set_undo, or set_value_file and set_values_file"]
                )
            return self._undone(provisioner, names)
        values = operator_values.given(args, task_vars, self._loader, provisioner.catalog.readers)
        if args["value_file"]:
            if len(names) > 1:
                raise ProvisionError(
                    ["set_value_file: holds one value, but several names are given; give -e set_values_file=FILE"]
                )
            values[names[0]] = operator_values.of_text(Path(args["value_file"]).expanduser())
        foreign = [f"{name}: is not among the given names" for name in values if name not in names]
        lacking = [
            f"{name}: has no value; answer when asked, or give -e set_value_file=FILE"
            for name in names
            if name not in values
        ]
        if foreign or (lacking and not self._task.check_mode):
            raise ProvisionError([*foreign, *lacking])
        return self.written(provisioner, values, complete=False)

    def _undone(self, provisioner: Provisioner, names: list[str]) -> dict[str, Any]:
        seen = self.seen(provisioner)
        wanted = undo.wanted(provisioner, names, seen)
        provisioner.planner = wanted.plan
        answer = self.written(provisioner, wanted.values, complete=False, seen=seen)
        return {**answer, "plan": [*map(str, wanted.settings), *answer["plan"]]}

    def _known(self, provisioner: Provisioner, names: list[str]) -> dict[str, Any]:
        """Raises ProvisionError for problems with the names, before anybody is asked."""
        catalog = provisioner.catalog
        known, result, problems = provision_targets.chosen(catalog, dict.fromkeys(names, ""))
        pages = {}
        for name in result:
            problems += set_plan.conflicts(
                catalog, provisioner.kinds, known[name], anyway=provisioner.write_options.anyway
            )
            credential = catalog.credentials.get(known[name].credential or "")
            if credential and credential.provider_url:
                pages[name] = credential.provider_url
        if problems:
            raise ProvisionError(problems)
        return {"changed": False, "asks": list(names), "pages": pages}
