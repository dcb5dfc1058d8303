# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the program finds at a RabbitMQ server before it changes a user, and hostile servers."""

from __future__ import annotations

import socket
import struct

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import amqp, management, users
from sandbox.rabbitmq import ADMINISTRATOR, RabbitMQ
from tests.hostile import receivers
from tests.hostile.receivers import Receiver
from tests.integration.certificates import Authority
from tests.integration.rabbitmq_user.world import OLD, Programs, RabbitShop, refusal


def test_over_tls(broker: RabbitMQ, programs: Programs, authority: Authority) -> None:
    address = {"address": f"127.0.0.1:{broker.tls_port}", "options": {"amqp": f"127.0.0.1:{broker.tls_amqp}"}}
    verified = {"mode": "verify-full", "ca": str(authority.cafile)}
    assert RabbitShop(broker, programs, tls=verified, **address).act("check") == {}
    shop = RabbitShop(broker, programs, tls={"mode": "verify-full"}, **address)
    assert "its TLS cannot be verified: give its authority in server.tls.ca" in refusal(shop, "check")
    with (
        pytest.raises(RotationError, match="does not answer as RabbitMQ"),
        amqp.connected({**programs.args["amqp"], "ca": None}, {"username": "app_a", "password": OLD}, "/"),
    ):
        pytest.fail("logs in")


def test_an_administrator_with_too_few_rights(shop: RabbitShop, broker: RabbitMQ) -> None:
    shop.world.write("username", "reader", name="boss-test")
    shop.world.write("token", "canary", name="boss-test")
    assert "rejects administrator reader" in refusal(shop, "check")
    broker.asked("PUT", "/users/reader", {"password": "canary", "tags": "monitoring"})
    assert "the administrator has no tag administrator" in refusal(shop, "check")


def test_an_administrator_that_takes_turns_itself(shop: RabbitShop) -> None:
    shop.world.write("username", "app_b", name="boss-test")
    assert "administrator boss logs in as app_b, which a rotation replaces" in refusal(shop, "check")


def test_a_user_that_the_server_does_not_have(broker: RabbitMQ, programs: Programs) -> None:
    broker.asked("DELETE", "/users/app_a")
    assert "has no user app_a; create it" in refusal(RabbitShop(broker, programs), "check")


def test_a_user_without_permissions(broker: RabbitMQ, programs: Programs) -> None:
    broker.asked("PUT", "/users/app_a", {"password": OLD, "tags": ""})
    for vhost in ("%2F", "shop%2Feu"):
        broker.asked("DELETE", f"/permissions/{vhost}/app_a")
    assert "user app_a has no permissions in any vhost" in refusal(RabbitShop(broker, programs), "check")


def test_a_user_with_too_few_connections(broker: RabbitMQ, programs: Programs) -> None:
    broker.asked("PUT", "/user-limits/app_a/max-connections", {"value": 0})
    message = refusal(RabbitShop(broker, programs), "check")
    assert "user app_a logs in" in message
    assert "cannot open vhost / (code 530)" in message


def test_tags_that_are_no_list(broker: RabbitMQ, programs: Programs) -> None:
    assert "options.tags is not a list" in refusal(
        RabbitShop(broker, programs, options={"tags": "monitoring"}), "check"
    )


