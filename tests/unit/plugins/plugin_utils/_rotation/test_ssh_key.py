# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which keys are concerned, and the blockers of replacing one."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import PendingTask
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import ssh_key as rotation_ssh_key
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ssh_key import blockers_of_hosts
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, KINDS, NOW, World

SECRET = "app/test/deploy"
DOCUMENT = {
    **CATALOG,
    "credentials": {
        "deploy": {"kind": "ssh_key", "appears_in": [{"secret": "app/{environment}/deploy", "key": "private"}]},
        "pipeline": {"kind": "ssh_key", "appears_in": [{"github": "SSH_PRIVATE_KEY"}]},
    },
}
SEEN = {"credential": "deploy", "host": "web1", "there": True, "file": "f", "account": "ci"}
OLD = key_pair.new_private_key()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(KINDS, "ssh_key", Kind("ssh_key", form="ssh_key"))
    made = World(catalog=catalog_parser.parse(DOCUMENT, "test"))
    made.secrets.seed(SECRET, json.dumps({"private": OLD, "note": "kept"}))
    return made


def setting(world: World, rotator: Any = None) -> RotationSetup:
    return RotationSetup(world.catalog, KINDS, rotator or world.rotator(), SimpleNamespace())  # type: ignore[arg-type]


def plan(*kinds: str, incident: str = "") -> rotation_plan.RotationPlan:
    items = tuple(rotation_plan.Item("deploy", kind) for kind in kinds)
    return rotation_plan.RotationPlan(items, incident=incident)


def against(world: World, seen: Any, *, incident: str = "") -> dict[str, str]:
    contents = world.secrets.read([SECRET])
    return rotation_ssh_key.blockers(setting(world), plan("ssh_key", incident=incident), contents, seen)


class TestAgainst:
    def test_nothing(self, world: World) -> None:
        assert against(world, None) == {}
        assert against(world, [SEEN]) == {}

    def test_what_hosts_say(self, world: World) -> None:
        lost = {"credential": "deploy", "host": "web2", "lost": True}
        assert "web2 cannot be reached" in against(world, [SEEN, lost])["deploy"]
        assert against(world, [SEEN, lost], incident="leak-1") == {}
        assert "no host was checked" in against(world, [{**SEEN, "credential": "other"}])["deploy"]

    def test_what_is_no_key(self, world: World) -> None:
        world.write("private", "canary", SECRET)
        assert against(world, [SEEN])["deploy"].startswith("the stores do not hold a private SSH key")

    def test_a_kind_of_its_own_alone(self, world: World) -> None:
        assert rotation_ssh_key.looks(setting(world), plan("other")) == []
        assert rotation_ssh_key.looks(setting(world), plan("ssh_key")) == ["deploy"]


