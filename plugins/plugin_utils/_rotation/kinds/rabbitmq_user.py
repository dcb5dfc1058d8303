# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A user of RabbitMQ: each rotation creates the other of two users and deletes the old one."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names, server_addresses
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.two_users import TwoUsers


class RabbitmqUser(TwoUsers):
    """The administrator asks the management API; the users log in by AMQP."""

    kind = Kind(
        kind_names.RABBITMQ_USER,
        "A user of RabbitMQ; two users, whose names end in _a and _b, alternate.",
        alternates="always",
        needs_admin=True,
        needs_user=True,
        options=("user",),
    )
    ways_in = (
        "users, policies and parameters, such as shovels, that the tags of {} allowed",
        "queues and bindings in the vhosts of {}",
    )
    ways_in_compared = (
        "users, permissions, policies and parameters at the server of {} were compared with the {}",
        "queues and bindings in the vhosts of {}",
    )
    program = main
    port = kind_names.PORTS[kind_names.RABBITMQ]
    removed = "deleted"
    blocked = main.BLOCKED

    def arguments(self, part: Part, server: dict[str, Any]) -> dict[str, Any]:
        options = part.setting.catalog.credentials[part.name].options
        return {
            "amqp": server_addresses.of_amqp(server, options),
            "tags": _tags(options),
            **super().arguments(part, server),
        }


def _tags(options: Any) -> list[str]:
    tags = options.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise RotationError("options.tags is not a list of tags; write for example tags: [monitoring]")
    return tags