def test_two_servers(shop: RabbitShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of AMQP leads to a server whose connections the administrator does not see, so it would end none."""
    monkeypatch.setattr(users, "PAUSE", 0)
    monkeypatch.setattr(users, "_connections", lambda *_: [])
    assert "the administrator sees no connection of user app_a" in refusal(shop, "check")


class Api:
    """Answers a request that has no body."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def __call__(self, client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(self.answer)


def http(content: bytes, status: bytes = b"200 OK", more: bytes = b"") -> Api:
    return Api(b"HTTP/1.1 " + status + b"\r\n" + more + b"Content-Length: %d\r\n\r\n" % len(content) + content)


@pytest.mark.parametrize(
    ("talk", "message"),
    [
        (
            http(b"", b"307 Temporary Redirect", b"Location: http://127.0.0.1:1/api/whoami\r\n"),
            "redirects are not followed",
        ),
        (http(b"<html><body>welcome</body></html>"), "does not answer as RabbitMQ's management API"),
        (http(b"[" * 100000), "does not answer as RabbitMQ's management API"),
        (http(b'["canary"]'), "does not answer as RabbitMQ's management API"),
        (http(b'{"tags": {"administrator": 1}}'), "has no tag administrator"),
        (http(b'{"name": "canary"}', b"500 canary"), r"\(HTTP status 500\)"),
        (http(b" " * (20 << 20)), r"\(more than 4 MiB\)"),
        (receivers.flooding, r"\(more than 4 MiB\)"),
        (receivers.flooding_head, r"\((LineTooLong|HTTPException)\)"),
        (receivers.dripping, r"\(timed out\)"),
        (receivers.silent, r"\((timed out|TimeoutError)\)"),
        (lambda _client: None, r"\((RemoteDisconnected|ConnectionResetError)\)"),
    ],
)
def test_an_api_that_answers_anything(
    broker: RabbitMQ, programs: Programs, talk: receivers.Talk, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(management, "SECONDS", 1.0 if talk in (receivers.dripping, receivers.silent) else 30.0)
    with Receiver(talk) as receiver:
        shop = RabbitShop(broker, programs, address=f"127.0.0.1:{receiver.port}")
        with pytest.raises(RotationError, match=message) as caught:
            shop.act("check")
    assert "canary" not in str(caught.value)


def test_a_port_without_a_server(broker: RabbitMQ, programs: Programs) -> None:
    shop = RabbitShop(broker, programs, address="127.0.0.1:1")
    assert "127.0.0.1:1: GET /api/whoami" in refusal(shop, "check")
    shop = RabbitShop(broker, programs, options={"amqp": "127.0.0.1:1"})
    assert "127.0.0.1:1 does not answer as RabbitMQ (ConnectionRefusedError)" in refusal(shop, "check")


def method(first: int, second: int, content: bytes = b"") -> bytes:
    payload = struct.pack(">HH", first, second) + content
    return struct.pack(">BHI", 1, 0, len(payload)) + payload + b"\xce"


class Amqp:
    """Sends one answer to each thing that it receives."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers

    def __call__(self, client: socket.socket) -> None:
        for content in self.answers:
            client.recv(65536)
            client.sendall(content)
        receivers.silent(client)


START, TUNE = method(10, 10), method(10, 30, bytes(8))


@pytest.mark.parametrize(
    "talk",
    [
        Amqp(b"AMQP\x00\x00\x09\x01"),  # another version
        Amqp(struct.pack(">BHI", 1, 0, 2**32 - 1)),
        Amqp(START[:-1] + b"\x00"),
        Amqp(method(10, 10)[:9]),
        Amqp(b"\x08" + START[1:]),
        Amqp(START, method(10, 20)),  # a mechanism that asks for more
        Amqp(START, TUNE, method(20, 11)),
        Amqp(START, TUNE, struct.pack(">BHI", 1, 0, 1) + b"\x00\xce"),
        Amqp(START, method(10, 50)),
        Amqp(b"<html>" * 1000),
        receivers.dripping,
        receivers.silent,
        receivers.flooding,
        lambda _client: None,
    ],
)
def test_a_broker_that_answers_anything(
    broker: RabbitMQ, programs: Programs, talk: receivers.Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken for a server that rejects the login: that would let an old password count as revoked."""
    monkeypatch.setattr(amqp, "SECONDS", 1.0)
    with Receiver(talk) as receiver:
        shop = RabbitShop(broker, programs, options={"amqp": f"127.0.0.1:{receiver.port}"})
        assert "does not answer as RabbitMQ (" in refusal(shop, "check")
        server, admin, address = (programs.args[name] for name in ("server", "admin", "amqp"))
        with pytest.raises(RotationError, match=r"does not answer as RabbitMQ \("):
            users.revoke(management.Management(server, admin), address, {"username": "app_a", "password": OLD})


def test_a_server_that_still_accepts_the_deleted_user(
    shop: RabbitShop, broker: RabbitMQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one with another directory of users behind it."""
    shop.to("revoke")
    shop.act("set")
    delete = management.Management.delete
    monkeypatch.setattr(
        management.Management,
        "delete",
        lambda api, *path: None if path == ("users", "app_a") else delete(api, *path),
    )
    assert "still accepts user app_a after it was deleted; check auth_backends" in refusal(shop, "revoke")
    assert ADMINISTRATOR not in refusal(shop, "revoke")