class TestKeys:
    def test_in_use(self, world: World) -> None:
        pair = rotation_ssh_key.present(setting(world), "deploy")
        assert (pair.old, pair.new, pair.public(None)) == (OLD, None, None)
        assert OLD not in repr(pair)

    @pytest.mark.parametrize(
        ("name", "message"),
        [("none", "is not a credential of the catalog"), ("pipeline", "its only location is GitHub")],
    )
    def test_none_is_in_use(self, world: World, name: str, message: str) -> None:
        with pytest.raises(RotationError, match=message):
            rotation_ssh_key.present(setting(world), name)

    def test_in_a_rotation(self, world: World) -> None:
        rotator = world.begun("deploy")
        pair = rotation_ssh_key.concerned(setting(world, rotator), "deploy")
        assert (pair.old, pair.new, pair.gone, pair.rollback, pair.leak) == (OLD, None, OLD, False, False)
        rotator.create(KINDS, rotation_context.new_value, {})
        pair = rotation_ssh_key.concerned(setting(world, rotator), "deploy")
        assert pair.new is not None
        assert pair.new.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
        assert (pair.gone, pair.kept, pair.number) == (OLD, pair.new, rotator.look().head)
        assert str(pair.public(pair.new)).endswith(" app/test/deploy")
        staged = world.keys(SECRET, world.labels(SECRET)["AWSPENDING"])
        assert staged == {"private": pair.new, "note": "kept"}

    def test_on_the_way_back(self, world: World) -> None:
        rotator = world.begun("deploy", leak="leak-1")
        rotator.create(KINDS, rotation_context.new_value, {})
        rotator.advance("withdraw")
        pair = rotation_ssh_key.concerned(setting(world, rotator), "deploy")
        assert (pair.gone, pair.kept, pair.rollback, pair.leak) == (pair.new, OLD, True, True)

    def test_a_revocation_that_came_due(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        first = world.labels(SECRET)["AWSCURRENT"]
        new = key_pair.new_private_key()
        world.write("private", new, SECRET)
        rotator = world.begun("deploy")
        journal, rotation = rotator.mine()
        item = rotation_plan.Item("deploy", "ssh_key", rotation_plan.REVOKE, pending_task="r0/deploy")
        due = PendingTask("r0/deploy", "deploy", "revoke", "2026-11-25T15:00:00Z", "r0", {SECRET: first})
        monkeypatch.setitem(journal.pending_tasks, "r0/deploy", due)  # type: ignore[arg-type]
        monkeypatch.setattr(RotationSetup, "mine", lambda _self, _name: (journal, rotation, item))
        pair = rotation_ssh_key.concerned(setting(world, rotator), "deploy")
        assert (pair.old, pair.new) == (OLD, new)

    def test_a_former_key_that_leaves_with_the_old_one_in_a_leak(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(KINDS, "ssh_key", Kind("ssh_key", form="ssh_key", stages=("revoke",), revokes_each=True))
        former = world.labels(SECRET)["AWSCURRENT"]
        old = key_pair.new_private_key()
        world.write("private", old, SECRET)
        before, by = world.rotator("run0"), {"at": NOW, "who": "x", "rotation": "r0"}
        left = {"credential": "deploy", "act": "revoke", "due": NOW, "rotation": "r0", "secrets": {SECRET: former}}
        before.append(before.look(), "r0", "closed", rotated={"deploy": by}, pending_tasks={"r0/deploy": left})
        rotator = world.begun("deploy", leak="leak-1")
        rotator.create(KINDS, rotation_context.new_value, {})
        pair = rotation_ssh_key.concerned(setting(world, rotator), "deploy", "r0/deploy")
        mine = rotation_ssh_key.concerned(setting(world, rotator), "deploy")
        assert (pair.gone, mine.gone, pair.kept, pair.leak) == (OLD, old, mine.kept, True)
        assert pair.kept not in (None, old)


def test_words() -> None:
    answer = {"file": "f", "account": "ci", "old": False, "new": True, "ended": ["a", "b", "a"], "others": ["SHA256:x"]}
    assert rotation_ssh_key.messages("web1", "deploy", answer, check=True) == [
        "web1: 3 sessions of ci would be ended, from a, b",
        "web1: f also authorizes SHA256:x",
    ]
    assert rotation_ssh_key.messages("web1", "deploy", {"failed": True}, check=False) == []
    blind = {"file": "f", "account": "ci", "old": True, "new": True, "elsewhere": ["a"], "unread": 2}
    [a, hidden] = rotation_ssh_key.messages("web1", "deploy", blind, check=False)
    assert a == "web1: a still holds the leaked key of deploy"
    assert hidden.startswith("web1: 2 authorized_keys files of other accounts cannot be read by this account")


WELL: dict[str, Any] = {"host": "web1", "there": True, "file": "/home/deploy/.ssh/authorized_keys", "account": "deploy"}
LOST = {"host": "web2", "lost": True}


def test_nothing() -> None:
    assert blockers_of_hosts([WELL, {**WELL, "host": "web2", "there": False}], leak=False) == []


def test_a_host_that_is_lost_is_waited_for_unless_it_leaked() -> None:
    (message,) = blockers_of_hosts([WELL, LOST], leak=False)
    assert message.startswith("web2 cannot be reached")
    assert message.endswith("-e rotation_skip_hosts=web2")
    assert blockers_of_hosts([WELL, LOST], leak=True) == []
    assert blockers_of_hosts([LOST], leak=True) != []


def test_a_host_outside_the_run_is_waited_for_unless_it_leaked() -> None:
    outside = {"host": "web3", "outside": True}
    (message,) = blockers_of_hosts([WELL, outside], leak=False)
    assert message.startswith("web3: not in this run (--limit), so they would not authorize the new key")
    assert message.endswith("-e rotation_skip_hosts=web3")
    assert blockers_of_hosts([WELL, LOST, outside], leak=True) == []
    assert len(blockers_of_hosts([LOST, outside], leak=True)) == 2


def test_what_is_wrong_on_a_host_is_reported_with_its_name() -> None:
    assert blockers_of_hosts([WELL, {"host": "web3", "problem": "is a link"}], leak=True) == ["web3: is a link"]


def test_files_that_cannot_be_used_stop_a_rotation_and_no_leak() -> None:
    broken = {"host": "web3", "problem": "~/.ssh is a symbolic link", "unusable": True}
    there = {"host": "web1", "there": True}
    assert blockers_of_hosts([there, broken], leak=False) == ["web3: ~/.ssh is a symbolic link"]
    assert blockers_of_hosts([there, broken], leak=True) == []
    assert blockers_of_hosts([there, {**broken, "unusable": False}], leak=True) == ["web3: ~/.ssh is a symbolic link"]
    assert "web3: ~/.ssh is a symbolic link" in blockers_of_hosts([broken, LOST], leak=True)


def test_a_key_that_opens_nothing() -> None:
    (message,) = blockers_of_hosts([{**WELL, "there": False}], leak=False)
    assert "no host authorizes the key (/home/deploy/.ssh/authorized_keys of deploy)" in message


def test_nobody_was_looked_at() -> None:
    assert len(blockers_of_hosts([], leak=False)) == 1
