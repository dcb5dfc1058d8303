# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.plugin_utils._declared import environment_of

_UNKNOWN = ""
"""In place of an environment: no such host."""


class ActionModule(ActionBase):
    """Runs on the controller, before any read."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "environment": {"type": "str", "required": True},
                "hosts": {"type": "list", "elements": "str", "required": True},
                "known": {"type": "list", "elements": "str", "default": []},
                "undeclared": {"type": "bool", "default": False},
                "whole": {"type": "bool", "default": False},
                "unclear": {"type": "list", "elements": "str", "default": []},
            }
        )
        if args["unclear"]:
            raise AnsibleActionFail(f"Nothing was read: {'; '.join(args['unclear'])}")
        if args["whole"]:
            self._require_whole(task_vars or {})
        hostvars = (task_vars or {})["hostvars"]
        hosts: list[str] = args["hosts"]
        accepted: list[str | None] = [args["environment"]]
        if args["undeclared"]:
            # A controller that the inventory does not name has the variables of all hosts, and none of its own.
            hosts, accepted = [host for host in hosts if host in hostvars._inventory.hosts], [args["environment"], None]
        declared = {host: self._declared(host, hostvars) for host in dict.fromkeys([*hosts, *args["known"]])}
        wrong = {host: found for host in hosts if (found := _objection(declared[host], accepted))}
        if wrong:
            reached = (task_vars or {}).get("ansible_play_hosts_all", hosts)
            instead = "" if set(wrong) <= set(reached) else ", or name another one by -e rotation_host=…"
            instead += ", or all of them with -e app_hosts=localhost" if args["undeclared"] else ""
            words = "; ".join(map(" ".join, wrong.items()))
            raise AnsibleActionFail(
                f"Nothing was read: app_environment is {args['environment']}, but {words}. "
                f"Set app_environment for the host in the inventory, or leave the host out with "
                f"--limit, in a leak response with -e app_hosts=…{instead}"
            )
        known = {host: declared[host] for host in args["known"]}
        return {
            **result,
            "changed": False,
            "hosts": hosts,
            "ours": [host for host, found in known.items() if found == args["environment"]],
            "others": [host for host, found in known.items() if found not in (args["environment"], None)],
        }

    def _require_whole(self, task_vars: Mapping[str, Any]) -> None:
        chosen, left_out = task_vars["ansible_run_tags"], task_vars["ansible_skip_tags"]
        own = {tag for tag in self._task.tags if tag != "always"}
        answers_to = {"all", "tagged", *own} if own else {"all", "untagged"}
        if answers_to.isdisjoint(chosen):
            words = f"--tags {','.join(chosen)}"
        elif not answers_to.isdisjoint(left_out):
            words = f"--skip-tags {','.join(left_out)}"
        else:
            return
        raise AnsibleActionFail(
            f"Nothing was read: {words} leaves parts of this run out, and it is carried out as a whole or not at all. "
            "Start it without"
        )

    def _declared(self, host: str, hostvars: Any) -> str | None:
        if hostvars._inventory.get_host(host) is None:
            return _UNKNOWN
        return environment_of(host, hostvars, self._templar)


def _objection(declared: str | None, accepted: list[str | None]) -> str:
    if declared == _UNKNOWN:
        return "is not in the inventory"
    return "" if declared in accepted else f"declares {declared or 'none'}"
