# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: app_hosts
short_description: The pattern of the application's hosts, for a play's C(hosts)
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Returns the pattern in the variable C(app_hosts), without the hosts in O(skip). By default, the pattern is the group
    C(app_hosts).
  - Fails if no host of the run matches the pattern, or if C(--skip-tags) names V(all), V(always) or V(tagged). Ansible
    itself would skip such a play, and the run would succeed although it did nothing.
options:
  skip:
    description: Names of hosts to leave out.
    type: list
    elements: str
    default: []
  skip_variable:
    description: Name of the extra variable from which O(skip) comes. The error message names this variable.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Deploy
  hosts: "{{ lookup('watchparty.secrets.app_hosts') }}"
  tasks: []
"""

RETURN = r"""
_raw:
  description: The pattern.
  type: list
  elements: str
"""

from collections.abc import Sequence
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """Reads the inventory by Ansible's ``groups``, within ``--limit``."""

    def run(
        self,
        terms: list[str],
        variables: dict[str, Any] | None = None,
        skip: Sequence[str] = (),
        skip_variable: str = "",
        **kwargs: Any,
    ) -> list[str]:
        known = variables or {}
        pattern = ":!".join([str(known.get("app_hosts", "app_hosts")), *skip])
        skipped = {"always", "all", "tagged"} & set(known.get("ansible_skip_tags") or ())
        if not _only_reads() and (skipped or not self._matching(pattern, known)):
            limits = " and ".join(filter(None, ["--limit", skip_variable]))
            tags = ", without --skip-tags" if skipped else ""
            raise AnsibleError(
                f"Nothing was done: no host of this run matches {pattern}. Name the application's group by -e "
                f"app_hosts=…, and let {limits} include one of its hosts{tags}"
            )
        return [pattern]

    def _matching(self, pattern: str, known: dict[str, Any]) -> list[Any]:
        manager = InventoryManager(self._loader, parse=False)
        for group, hosts in known["groups"].items():
            manager.add_group(group)
            for host in hosts:
                manager.add_host(host, group=group)
        manager.subset(known.get("ansible_limit"))
        results: list[Any] = manager.list_hosts(pattern)
        return results


def _only_reads() -> bool:
    """Whether the command runs nothing: such a command may have no inventory."""
    return any(context.CLIARGS.get(name) for name in ("syntax", "listhosts", "listtasks", "listtags"))
