# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users of RabbitMQ that alternate, on a real server: each stage, killed at each request."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import footholds, users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.management import Management
from sandbox.rabbitmq import ADMINISTRATOR, RabbitMQ
from tests.integration.rabbitmq_user.conftest import RIGHTS
from tests.integration.rabbitmq_user.world import OLD, Programs, RabbitShop, accepts, connect, refusal
from tests.integration.two_users import rotate
from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import R2, Killed


def rights(broker: RabbitMQ, user: str) -> list[Any]:
    paths = ("", "/permissions", "/topic-permissions")
    answers = [broker.asked("GET", f"/users/{user}{path}")[1] for path in paths]
    text = str(answers[1:]).replace(user, "USER")
    return [answers[0]["tags"], answers[0]["limits"], text]


def test_two_rotations(shop: RabbitShop, broker: RabbitMQ) -> None:
    """The new user may do what the old one could, and nothing of the old one stays."""
    before = rights(broker, "app_a")
    assert shop.act("check") == {}
    with connect(broker, "app_a", OLD):
        assert rotate(shop) == f"user app_a is deleted at 127.0.0.1:{broker.port}; 1 sessions ended"
        assert broker.asked("GET", "/connections/username/app_a")[1] == []
    first = shop.stored
    assert first[0] == "app_b"
    assert rights(broker, "app_b") == before
    assert shop.works
    assert not accepts(broker, "app_a", OLD)
    shop.rotator = shop.world.begun("mail", rotation=R2)
    assert shop.act("check") == {}
    rotate(shop)
    assert shop.stored[0] == "app_a"
    assert rights(broker, "app_a") == before
    assert shop.works
    assert not accepts(broker, str(first[0]), str(first[1]))


def test_killed_at_each_request(broker: RabbitMQ, programs: Programs) -> None:
    """The application's login works throughout, and the same stages again finish the work."""
    for at in itertools.count():
        broker.asked("PUT", "/users/app_a", {"password": OLD, "tags": ""})
        broker.asked("PUT", "/permissions/shop%2Feu/app_a", {"configure": ".*", "write": ".*", "read": ".*"})
        shop = RabbitShop(broker, programs)
        count = itertools.count()

        def kill(count: itertools.count[int] = count, at: int = at) -> None:
            if next(count) == at:
                raise Killed

        programs.before = kill
        try:
            rotate(shop)
            break
        except Killed:
            programs.before = lambda: None
        assert shop.works
        shop.rotator = shop.world.taken_over()
        if shop.rotator.holding()[1].step == "revoke":
            shop.act("revoke")
        else:
            rotate(shop, create=False)
        assert shop.works
        assert shop.stored[0] == "app_b"
        assert not accepts(broker, "app_a", OLD)
    assert at > 20


def test_a_rollback_deletes_the_new_user(shop: RabbitShop, broker: RabbitMQ) -> None:
    shop.world.created(shop.rotator)
    shop.act("set")
    new = shop.rotator.values(shop.rotator.holding()[1], made=True).credentials["mail"]
    assert accepts(broker, str(new.username), str(new.password))
    shop.rotator.advance("withdraw")
    shop.act("revoke")
    assert not accepts(broker, str(new.username), str(new.password))
    assert accepts(broker, "app_a", OLD)


def test_a_new_login_that_does_not_work_keeps_the_old_one(shop: RabbitShop, broker: RabbitMQ) -> None:
    shop.to("revoke")
    assert "has no user app_b" in refusal(shop, "revoke")
    assert accepts(broker, "app_a", OLD)


def test_new_rights_that_differ_from_the_old_ones(shop: RabbitShop, broker: RabbitMQ) -> None:
    """Such as those that somebody changes during the rotation."""
    shop.to("set")
    shop.act("set")
    broker.asked("PUT", "/permissions/%2F/app_b", {"configure": "", "write": "", "read": ""})
    assert "users app_b and app_a have different permissions" in refusal(shop, "test")


@pytest.mark.parametrize("user", ["app", "root_a", ADMINISTRATOR, "app_c", "app_a\n"])
def test_a_store_cannot_choose_another_user(shop: RabbitShop, programs: Programs, user: str) -> None:
    shop.world.write("MAIL_USER", user)
    programs.before = lambda: pytest.fail("asks the server")
    assert "in the store is neither app_a nor app_b, which options.user names" in refusal(shop, "check")


def test_a_user_whose_password_was_changed(shop: RabbitShop, broker: RabbitMQ) -> None:
    broker.asked("PUT", "/users/app_a", {"password": "another", "tags": ""})
    assert "rejects the login of user app_a" in refusal(shop, "check")


