# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: extra_variable
short_description: A variable of the command line, and of no other source
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Returns a variable that C(ansible-playbook -e) sets.
  - The lookup ignores a variable of the same name in the inventory, in C(group_vars), in C(host_vars) or in a play. So
    a confirmation, or the name of a leaked credential, holds for one run only.
options:
  _terms:
    description: Names of the variables.
    required: true
  default:
    description: The result if the command line does not set the variable.
    type: raw
    default: ''
"""

EXAMPLES = r"""
- name: Deploy only if the command line says so
  ansible.builtin.import_playbook: watchparty.secrets.deploy
  when: lookup('watchparty.secrets.extra_variable', 'set_deploy', default=false) | bool
"""

RETURN = r"""
_raw:
  description: One value for each name.
  type: list
  elements: raw
"""

from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.extra_variables import extra_variable


class LookupModule(LookupBase):
    """Renders with the task's variables."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, default: Any = "", **kwargs: Any
    ) -> list[Any]:
        return [
            extra_variable(str(term), loader=self._loader, templar=self._templar, default=default) for term in terms
        ]
