# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever somebody leaves at a RabbitMQ server is a difference, and its command removes it. A rotation leaves none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import RABBITMQ
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerDifference,
    ServerReading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import inventory
from sandbox.rabbitmq import ADMINISTRATOR, RabbitMQ
from tests.integration.rabbitmq_user.conftest import RIGHTS
from tests.integration.rabbitmq_user.world import OLD, RabbitShop
from tests.integration.server_checks import removals
from tests.integration.two_users import rotate

KEY = "k" * 64
OWN = server_baseline.own_names(["app_a", ADMINISTRATOR])
Request = tuple[str, dict[str, Any]]


def read(broker: RabbitMQ, *idle: str) -> ServerReading:
    return server_baseline.reading_of(inventory_of(broker, *idle))


def inventory_of(broker: RabbitMQ, *idle: str) -> dict[str, Any]:
    address = {"host": broker.host, "port": broker.port, "tls_mode": "disable"}
    login = {"username": ADMINISTRATOR, "password": broker.password}
    result = server_baseline.no_inventory()
    server_baseline.add(result, inventory.of_server(address, login, {"key": KEY, "own": OWN, "idle": idle}))
    return result


def source_of(reading: ServerReading) -> RecordedServer:
    return RecordedServer("2026-11-29T00:00:00Z", "op@host", reading.kinds, reading.entries, OWN)


def differences(broker: RabbitMQ, recorded: RecordedServer) -> list[ServerDifference]:
    return server_baseline.compare("mq", recorded, read(broker))


POLICY = {"pattern": ".*", "definition": {"dead-letter-exchange": "x"}, "apply-to": "queues"}
LIMIT = {"pattern": ".*", "definition": {"max-length": 9}, "apply-to": "queues"}
UPSTREAM = {"value": {"uri": "amqp://app:canary@evil.example.net"}}
BEFORE: dict[str, dict[str, Any]] = {
    "users/report": {"password": "canary-of-report", "tags": "monitoring"},
    "permissions/%2F/report": RIGHTS,
    "policies/%2F/kept": POLICY,
    "operator-policies/%2F/kept": LIMIT,
    "parameters/federation-upstream/%2F/kept": {"value": {"uri": "amqp://app:canary@partner.example.net"}},
    "global-parameters/kept": {"value": "canary"},
}
PLANTED: dict[str, Request] = {
    "a user": ("users/door", {"password": "canary", "tags": ""}),
    "a user without a password": ("users/door", {"password_hash": "", "tags": "administrator"}),
    "a user with the name of two that alternate": ("users/app_a%20or%20_b", {"password": "canary", "tags": ""}),
    "a permission": ("permissions/shop%2Feu/report", RIGHTS),
    "a topic permission": ("topic-permissions/%2F/report", {"exchange": "amq.topic", "write": "", "read": ".*"}),
    "a vhost": ("vhosts/door", {}),
    "a policy": ("policies/%2F/copies", POLICY),
    "an operator policy": ("operator-policies/shop%2Feu/own", LIMIT),
    "an upstream": ("parameters/federation-upstream/%2F/a'%20door", UPSTREAM),
    "a global parameter": ("global-parameters/own", {"value": "canary"}),
}
"""What is planted; the finding's command removes it."""
CHANGED: dict[str, tuple[Request, Request]] = {
    "a password": (("users/report", {"password": "evil", "tags": "monitoring"}), ("users/report", {})),
    "a tag": (("users/report", {"password_hash": "", "tags": "administrator"}), ("users/report", {})),
    "a tag of the application's user": (
        ("users/app_a", {"password": OLD, "tags": "administrator"}),
        ("users/app_a", {"password": OLD, "tags": ""}),
    ),
    "a permission": (("permissions/%2F/report", {**RIGHTS, "configure": ".*"}), ("permissions/%2F/report", RIGHTS)),
    "a permission of the application's user": (
        ("permissions/%2F/app_a", {**RIGHTS, "configure": ".*"}),
        ("permissions/%2F/app_a", RIGHTS),
    ),
    "tracing": (("vhosts/shop%2Feu", {"tracing": True}), ("vhosts/shop%2Feu", {"tracing": False})),
    "a policy": (("policies/%2F/kept", {**POLICY, "definition": {"max-length": 1}}), ("policies/%2F/kept", POLICY)),
    "a policy's pattern": (("policies/%2F/kept", {**POLICY, "pattern": "^a"}), ("policies/%2F/kept", POLICY)),
    "an upstream": (
        ("parameters/federation-upstream/%2F/kept", UPSTREAM),
        ("parameters/federation-upstream/%2F/kept", BEFORE["parameters/federation-upstream/%2F/kept"]),
    ),
    "a global parameter": (
        ("global-parameters/kept", {"value": "evil"}),
        ("global-parameters/kept", BEFORE["global-parameters/kept"]),
    ),
}
"""What is changed, and what undoes it."""
PATHS = {
    "delete_user": "users/{0}",
    "clear_permissions": "permissions/{0}/{1}",
    "clear_topic_permissions": "topic-permissions/{0}/{1}",
    "delete_vhost": "vhosts/{0}",
    "clear_policy": "policies/{0}/{1}",
    "clear_operator_policy": "operator-policies/{0}/{1}",
    "clear_parameter": "parameters/{1}/{0}/{2}",
    "clear_global_parameter": "global-parameters/{0}",
}
"""What rabbitmqctl asks for, which needs the server's cookie, at the API."""


