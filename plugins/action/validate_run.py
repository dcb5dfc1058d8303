# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import extra_variables
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.inventory_environment import environment_of

_UNKNOWN = ""
"""Replaces the environment of an unknown host."""


class ActionModule(ControllerAction):
    options = {
        "environment": {"type": "str"},
        "hosts": {"type": "list", "elements": "str"},
        "inventory_hosts": {"type": "list", "elements": "str", "default": []},
        "allow_undeclared": {"type": "bool", "default": False},
        "require_all_tasks": {"type": "bool", "default": False},
        "part_tags": {"type": "list", "elements": "str", "default": []},
        "opt_in_part_tags": {"type": "list", "elements": "str", "default": []},
        "extra_variable_prefixes": {
            "type": "list",
            "elements": "str",
            "choices": list(extra_variables.KNOWN),
            "default": [],
        },
        "errors": {"type": "list", "elements": "str", "default": []},
    }
    conditions = {"required_together": [("environment", "hosts")]}

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        errors = [*extra_variables.unknown(args["extra_variable_prefixes"], loader=self._loader), *args["errors"]]
        if errors:
            raise AnsibleActionFail(f"Nothing was read: {'; '.join(errors)}")
        if args["require_all_tasks"]:
            self._require_all_tasks(task_vars)
        if args["part_tags"]:
            _require_part(args["part_tags"], args["opt_in_part_tags"], task_vars)
        if args["environment"] is None:
            return {"changed": False}
        unknown = self._unknown_hosts(args["environment"], task_vars)
        if unknown:
            raise AnsibleActionFail(f"Nothing was read: {'; '.join(unknown)}")
        hostvars = task_vars["hostvars"]
        hosts: list[str] = args["hosts"]
        accepted: list[str | None] = [args["environment"]]
        if args["allow_undeclared"]:
            # A controller that the inventory does not name has the variables of all hosts, and none of its own.
            hosts, accepted = [host for host in hosts if host in hostvars._inventory.hosts], [args["environment"], None]
        declared = {host: self._declared(host, hostvars) for host in dict.fromkeys([*hosts, *args["inventory_hosts"]])}
        wrong = {host: problem for host in hosts if (problem := _problem(declared[host], accepted))}
        if wrong:
            reached = task_vars.get("ansible_play_hosts_all", hosts)
            instead = "" if set(wrong) <= set(reached) else ", or name another one by -e rotation_host=…"
            instead += ", or all of them with -e app_hosts=localhost" if args["allow_undeclared"] else ""
            problems = "; ".join(map(" ".join, wrong.items()))
            raise AnsibleActionFail(
                f"Nothing was read: app_environment is {args['environment']}, but {problems}. "
                f"Set app_environment for the host in the inventory, or leave the host out with "
                f"--limit (in a leak response: -e app_hosts=…){instead}"
            )
        environments = {host: declared[host] for host in args["inventory_hosts"]}
        return {
            "changed": False,
            "hosts": hosts,
            "matching_hosts": [host for host, run in environments.items() if run == args["environment"]],
            "other_hosts": [host for host, run in environments.items() if run not in (args["environment"], None)],
        }

    def _unknown_hosts(self, environment: str, task_vars: Mapping[str, Any]) -> list[str]:
        """Lines on files of the catalog that no host could get, because of a mistyped name."""
        document = self._templar.template(task_vars.get("secrets_catalog"))
        try:
            files = catalog_parser.parse(document, environment).files.values() if document else ()
        except CatalogError:  # the read of the catalog names what is wrong
            return []
        targets = {*task_vars.get("groups", ()), *task_vars["hostvars"]._inventory.hosts}
        return [
            f"files.{file.name}.hosts: {name} is neither a host nor a group of the inventory"
            for file in files
            for name in file.hosts
            if name not in targets
        ]

    def _require_all_tasks(self, task_vars: Mapping[str, Any]) -> None:
        chosen, left_out = task_vars["ansible_run_tags"], task_vars["ansible_skip_tags"]
        own = {tag for tag in self._task.tags if tag != "always"}
        answers_to = {"all", "tagged", *own} if own else {"all", "untagged"}
        if answers_to.isdisjoint(chosen):
            option = f"--tags {','.join(chosen)}"
        elif not answers_to.isdisjoint(left_out):
            option = f"--skip-tags {','.join(left_out)}"
        else:
            return
        raise AnsibleActionFail(
            f"Nothing was read: {option} skips parts of this run, and it must run as a whole. Run the same "
            f"command without {option.partition(' ')[0]}"
        )

    def _declared(self, host: str, hostvars: Any) -> str | None:
        if hostvars._inventory.get_host(host) is None:
            return _UNKNOWN
        return environment_of(host, hostvars, self._templar)


def _require_part(parts: Sequence[str], opt_in_parts: Sequence[str], task_vars: Mapping[str, Any]) -> None:
    """Fails unless ``--tags`` and ``--skip-tags`` leave a part."""
    chosen, left_out = task_vars["ansible_run_tags"], task_vars["ansible_skip_tags"]
    every_part = [*parts, *opt_in_parts]
    unknown = [tag for tag in chosen if tag not in {*every_part, "all", "tagged"}]
    remaining = set(every_part).intersection(chosen) or set(parts)
    if unknown:
        problem = f"--tags {','.join(sorted(unknown))} matches no part of this run"
    elif {"all", "tagged", "always"}.intersection(left_out) or remaining.issubset(left_out):
        problem = f"--skip-tags {','.join(sorted(left_out))} skips every part of this run"
    else:
        return
    raise AnsibleActionFail(f"Nothing was read: {problem}. Its parts are {', '.join(every_part)}")


def _problem(declared: str | None, accepted: list[str | None]) -> str:
    if declared == _UNKNOWN:
        return "is not in the inventory"
    return "" if declared in accepted else f"declares {declared or 'none'}"
