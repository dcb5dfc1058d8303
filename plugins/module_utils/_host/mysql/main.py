# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kind mysql_user runs on the rotation host. Python 3.8."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import memory_limit
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import footholds, users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import (
    NoConnectionLeft,
    administered,
)

CHECKED, PRESENT, USABLE, REVOKED = "checked", "present", "usable", "revoked"
ARGUMENT_SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": [CHECKED, PRESENT, USABLE, REVOKED], "required": True},
    "server": {"type": "dict", "required": True},
    "admin": {"type": "dict", "required": True, "no_log": True},
    "login": {"type": "dict", "required": True, "no_log": True},
    "other": {"type": "str", "default": ""},
    "leaked": {"type": "bool", "default": False},
    "search": {"type": "dict", "no_log": True},
}
MEMORY = 512 << 20
"""Bytes that a server's answers may cost."""
RETURNS: dict[str, Any] = {
    "place": "text",
    "full?": str,
    "ended?": int,
    "footholds?": [str],
    "evicted?": [str],
    "inventory?": server_baseline.INVENTORY,
}
"""Where, why a login could not be tried where other sessions keep it out, and how many sessions were ended."""


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    memory_limit.limit(MEMORY)
    try:
        result = _carried_out(module.params, writes=not module.check_mode)
    except RotationError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=module.params["state"] in (PRESENT, REVOKED), **result)


def _carried_out(params: dict[str, Any], *, writes: bool) -> dict[str, Any]:
    state, server, login = params["state"], params["server"], params["login"]
    with administered(server, params["admin"]) as admin:
        users.require_primary(admin)
        if state == USABLE:
            try:
                users.require_visible(admin, server, login)
            except NoConnectionLeft as error:
                return {"place": admin.place, "full": str(error)}
        elif state == CHECKED:
            users.require_twins(admin, login["username"], params["other"], leaked=params["leaked"])
        elif not writes:
            raise RotationError("nothing was changed: with --check, a run changes no server")
        elif state == PRESENT:
            users.set_password(admin, login)
        else:
            ended, search = users.revoke(admin, server, login), params["search"]
            user = login["username"]
            result = footholds.looked_for(admin, server, params["admin"], user, search) if search else {"footholds": []}
            return {"place": admin.place, "ended": ended, **result}
        return {"place": admin.place}


if __name__ == "__main__":
    main()