def put(broker: RabbitMQ, path: str, body: dict[str, Any]) -> None:
    assert broker.asked("PUT", f"/{path}", body)[0] in (201, 204), path


def undo(broker: RabbitMQ, command: Sequence[str]) -> None:
    program, verb, *words = command
    assert program == "rabbitmqctl"
    names = [quote(word, safe="") for word in words if word != "-p"]
    assert broker.asked("DELETE", "/" + PATHS[verb].format(*names))[0] == 204, command


def test_what_is_left_at_rabbitmq(broker: RabbitMQ) -> None:
    for path, body in BEFORE.items():
        put(broker, path, body)
    before = next(user for user in broker.asked("GET", "/users")[1] if user["name"] == "report")
    recorded = source_of(read(broker))
    assert recorded.kinds == {*inventory.KINDS}
    assert "canary" not in str(recorded)
    assert before["password_hash"] not in str(recorded)
    assert differences(broker, recorded) == []
    for name, (path, body) in PLANTED.items():
        put(broker, path, body)
        planted = differences(broker, recorded)
        assert planted, name
        assert "canary" not in str(planted)
        commands = removals({"server": RABBITMQ}, "mq:5672", recorded, inventory_of(broker))
        for command in sorted(commands, key=lambda words: words[1] == "delete_vhost"):
            undo(broker, command)
        assert differences(broker, recorded) == [], name
    for name, ((path, body), (path_before, body_before)) in CHANGED.items():
        put(broker, path, body)
        (difference,) = differences(broker, recorded)
        assert "canary" not in str(difference), name
        put(broker, path_before, body_before or {**before, "tags": "monitoring"})
        assert differences(broker, recorded) == [], name
    for path in list(BEFORE)[2:]:
        broker.asked("DELETE", f"/{path}")


def test_a_rotation_of_rabbitmq_is_no_difference(shop: RabbitShop, broker: RabbitMQ) -> None:
    recorded = source_of(read(broker))
    assert {name for kind, name in recorded.entries if kind == "user"} == {"app_a or _b", ADMINISTRATOR}
    shop.world.created(shop.rotator)
    shop.act("set")
    assert differences(broker, recorded) == [], "while both are valid"
    rotate(shop, create=False)
    assert shop.stored[0] == "app_b"
    assert differences(broker, recorded) == []


ORDINARY: tuple[Request, ...] = (
    ("exchanges/%2F/visits", {"type": "topic"}),
    ("queues/%2F/visits", {"durable": True}),
    ("vhost-limits/%2F/max-queues", {"value": 900}),
    ("user-limits/app_a/max-channels", {"value": 9}),
    ("global-parameters/cluster_name", {"value": "shop"}),
)
"""What happens at any server."""


def test_ordinary_work_at_rabbitmq_is_no_difference(broker: RabbitMQ) -> None:
    own = f"permissions/%2F/{ADMINISTRATOR}"
    put(broker, own, dict.fromkeys(RIGHTS, ".*"))
    recorded = source_of(read(broker))
    for path, body in ORDINARY:
        put(broker, path, body)
        assert differences(broker, recorded) == [], path
    for path in ("exchanges/%2F/visits", "queues/%2F/visits", "vhost-limits/%2F/max-queues", own):
        broker.asked("DELETE", f"/{path}")


def test_an_idle_user_that_exists_is_a_difference(broker: RabbitMQ) -> None:
    """An intruder may make it: both of a pair have one name."""
    recorded = source_of(read(broker))
    assert server_baseline.compare("mq", recorded, read(broker, "app_b")) == []
    put(broker, "users/app_b", {"password": "canary", "tags": ""})
    (difference,) = server_baseline.compare("mq", recorded, read(broker, "app_b"))
    assert difference.finding == 'user "app_b" is not in the baseline (no tag): rabbitmqctl delete_user app_b'
