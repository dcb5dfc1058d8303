# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After a leak, RabbitMQ is compared with its baseline, and users that nothing explains are deleted on request."""

from __future__ import annotations

import time

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import inventory, provider_users
from sandbox.rabbitmq import ADMINISTRATOR, RabbitMQ
from tests.integration.rabbitmq_user.conftest import RIGHTS
from tests.integration.rabbitmq_user.test_rabbitmq_inventory import KEY, POLICY, put, read, source_of
from tests.integration.rabbitmq_user.world import OLD, Programs, RabbitShop, accepts, connect


def compared(broker: RabbitMQ, programs: Programs) -> RabbitShop:
    """An application whose server has a baseline, at which somebody left things since."""
    put(broker, "users/report_a", {"password": OLD, "tags": ""})
    shop = RabbitShop(broker, programs)
    shop.close("aborted")
    place = f"127.0.0.1:{broker.port}"
    shop.baseline = ServerBaseline("shop", "test", KEY, {place: source_of(read(broker))})
    for user in ("thief", "report_b", provider_users.MONITORING, "app_a or _b"):
        put(broker, f"users/{user.replace(' ', '%20')}", {"password": OLD, "tags": ""})
        put(broker, f"permissions/shop%2Feu/{user.replace(' ', '%20')}", RIGHTS)
    put(broker, "policies/%2F/copies", POLICY)
    return shop


LEFT = [
    *("permission of monitoring-AWS-OWNED-DO-NOT-DELETE in vhost shop/eu", "permission of report_b in vhost shop/eu"),
    *("policy copies in vhost /", "user monitoring-AWS-OWNED-DO-NOT-DELETE", "user report_b"),
]
"""Another application's rotation makes a second user, and nobody deletes that of a provider."""


def named(footholds: list[str]) -> list[str]:
    return sorted(line.partition(" is not in the baseline")[0] for line in footholds)


def test_a_leak_response_names_what_was_added(broker: RabbitMQ, programs: Programs) -> None:
    shop = compared(broker, programs)
    answer = shop.revoked_after_a_leak()
    broker.asked("DELETE", "/policies/%2F/copies")
    assert (answer["baseline"], answer["evicted"]) == ("baseline of 2026-11-29", [])
    of_users = [
        f"{kind}{name}{end}"
        for name in ("thief", '"app_a or _b"')
        for kind, end in (("permission of ", " in vhost shop/eu"), ("user ", ""))
    ]
    assert named(answer["footholds"]) == sorted([*LEFT, *of_users])
    assert accepts(broker, "thief", OLD)


def test_a_leak_response_deletes_the_users_that_nothing_explains(broker: RabbitMQ, programs: Programs) -> None:
    shop = compared(broker, programs)
    with connect(broker, "thief", OLD):
        while not broker.asked("GET", "/connections/username/thief")[1]:
            time.sleep(0.2)
        answer = shop.revoked_after_a_leak(evicts=True)
        assert broker.asked("GET", "/connections/username/thief")[1] == []
    broker.asked("DELETE", "/policies/%2F/copies")
    assert answer["evicted"] == [
        "unknown user app_a or _b, deleted by: rabbitmqctl delete_user 'app_a or _b'",
        "unknown user thief, deleted by: rabbitmqctl delete_user thief",
    ]
    assert named(answer["footholds"]) == LEFT
    users = {user["name"] for user in broker.asked("GET", "/users")[1]}
    assert users == {ADMINISTRATOR, "app_b", "report_a", "report_b", provider_users.MONITORING}


@pytest.mark.parametrize("name", ["..", "bulk-delete", "without-permissions"])
def test_a_user_that_no_path_names_is_deleted_with_the_others(broker: RabbitMQ, programs: Programs, name: str) -> None:
    """Whoever may upload definitions can make one."""
    shop = compared(broker, programs)
    user = {"name": name, "password_hash": "", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": []}
    assert broker.asked("POST", "/definitions", {"users": [user]})[0] == 204
    answer = shop.revoked_after_a_leak(evicts=True)
    broker.asked("DELETE", "/policies/%2F/copies")
    users = {user["name"] for user in broker.asked("GET", "/users")[1]}
    assert users == {ADMINISTRATOR, "app_b", "report_a", "report_b", provider_users.MONITORING}
    assert f"unknown user {name}, deleted by: rabbitmqctl delete_user {name}" in answer["evicted"]


def test_without_a_baseline_no_user_is_deleted(broker: RabbitMQ, programs: Programs) -> None:
    shop = compared(broker, programs)
    shop.baseline = None
    answer = shop.revoked_after_a_leak(evicts=True)
    broker.asked("DELETE", "/policies/%2F/copies")
    assert "evicted" not in answer
    assert accepts(broker, "thief", OLD)


@pytest.mark.parametrize("tag", ["administrator", "policymaker"])
def test_a_comparison_that_fails_leaves_the_other_findings(
    broker: RabbitMQ, programs: Programs, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = compared(broker, programs)
    put(broker, "users/app_a", {"password": OLD, "tags": tag})
    monkeypatch.setattr(inventory, "MOST", 3)
    footholds = shop.revoked_after_a_leak()["footholds"]
    broker.asked("DELETE", "/policies/%2F/copies")
    assert any(line.startswith("policy copies in vhost /") for line in footholds)
    assert any(line.startswith("user thief is not in the catalog") for line in footholds) is (tag == "administrator")
    assert "not compared with its baseline: " in footholds[-1]
    assert "has more than 3 users and policies" in footholds[-1]


@pytest.mark.parametrize(
    ("host", "is_amazon"),
    [
        ("b-1234-5678.mq.us-east-1.amazonaws.com", True),
        ("b-1234-5678.mq.eu-central-1.on.aws", True),
        ("mq.example.net", False),
        ("b-1.mq.us-east-1.amazonaws.com.evil.example.net", False),
    ],
)
def test_the_user_of_amazon_mq(host: str, *, is_amazon: bool) -> None:
    assert provider_users.is_providers(provider_users.MONITORING, host) is is_amazon
    assert not provider_users.is_providers("thief", host)
