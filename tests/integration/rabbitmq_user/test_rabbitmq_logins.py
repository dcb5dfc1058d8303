# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a verification sees of the users of a RabbitMQ server: planted ones, and those that are as they should be."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import server_logins
from sandbox.rabbitmq import ADMINISTRATOR, RabbitMQ
from tests import planted
from tests.integration.rabbitmq_user.conftest import RIGHTS
from tests.integration.rabbitmq_user.world import OLD
from tests.integration.server_checks import judged

USERS = "Users of RabbitMQ"
PLACE = "mq.internal:15671"


def seen(broker: RabbitMQ, *, user: str = ADMINISTRATOR, password: str = "", **over: Any) -> dict[str, Any]:
    tags = over.pop("tags", [])
    entry = {
        "server": "rabbitmq",
        "place": PLACE,
        "logins": [{"credential": "mail", "users": ["app_a", "app_b"], "tags": tags}],
        "databases": ["/", "shop/eu"],
        "admin_url": f"rabbitmq://{user}:{password or broker.password}@{PLACE}",
        "address": {"host": broker.host, "port": broker.port, "tls_mode": "disable"},
        "nodes": [],
        "known": {"app_a": [], ADMINISTRATOR: []},
        "inventory": None,
        "honeytokens": [],
        **over,
    }
    result = server_logins.seen([entry], 5)[PLACE]
    assert broker.password not in str(result)
    judged("rabbitmq", result, "WPS1101", "WPS1102")
    return result


def test_users_as_they_should_be(broker: RabbitMQ) -> None:
    result = seen(broker)
    assert (result["problems"], result["listed"], result["seen"]) == ([], True, 2)
    assert (result["rights"], result["unexplained"]) == ({"mail": []}, [])


@planted.mistakes(USERS, planted.SERVER, rows={"a tag that the catalog does not grant": "WPS1101"})
def test_a_tag_that_the_catalog_does_not_grant(broker: RabbitMQ) -> None:
    broker.asked("PUT", "/users/app_a", {"password": OLD, "tags": "monitoring,policymaker"})
    assert seen(broker)["rights"] == {"mail": ["app_a: tag monitoring", "app_a: tag policymaker"]}
    assert seen(broker, tags=["monitoring"])["rights"] == {"mail": ["app_a: tag policymaker"]}
    assert seen(broker, tags=["monitoring", "policymaker"])["rights"] == {"mail": []}


@planted.mistakes(USERS, planted.SERVER, rows={"permissions in another vhost": "WPS1101"})
def test_permissions_in_another_vhost(broker: RabbitMQ) -> None:
    assert seen(broker, databases=["shop/eu"])["rights"] == {"mail": ["app_a: permissions in vhost /"]}
    assert seen(broker, databases=[])["rights"] == {"mail": []}, "which are its own is not known"


@planted.mistakes(USERS, planted.SERVER, rows={"an unknown user": "WPS1102", "the user whose turn is over": "WPS1102"})
def test_unknown_users(broker: RabbitMQ) -> None:
    """One without a password too: it may log in with a certificate."""
    broker.asked("PUT", "/users/mallory", {"password": "canary", "tags": ""})
    broker.asked("PUT", "/users/app_b", {"password_hash": "", "tags": ""})
    unknown = [{"name": name, "known": False, "nopass": False} for name in ("app_b", "mallory")]
    assert seen(broker)["unexplained"] == unknown
    assert seen(broker, known={"app_a": [], "app_b": [], ADMINISTRATOR: []})["unexplained"] == unknown[1:]


@planted.mistakes(USERS, planted.SERVER, rows={"guest": "WPS1102"})
@pytest.mark.parametrize(("password", "nopass"), [("guest", True), ("canary", False)])
def test_guest(broker: RabbitMQ, password: str, *, nopass: bool) -> None:
    broker.asked("PUT", "/users/guest", {"password": password, "tags": "administrator"})
    assert seen(broker)["unexplained"] == [{"name": "guest", "known": False, "nopass": nopass}]
    known = {"app_a": [], "guest": [], ADMINISTRATOR: []}
    expected = [{"name": "guest", "known": True, "nopass": True}] if nopass else []
    assert seen(broker, known=known)["unexplained"] == expected


@planted.mistakes(USERS, planted.SERVER, rows={"rights of the other user": "WPS1101"})
def test_rights_of_the_other_user_count_too(broker: RabbitMQ) -> None:
    broker.asked("PUT", "/users/app_b", {"password": "canary", "tags": "administrator"})
    broker.asked("PUT", "/permissions/%2F/app_b", RIGHTS)
    assert seen(broker)["rights"] == {"mail": ["app_b: tag administrator"]}


def test_a_user_that_is_gone_has_no_rights(broker: RabbitMQ) -> None:
    broker.asked("DELETE", "/users/app_a")
    result = seen(broker)
    assert (result["listed"], result["rights"]) == (True, {})


def test_without_its_administrator_nothing_is_asked(broker: RabbitMQ) -> None:
    result = seen(broker, admin_url="")
    assert (result["listed"], result["problems"], result["rights"]) == (False, [], {})


def test_an_administrator_that_cannot_ask(broker: RabbitMQ) -> None:
    result = seen(broker, user="app_a", password=OLD)
    assert (result["listed"], "rejects administrator app_a" in result["problems"][0]) == (False, True)
    broker.asked("PUT", "/users/app_a", {"password": OLD, "tags": "monitoring"})
    result = seen(broker, user="app_a", password=OLD)
    assert (result["listed"], "no tag administrator" in result["problems"][0]) == (False, True)


def test_a_server_with_more_users_than_are_asked_for(broker: RabbitMQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_logins.rabbitmq_logins, "ROWS", 1)
    assert "more than 1 users" in seen(broker)["problems"][0]