def test_an_application_with_an_administrators_tag(broker: RabbitMQ, programs: Programs) -> None:
    """It could make users of its own, which outlive a rotation. The catalog may allow a tag."""
    broker.asked("PUT", "/users/app_a", {"password": OLD, "tags": "administrator,monitoring"})
    shop = RabbitShop(broker, programs)
    assert "user app_a has the tag administrator, monitoring" in refusal(shop, "check")
    allowing = RabbitShop(broker, programs, options={"tags": ["monitoring"]})
    assert "user app_a has the tag administrator at" in refusal(allowing, "check")
    broker.asked("PUT", "/users/app_a", {"password": OLD, "tags": "monitoring"})
    allowing.act("check")
    rotate(allowing)
    assert rights(broker, "app_b")[0] == ["monitoring"]


def test_a_leaked_login_with_an_administrators_tag(broker: RabbitMQ, programs: Programs) -> None:
    """It stops no containment, gets no new tag, and is a possible way in."""
    broker.asked("PUT", "/users/app_a", {"password": "changed by the attacker", "tags": "administrator"})
    broker.asked("PUT", "/users/door", {"password": OLD, "tags": "administrator"})
    broker.asked("PUT", "/users/app_b", {"password": OLD, "tags": "administrator"})
    shop = RabbitShop(broker, programs)
    shop.leak()
    assert shop.act("check") == {}
    shop.act("block")
    shop.world.created(shop.rotator)
    shop.act("set")
    shop.rotator.advance("test")
    shop.act("test")
    shop.rotator.advance("revoke")
    tag, door = shop.act("revoke")["footholds"]
    assert tag.startswith("user app_a had the tag administrator at")
    command = "rabbitmqctl delete_user door"
    assert door == f"user door is not in the catalog (administrator; permissions in no vhost): {command}"
    assert rights(broker, "app_b")[0] == []
    assert not accepts(broker, "app_b", OLD)


PLANTED = {
    "policies/%2F/copies": {"pattern": ".*", "definition": {"dead-letter-exchange": "x"}},
    "operator-policies/shop%2Feu/own": {"pattern": ".*", "definition": {"max-length": 9}, "apply-to": "queues"},
    "parameters/federation-upstream/%2F/a'%20door": {"value": {"uri": "amqp://app:canary@evil.example.net"}},
    "global-parameters/own": {"value": "canary"},
}
"""What an administrator's tag allows, and of it the first three what the tag policymaker allows."""


@pytest.fixture
def planted(broker: RabbitMQ) -> Iterator[None]:
    broker.asked("PUT", "/users/door", {"password": OLD, "tags": ""})
    broker.asked("PUT", "/permissions/%2F/door", RIGHTS)
    assert [broker.asked("PUT", f"/{path}", body)[0] for path, body in PLANTED.items()] == [201] * len(PLANTED)
    yield
    for path in PLANTED:
        broker.asked("DELETE", f"/{path}")


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(("tag", "number"), [("administrator", 5), ("policymaker", 3), ("monitoring", 0)])
def test_what_a_leaked_login_could_make_is_named_with_the_command(
    broker: RabbitMQ, programs: Programs, tag: str, number: int
) -> None:
    """By the tags that the catalog allows, too. No value of a parameter is shown."""
    broker.asked("PUT", "/users/app_a", {"password": OLD, "tags": tag})
    shop = RabbitShop(broker, programs, options={"tags": [tag]})
    shop.leak()
    shop.to("set")
    shop.act("set")
    shop.rotator.advance("revoke")
    footholds = shop.act("revoke")["footholds"]
    assert len(footholds) == number
    lines = (
        "user door is not in the catalog (no tag; permissions in /): rabbitmqctl delete_user door",
        "global parameter own: if it is not yours, rabbitmqctl clear_global_parameter own",
        "policy copies in vhost /: if it is not yours, rabbitmqctl clear_policy -p / copies",
        "operator policy own in vhost shop/eu: if it is not yours, rabbitmqctl clear_operator_policy -p shop/eu own",
        (
            "federation-upstream a' door in vhost /: if it is not yours, rabbitmqctl clear_parameter -p / "
            "federation-upstream 'a'\"'\"' door'"
        ),
    )
    assert sorted(footholds) == sorted(lines if number == 5 else lines[2:] if number else ())


