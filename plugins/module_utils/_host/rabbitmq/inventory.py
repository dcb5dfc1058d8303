# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what may let somebody in at a RabbitMQ cluster. Python 3.8.

Exchanges, queues and bindings are left out: applications declare them all the time.
"""

from __future__ import annotations

import json
import shlex
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import TOO_MANY, entry_of, keyed
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.management import Management

MOST = 5000
SERVERS_OWN = ("cluster_name", "cluster_tags", "internal_cluster_id")
"""Global parameters that every server has."""
LIMITS, OPERATOR_POLICY = "vhost-limits", "operator_policy"
"""Listed components that are skipped: one authorizes nobody, the other has its own list."""
KINDS = (
    *("user", "permission", "topic permission", "vhost", "policy", "operator policy", "parameter"),
    "global parameter",
)
_RIGHTS = ("configure", "write", "read")
_Row = Tuple[str, str, str, List[str]]
"""Kind, name, facts, and the arguments with which rabbitmqctl removes it."""


def of_server(address: Mapping[str, Any], login: Mapping[str, str], request: Mapping[str, Any]) -> Dict[str, Any]:
    admin = Management(address, login)
    users.require_administrator(admin)
    return read(admin, request)


def read(admin: Management, request: Mapping[str, Any]) -> Dict[str, Any]:
    """Kinds and entries. ``request`` has the ``key`` of digests, and the catalog's ``own`` users with their shown
    names. Raises RotationError, or any error of an unexpected answer."""
    reader = _RabbitmqReader(admin, request)
    readers = (reader.users, reader.permissions, reader.topics, reader.vhosts, reader.policies, reader.parameters)
    rows = [row for act in readers for row in act()]
    if len(rows) > MOST:
        raise RotationError("%s has more than %d users and policies, %s" % (admin.place, MOST, TOO_MANY))
    entries = [entry_of(kind, name, facts, shlex.join(["rabbitmqctl", *undo])) for kind, name, facts, undo in rows]
    return {"kinds": list(KINDS), "entries": entries}


class _RabbitmqReader:
    def __init__(self, admin: Management, request: Mapping[str, Any]) -> None:
        self._admin, self._key, self._own = admin, request["key"], request["own"]
        self._idle = request.get("idle", ())

    def _name(self, user: str) -> str:
        """The same name for two users that alternate. Another user may have that name, and an idle user does not
        exist."""
        if user in self._idle:
            return '"%s"' % user
        label = str(self._own.get(user, user))
        return '"%s"' % user if label == user and user in self._own.values() and user not in self._own else label

    def _digest(self, value: Any) -> str:
        return "digest %s" % keyed(self._key, json.dumps(value, sort_keys=True))

    def users(self) -> Iterator[_Row]:
        """Users, without passwords of the catalog's own users, which each rotation changes."""
        for entry in self._admin.entries("users"):
            user = self._admin.text(entry, "name")
            facts = "tags %s" % ", ".join(users.tags_of(entry)) if users.tags_of(entry) else "no tag"
            if user not in self._own:
                hashed = [entry.get("password_hash"), entry.get("hashing_algorithm")]
                facts += ", %s" % self._digest(hashed) if hashed[0] else ", no password"
            yield "user", self._name(user), facts, ["delete_user", user]

    def permissions(self) -> Iterator[_Row]:
        for entry in self._admin.entries("permissions"):
            user, vhost = (self._admin.text(entry, name) for name in ("user", "vhost"))
            name = "of %s in vhost %s" % (self._name(user), vhost)
            yield "permission", name, self._rights(entry, _RIGHTS), ["clear_permissions", "-p", vhost, user]

    def topics(self) -> Iterator[_Row]:
        for entry in self._admin.entries("topic-permissions"):
            user, vhost, exchange = (self._admin.text(entry, name) for name in ("user", "vhost", "exchange"))
            name = "of %s on exchange %s in vhost %s" % (self._name(user), exchange, vhost)
            undo = ["clear_topic_permissions", "-p", vhost, user, exchange]
            yield "topic permission", name, self._rights(entry, _RIGHTS[1:]), undo

    def _rights(self, entry: Mapping[str, Any], names: Tuple[str, ...]) -> str:
        return ", ".join("%s %s" % (name, json.dumps(self._admin.text(entry, name))) for name in names)

    def vhosts(self) -> Iterator[_Row]:
        """Vhosts with their tracing, which copies each message to an exchange."""
        for entry in self._admin.entries("vhosts"):
            vhost = self._admin.text(entry, "name")
            yield "vhost", vhost, "tracing" if entry.get("tracing") else "", ["delete_vhost", vhost]

    def policies(self) -> Iterator[_Row]:
        for kind, path in {"policy": "policies", "operator policy": "operator-policies"}.items():
            for entry in self._admin.entries(path):
                name, vhost, pattern = (self._admin.text(entry, each) for each in ("name", "vhost", "pattern"))
                about = (json.dumps(pattern), entry.get("apply-to"), entry.get("priority"))
                facts = "pattern %s, applies to %s, priority %s, " % about + self._digest(entry.get("definition"))
                undo = ["clear_%s" % kind.replace(" ", "_"), "-p", vhost, name]
                yield kind, "%s in vhost %s" % (name, vhost), facts, undo

    def parameters(self) -> Iterator[_Row]:
        """Parameters such as shovels and upstreams, whose addresses contain passwords."""
        for entry in self._admin.entries("parameters"):
            component, name, vhost = (self._admin.text(entry, each) for each in ("component", "name", "vhost"))
            if component not in (LIMITS, OPERATOR_POLICY):
                undo = ["clear_parameter", "-p", vhost, component, name]
                yield (
                    "parameter",
                    "%s %s in vhost %s" % (component, name, vhost),
                    self._digest(entry.get("value")),
                    undo,
                )
        for entry in self._admin.entries("global-parameters"):
            name = self._admin.text(entry, "name")
            if name not in SERVERS_OWN:
                yield "global parameter", name, self._digest(entry.get("value")), ["clear_global_parameter", name]
