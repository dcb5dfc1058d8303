# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of the kind rabbitmq_user that runs on the rotation host. Python 3.8."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._host import two_users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import footholds, users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.amqp import AmqpNoConnectionLeft
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.management import Management
from ansible_collections.watchparty.secrets.plugins.module_utils._host.two_users import (
    BLOCKED,
    CHECKED,
    PRESENT,
    USABLE,
)

ARGUMENT_SPEC: dict[str, Any] = {
    **two_users.ARGUMENT_SPEC,
    "amqp": {"type": "dict", "required": True},
    "tags": {"type": "list", "elements": "str", "default": []},
}
RETURNS = {**two_users.RETURNS, "dropped?": str}


def main() -> None:
    two_users.run(ARGUMENT_SPEC, answer)


def answer(params: Mapping[str, Any]) -> dict[str, Any]:
    """Carries out the state. Raises RotationError."""
    state, server, login, search = (params[name] for name in ("state", "amqp", "login", "search"))
    user, other, tags = login["username"], params["other"], params["tags"]
    admin = Management(params["server"], params["admin"])
    result: dict[str, Any] = {"place": admin.place}
    users.require_administrator(admin)
    if state == USABLE:
        try:
            users.require_usable(admin, server, login, other, tags, leaked=params["leaked"])
        except AmqpNoConnectionLeft as error:
            result["full"] = str(error)
    elif state == CHECKED:
        users.require_ready(admin, user, other, tags, leaked=params["leaked"])
    elif state == PRESENT:
        limits = users.create(admin, login, other, tags, leaked=params["leaked"])
        result.update({"dropped": limits} if limits else {})
    elif state == BLOCKED:
        result["ended"] = users.block(admin, server, login)
    else:
        held_tags = footholds.tags_held(admin, user) if search else None
        result.update(ended=users.revoke(admin, server, login), footholds=[])
        if search:
            result.update(footholds.search_footholds(admin, user, tags, held_tags, search))
    return result


if __name__ == "__main__":
    main()