def test_a_server_that_does_not_tell_stops_no_revocation(
    broker: RabbitMQ, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.asked("PUT", "/users/app_a", {"password": OLD, "tags": "policymaker"})
    shop = RabbitShop(broker, programs, options={"tags": ["policymaker"]})
    shop.leak()
    shop.to("set")
    shop.act("set")
    shop.rotator.advance("revoke")

    def broken(admin: Management) -> list[str]:
        raise RotationError(f"{admin.place} sends more than 4 MiB")

    monkeypatch.setattr(footholds, "_policies", broken)
    assert shop.act("revoke")["footholds"] == [f"not checked: 127.0.0.1:{broker.port} sends more than 4 MiB"]
    assert not accepts(broker, "app_a", OLD)


def test_a_leaked_user_is_blocked_before_a_new_value_is_made(shop: RabbitShop, broker: RabbitMQ) -> None:
    """The new user gets the rights of the blocked one."""
    before = rights(broker, "app_a")
    with connect(broker, "app_a", OLD):
        assert shop.act("block")["message"] == f"user app_a cannot log in at 127.0.0.1:{broker.port}; 1 sessions ended"
        assert broker.asked("GET", "/connections/username/app_a")[1] == []
    assert not accepts(broker, "app_a", OLD)
    assert not accepts(broker, "app_a", "")
    rotate(shop)
    assert rights(broker, "app_b") == before
    assert shop.works


def test_a_user_that_its_holder_makes_again_is_named(
    shop: RabbitShop, broker: RabbitMQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a request that the server accepted before it deleted the user."""
    end = users.end_connections

    def made_again(admin: Management, user: str) -> int:
        broker.asked("PUT", "/users/app_a", {"password": "canary-of-the-thief", "tags": "administrator"})
        return end(admin, user)

    broker.asked("PUT", "/users/app_a", {"password": OLD, "tags": "administrator"})
    shop.leak()
    shop.to("set")
    shop.act("set")
    shop.rotator.advance("revoke")
    monkeypatch.setattr(users, "end_connections", made_again)
    assert any(line.startswith("user app_a ") for line in shop.act("revoke")["footholds"][1:])


@pytest.mark.parametrize("limit", ["max-connections", "max-channels"])
def test_limits_that_a_thief_set_are_not_copied(shop: RabbitShop, broker: RabbitMQ, limit: str) -> None:
    shop.leak()
    broker.asked("PUT", f"/user-limits/app_a/{limit}", {"value": 0})
    shop.to("set")
    message = str(shop.act("set")["message"])
    assert "; the limits of app_a were not copied: max-c" in message
    assert f"{limit} 0" in message
    shop.act("test")
    shop.rotator.advance("revoke")
    shop.act("revoke")
    assert not accepts(broker, "app_a", OLD)
    assert broker.asked("GET", "/user-limits/app_b")[1] == []


def test_a_leaked_user_that_has_deleted_itself(shop: RabbitShop, broker: RabbitMQ) -> None:
    """Its permissions are gone too, so a person must make it again."""
    shop.leak()
    broker.asked("DELETE", "/users/app_a")
    assert shop.act("block")["message"] == f"user app_a cannot log in at 127.0.0.1:{broker.port}; 0 sessions ended"
    shop.to("set")
    assert "has no user app_a; create it with the application's permissions" in refusal(shop, "set")


@pytest.mark.parametrize("leak", [True, False])
def test_who_takes_every_connection_stops_no_leak_response(shop: RabbitShop, broker: RabbitMQ, leak: bool) -> None:
    if leak:
        shop.leak()
    shop.to("set")
    shop.act("set")
    broker.asked("PUT", "/vhost-limits/shop%2Feu/max-connections", {"value": 1})
    try:
        with connect(broker, "app_a", OLD):
            if leak:
                shop.act("test")
            else:
                assert "cannot open vhost shop/eu (code 530)" in refusal(shop, "test")
    finally:
        broker.asked("DELETE", "/vhost-limits/shop%2Feu/max-connections")
    assert accepts(broker, "app_a", OLD) is not leak


def test_a_graceful_leak_response_keeps_the_login_in_use_for_a_rollback(shop: RabbitShop, broker: RabbitMQ) -> None:
    shop.leak()
    shop.to("set")
    shop.act("set")
    broker.asked("PUT", "/user-limits/app_b/max-connections", {"value": 0})
    broker.asked("PUT", "/user-limits/app_a/max-connections", {"value": 0})
    assert "cannot open vhost / (code 530)" in refusal(shop, "test")
    broker.asked("PUT", "/user-limits/app_a/max-connections", {"value": 9})
    shop.rotator.advance("withdraw")
    shop.act("revoke")
    assert shop.works


def test_another_user_of_that_name(shop: RabbitShop, broker: RabbitMQ) -> None:
    """Perhaps another environment's."""
    broker.asked("PUT", "/users/app_b", {"password": OLD, "tags": ""})
    shop.declare_another_leak()
    assert "has a user app_b already, which this rotation would replace" in refusal(shop, "check")


def test_a_leak_while_the_other_user_waits_for_its_revocation(broker: RabbitMQ, programs: Programs) -> None:
    """Its turn comes early, so nothing of it is left: no password, no session, no pending task."""
    shop = RabbitShop(broker, programs, revoke_after=7200)
    rotate(shop, revoked=False)
    assert accepts(broker, "app_a", OLD)
    with connect(broker, "app_a", OLD):
        shop.leak()
        shop.act("check")
        rotate(shop)
        assert broker.asked("GET", "/connections/username/app_a")[1] == []
    assert shop.stored[0] == "app_a"
    assert shop.works
    assert not accepts(broker, "app_a", OLD)
    assert shop.world.journal.read().pending_tasks == {}
