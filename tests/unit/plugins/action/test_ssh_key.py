# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In which order hosts and logins are asked, and what each answer leads to; the host and ssh are played."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.watchparty.secrets.plugins.action import ssh_key
from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import login as ssh_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh.verbose_output import Verdict
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import ServerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation import rotator_world
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, KINDS, World

SECRET, FILE = "app/test/deploy", "/home/ci/.ssh/authorized_keys"
DOCUMENT = {
    **CATALOG,
    "credentials": {
        **CATALOG["credentials"],
        "deploy": {
            "kind": "ssh_key",
            "options": {"user": "ci", "authorized_keys": "keys"},
            "appears_in": [{"secret": "app/{environment}/deploy", "key": "private"}],
        },
    },
}
OLD = key_pair.new_private_key()
OPERATORS = "SHA256:operators"


def print_of(private: str) -> str:
    return key_pair.fingerprint(private, "test")


@dataclass
class Host:
    """Which keys its file and its sshd authorize, and by which one Ansible comes."""

    file: set[str] = field(default_factory=lambda: {print_of(OLD)})
    elsewhere: set[str] = field(default_factory=set)
    own: str = OPERATORS
    log: list[Any] = field(default_factory=list)
    silent: str = ""
    """Why no login comes about."""
    failure: str = ""
    others: list[str] = field(default_factory=list)
    """Files of other accounts that let the leaked key in."""
    unanswered: str = ""
    """A key to whose offer nothing is said."""

    def verdict(self, key: str, *, by: str) -> Verdict:
        if self.silent:
            denied = "denied" in self.silent
            return Verdict(frozenset(), frozenset(), frozenset(), False, "", denied, self.silent)
        taken = frozenset({key} & (self.file | self.elsewhere | {OPERATORS}))
        if key == self.unanswered:
            return Verdict(frozenset({key}), frozenset(), frozenset(), False, "", False, "Connection closed")
        return Verdict(frozenset({key}), taken, frozenset({key}) - taken, True, by if taken else OPERATORS, False, "")

    def login(self, way: ssh_login.Way, held: ssh_login.AgentKey) -> Verdict:
        self.log.append(("login", held.fingerprint))
        return self.verdict(held.fingerprint, by=held.fingerprint)

    def own_login(self, way: ssh_login.Way) -> Verdict:
        self.log.append(("own", way.name))
        return self.verdict(self.own, by=self.own)

    def run(self, action: Any, params: Any, python: Any, task_vars: Any) -> dict[str, Any]:
        """The module's answer."""
        self.log.append(params["state"])
        self.params = params
        if self.failure:
            return {"failed": True, "msg": self.failure}
        pair = action._pair
        old, new = print_of(pair.old), print_of(pair.new) if pair.new else ""
        before = {"old": old in self.file, "new": new in self.file}
        if params["state"] == "present" and before["old"]:
            self.file.add(new)
        if params["state"] in ("blocked", "revoked"):
            self.file.discard(new if params["rollback"] else old)
        answer = {
            "changed": True,
            "account": "ci",
            "file": FILE,
            **before,
            "ended": ["203.0.113.7"],
            "remaining_sessions": 1,
        }
        return {**answer, "elsewhere": self.others} if params["state"] == "revoked" and params["leak"] else answer


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(rotator_world.KINDS, "ssh_key", Kind("ssh_key", form="ssh_key"))
    made = World(catalog=catalog_parser.parse(DOCUMENT, "test"))
    made.secrets.seed(SECRET, json.dumps({"private": OLD}))
    return made


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host()
    monkeypatch.setattr(ssh_login, "try_login", made.login)
    monkeypatch.setattr(ssh_login, "own", made.own_login)
    monkeypatch.setattr(ServerAction, "_on_host", lambda self, *args: made.run(self, *args))
    return made


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(
        state: str,
        rotator: Any = None,
        *,
        transport: str = "ssh",
        check: bool = False,
        delegate_to: str | None = "web1",
        evict: tuple[str, ...] = (),
        **extra: Any,
    ) -> Any:
        rotation_setup = RotationSetup(world.catalog, KINDS, rotator or world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
        monkeypatch.setattr(rotation_context, "prepared", lambda _name, _args: rotation_setup)
        connection = connection_loader.get(transport, PlayContext(), "/dev/null")
        connection.set_options(var_options={"ansible_pipelining": True, "ansible_host": "192.0.2.1", **extra})
        args = {"catalog": {}, "environment": "test", "credential": "deploy", "state": state, "env_path": "/srv/.env"}
        args["evict"] = [*evict]
        task: Any = SimpleNamespace(
            args=args, async_val=0, check_mode=check, diff=False, action="x", delegate_to=delegate_to
        )
        action = ssh_key.ActionModule(task, connection, PlayContext(), None, None, None)
        return action.run(task_vars={"inventory_hostname": "web7"})

    return start


@pytest.fixture
def made(world: World) -> Any:
    """A rotation whose new key is there."""
    rotator = world.begun("deploy")
    rotator.create(KINDS, rotation_context.new_value, {})
    return rotator


def new_of(rotator: Any) -> str:
    journal = rotator.look()
    return str(rotator.values(journal.rotation).credentials["deploy"].password)


class TestLooked:
    def test_it_is_well(self, run: Any, host: Host) -> None:
        answer = run("looked")
        assert (answer["old"], answer["new"]) == (True, False)
        assert host.log == ["looked", ("own", "web1")]

    def test_the_host_has_its_name_of_the_inventory(self, run: Any, host: Host) -> None:
        """Its address is 192.0.2.1."""
        run("looked", delegate_to=None)
        assert host.log == ["looked", ("own", "web7")]

    def test_ansible_comes_by_the_key_that_goes(self, run: Any, host: Host) -> None:
        host.own = print_of(OLD)
        assert run("looked")["msg"].startswith("Ansible itself logs in to web1 with the key to revoke")

    def test_a_password_changes_nothing_where_ansible_comes_by_the_key_that_goes(self, run: Any, host: Host) -> None:
        """ssh tries keys first."""
        host.own = print_of(OLD)
        answer = run("looked", ansible_password="x")
        assert answer["failed"]
        assert answer["msg"].startswith("Ansible itself logs in to web1 with the key to revoke")
        assert "if the host accepts a password, forbid keys: ansible_ssh_common_args: -o PubkeyAuth" in answer["msg"]
        assert "accepts a password" not in run("looked")["msg"]
        assert "ansible_ssh_private_key_file" in answer["msg"]

    def test_ansible_comes_by_a_password(self, run: Any, host: Host) -> None:
        """No key accepts it: they are refused, or forbidden."""
        host.silent = "ci@web1: Permission denied (publickey,password)."
        assert not run("looked", ansible_password="x").get("failed")
        assert host.log == ["looked", ("own", "web1")]

    def test_by_a_password_after_the_key_that_goes(self, run: Any, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        """A host may ask for both."""
        both = replace(host.verdict(print_of(OLD), by=""), logged_in=False, denied=True)
        monkeypatch.setattr(ssh_login, "own", lambda _way: both)
        assert "with the key to revoke" in run("looked", ansible_password="x")["msg"]

    def test_a_password_and_a_host_that_does_not_answer(self, run: Any, host: Host) -> None:
        host.silent = "No route to host"
        with pytest.raises(AnsibleConnectionFailure, match="No route to host"):
            run("looked", ansible_password="x")

    def test_a_fresh_login_is_refused(self, run: Any, host: Host) -> None:
        host.silent = "ci@web1: Permission denied (publickey)."
        assert "a new login to web1 fails, so no key was removed: ci@web1: Permission denied" in run("looked")["msg"]

    def test_the_host_does_not_answer(self, run: Any, host: Host) -> None:
        host.silent = "No route to host"
        with pytest.raises(AnsibleConnectionFailure, match="No route to host"):
            run("looked")

    def test_another_connection(self, run: Any, host: Host) -> None:
        assert (
            "Ansible reaches web1 by the connection local, but SSH keys need ssh"
            in run("looked", transport="local")["msg"]
        )

    def test_the_host_has_something_against_it(self, run: Any, host: Host) -> None:
        host.failure = "is a symbolic link"
        assert run("looked")["msg"] == "is a symbolic link"


class TestForward:
    def test_set_test_and_revoke(self, run: Any, host: Host, made: Any) -> None:
        new = new_of(made)
        assert run("present", made)["changed"]
        assert run("usable", made)["accepted"]
        host.log.clear()
        answer = run("revoked", made, evict=(print_of(new), OPERATORS, "SHA256:thief"))
        assert not answer["accepted"]
        assert host.params["evict"] == ["SHA256:thief"], "the others are ours"
        assert host.log == [("own", "web1"), ("login", print_of(new)), "revoked", ("login", print_of(OLD))]
        assert host.file == {print_of(new)}
        ended, unknown = answer["messages"]
        assert ended == "web1: 1 sessions of ci ended, from 203.0.113.7"
        assert unknown.startswith("web1: 1 sessions of ci continue, because no log names the key that opened them. ")
        for private in (OLD, new):
            assert not [line for line in private.splitlines()[1:-1] if line in json.dumps(answer)]

    def test_before_the_new_key_was_made(self, run: Any, host: Host, world: World) -> None:
        rotator = world.begun("deploy")
        assert "run ansible-playbook watchparty.secrets.rotate" in run("present", rotator)["msg"]
        assert not run("blocked", rotator)["accepted"]
        assert host.log == [("own", "web1"), "blocked", ("login", print_of(OLD))]

    def test_a_host_with_neither_key_is_left_as_it_is(self, run: Any, host: Host, made: Any) -> None:
        host.file = set()
        assert not run("present", made)["new"]
        assert f"web1: {FILE} of ci contains neither key; it was not changed" in run("usable", made)["messages"]
        assert not run("revoked", made).get("failed")

    def test_it_is_not_let_in_yet(self, run: Any, host: Host, made: Any) -> None:
        answer = run("usable", made)
        assert "does not authorize the new key; if the rotation added it" in answer["msg"]
        assert answer["unusable"] is True

    def test_the_new_key_is_refused_from_here(self, run: Any, host: Host, made: Any) -> None:
        host.file.add(print_of(new_of(made)))
        new = frozenset({print_of(new_of(made))})
        silent = replace(host.verdict("x", by="x"), offered=new, taken=frozenset(), refused=new)
        host.login = lambda _way, _held: silent  # type: ignore[method-assign]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ssh_login, "try_login", host.login)
            assert "web1 rejects the new key from the controller" in run("usable", made)["msg"]
            answer = run("revoked", made)
        assert "web1 rejects the new key from the controller" in answer["msg"]
        assert "revoked" not in host.log
        assert print_of(OLD) in host.file

    def test_never_where_ansible_comes_by_it(self, run: Any, host: Host, made: Any) -> None:
        host.own = print_of(OLD)
        run("present", made)
        assert "Ansible itself logs in" in run("revoked", made)["msg"]
        assert print_of(OLD) in host.file

    def test_it_is_still_accepted(self, run: Any, host: Host, made: Any) -> None:
        host.elsewhere = {print_of(OLD)}
        run("present", made)
        answer = run("revoked", made)
        assert answer["failed"]
        assert f"web1 STILL ACCEPTS the old key. It was removed from {FILE}" in answer["msg"]
        assert answer["unusable"] is False

    def test_it_could_not_be_tried(self, run: Any, host: Host, made: Any) -> None:
        run("present", made)
        host.silent = "denied before it was offered"
        assert "could not be tried on web1" in run("usable", made)["msg"]

    def test_no_answer_is_no_refusal(self, run: Any, host: Host, made: Any) -> None:
        run("present", made)
        host.unanswered = print_of(OLD)
        with pytest.raises(AnsibleConnectionFailure) as caught:
            run("revoked", made)
        message = (
            f"web1 did not answer when key {print_of(OLD)} was offered, so it is unknown whether it accepts the key"
        )
        assert str(caught.value) == run("blocked", made)["msg"] == f"{message}: Connection closed"

    def test_check_mode_asks_alone(self, run: Any, host: Host, made: Any) -> None:
        run("present", made)
        assert "accepted" not in run("revoked", made, check=True)

    def test_a_host_that_was_away_gets_the_new_key_first(self, run: Any, host: Host, world: World) -> None:
        """After a leak, and never in an ordinary rotation, which waits for every host."""
        rotator = world.begun("deploy", leak="leak-1")
        rotator.create(KINDS, rotation_context.new_value, {})
        rotator.advance("revoke")
        answer = run("revoked", rotator)
        assert not answer.get("failed"), answer
        assert [name for name in host.log if isinstance(name, str)] == ["looked", "present", "revoked"]
        assert (host.file, answer["accepted"]) == ({print_of(new_of(rotator))}, False)

    def test_a_leaked_key_that_other_accounts_let_in(self, run: Any, host: Host, world: World) -> None:
        """The host is left out until somebody takes it out there. The containment of other hosts waits neither for what
        an account writes into its own file nor for an sshd that accepts everything."""
        rotator = world.begun("deploy", leak="leak-1")
        rotator.create(KINDS, rotation_context.new_value, {})
        run("present", rotator)
        host.others = ["/root/.ssh/authorized_keys", "/home/b/.ssh/authorized_keys2"]
        answer = run("revoked", rotator)
        assert (answer["failed"], answer["unusable"]) == (True, True)
        files = "/root/.ssh/authorized_keys and /home/b/.ssh/authorized_keys2"
        todo = "remove the key from these files, then run the same command again"
        assert answer["msg"] == f"{files} still hold the leaked key of deploy; {todo}"
        assert "web1: 1 sessions of ci ended, from 203.0.113.7" in answer["messages"]
        assert host.file == {print_of(new_of(rotator))}
        host.elsewhere = {print_of(OLD)}
        answer = run("revoked", rotator)
        assert "web1 STILL ACCEPTS the old key" in answer["msg"]
        assert answer["unusable"] is True
        host.elsewhere, host.others = set(), []
        assert not run("revoked", rotator)["accepted"]

    def test_a_host_that_refuses_the_new_key_is_left_out_in_a_leak(self, run: Any, host: Host, world: World) -> None:
        """Root on it could have a containment aborted otherwise."""
        rotator = world.begun("deploy", leak="leak-1")
        rotator.create(KINDS, rotation_context.new_value, {})
        run("present", rotator)
        new = frozenset({print_of(new_of(rotator))})
        silent = replace(host.verdict("x", by="x"), offered=new, taken=frozenset(), refused=new)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ssh_login, "try_login", lambda _way, _held: silent)
            answer = run("usable", rotator)
        assert "web1 rejects the new key from the controller" in answer["msg"]
        assert (answer["failed"], answer["unusable"]) == (True, True)

    def test_a_drill_says_where_else_it_is(self, run: Any, host: Host, world: World) -> None:
        rotator = world.begun("deploy", leak="leak-1")
        rotator.create(KINDS, rotation_context.new_value, {})
        run("present", rotator)
        host.others = ["/root/.ssh/authorized_keys"]
        answer = run("revoked", rotator, check=True)
        assert not answer.get("failed")
        assert "web1: /root/.ssh/authorized_keys still holds the leaked key of deploy" in answer["messages"]

    def test_a_leak_is_passed_to_the_host(self, run: Any, host: Host, world: World, monkeypatch: Any) -> None:
        rotator = world.begun("deploy", leak="leak-1")
        rotator.create(KINDS, rotation_context.new_value, {})
        sent = []
        monkeypatch.setattr(
            ServerAction, "_on_host", lambda _self, params, *_args: sent.append(params) or {"failed": True}
        )
        run("present", rotator)
        [params] = sent
        assert (params["leak"], params["rollback"], params["account"], params["file"]) == (True, False, "ci", "keys")
        assert params["new"].startswith("ssh-ed25519 ")
        assert params["new"].endswith(" app/test/deploy")
        assert params["journal"] == rotator.look().head


class TestBack:
    def test_the_new_one_goes(self, run: Any, host: Host, made: Any) -> None:
        new = new_of(made)
        run("present", made)
        made.advance("abort")
        made.advance("withdraw")
        host.log.clear()
        assert not run("revoked", made)["accepted"]
        assert host.file == {print_of(OLD)}
        assert host.log == [("own", "web1"), "revoked", ("login", print_of(new))]

    def test_no_new_one_was_made(self, run: Any, host: Host, world: World) -> None:
        rotator = world.begun("deploy")
        rotator.advance("withdraw")
        assert run("revoked", rotator)["skipped"]
        assert host.log == []


def test_another_run_holds_the_rotation(run: Any, host: Host, world: World, made: Any) -> None:
    world.taken_over()
    assert run("present", made)["error_type"] == "Overtaken"
    assert host.log == []


def test_options_of_its_own_are_refused(run: Any, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_key.ActionModule, "set_here", ("state",))
    with pytest.raises(AnsibleActionFail, match="sets state itself"):
        run("looked")
