# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kind rabbitmq_user runs on the rotation host. Python 3.8."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import memory_limit
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import footholds, users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.amqp import AmqpNoConnectionLeft
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.management import Management

CHECKED, PRESENT, USABLE, BLOCKED, REVOKED = "checked", "present", "usable", "blocked", "revoked"
ARGUMENT_SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": [CHECKED, PRESENT, USABLE, BLOCKED, REVOKED], "required": True},
    "server": {"type": "dict", "required": True},
    "amqp": {"type": "dict", "required": True},
    "admin": {"type": "dict", "required": True, "no_log": True},
    "login": {"type": "dict", "required": True, "no_log": True},
    "other": {"type": "str", "default": ""},
    "tags": {"type": "list", "elements": "str", "default": []},
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
"""Also why a login could not be tried where other connections keep it out."""


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    memory_limit.limit(MEMORY)
    try:
        result = _carried_out(module.params, writes=not module.check_mode)
    except RotationError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=module.params["state"] in (PRESENT, BLOCKED, REVOKED), **result)


def _carried_out(params: dict[str, Any], *, writes: bool) -> dict[str, Any]:
    state, server, login = params["state"], params["amqp"], params["login"]
    other, tags = params["other"], params["tags"]
    admin = Management(params["server"], params["admin"])
    users.require_administrator(admin)
    if state == USABLE:
        try:
            users.require_usable(admin, server, login, other, tags)
        except AmqpNoConnectionLeft as error:
            return {"place": admin.place, "full": str(error)}
    elif state == CHECKED:
        users.require_ready(admin, login["username"], other, tags, leaked=params["leaked"])
    elif not writes:
        raise RotationError("nothing was changed: with --check, a run changes no server")
    elif state == PRESENT:
        users.create(admin, login, other, tags)
    elif state == BLOCKED:
        return {"place": admin.place, "ended": users.block(admin, server, login)}
    else:
        user, search = login["username"], params["search"]
        held_tags = footholds.tags_held(admin, user) if search else None
        ended = users.revoke(admin, server, login)
        result = footholds.looked_for(admin, user, tags, held_tags, search) if search else {"footholds": []}
        return {"place": admin.place, "ended": ended, **result}
    return {"place": admin.place}


if __name__ == "__main__":
    main()
