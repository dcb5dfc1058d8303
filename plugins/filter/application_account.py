# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.parsing.convert_bool import boolean


def application_account(variables: Any) -> dict[str, Any]:
    if not isinstance(variables, Mapping):
        raise AnsibleFilterError("application_account needs a host's variables, such as hostvars[inventory_hostname]")
    user = variables.get("django_become_user")
    if not user and boolean(variables.get("ansible_become", False), strict=False):
        user = variables.get("env_deploy_owner")
    return {"become": bool(user), "user": str(user or "root")}


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"application_account": application_account}
