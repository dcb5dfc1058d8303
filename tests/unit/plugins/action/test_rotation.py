# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rotation a run begins or goes on with: on the twins in memory."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.action import steps as rotation
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, KINDS, World

SECRET = "app/test/deploy"
DOCUMENT = {
    **CATALOG,
    "credentials": {
        "database": CATALOG["credentials"]["database"],
        "deploy": {"kind": "ssh_key", "appears_in": [{"secret": "app/{environment}/deploy", "key": "private"}]},
    },
}
WELL = {"credential": "deploy", "host": "web1", "there": True, "file": "f", "account": "ci"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(KINDS, "ssh_key", Kind("ssh_key", form="ssh_key"))
    made = World(catalog=catalog_parser.parse(DOCUMENT, "test"))
    made.secrets.seed(SECRET, json.dumps({"private": key_pair.new_private_key()}))
    return made


@pytest.fixture
def begun(world: World) -> Any:
    def begin(*names: str, **extra: Any) -> dict[str, Any]:
        defaults = {name: item.get("default") for name, item in rotation.ActionModule.extra_options.items()}
        args = {**defaults, "state": "begun", "credentials": names, "force": True, **extra}
        action = rotation.ActionModule.__new__(rotation.ActionModule)
        action._task = SimpleNamespace(check_mode=False)
        rotation_setup = RotationSetup(world.catalog, KINDS, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
        answer: dict[str, Any] = action.answer(rotation_setup, args, {})
        return answer

    return begin


def test_without_a_look_nothing_is_opened(world: World, begun: Any) -> None:
    answer = begun("deploy", "database")
    assert (answer["looks"], answer["nothing"], answer["is_seen"]) == (["deploy"], True, False)
    assert world.rotator().look().rotation is None
    assert begun("deploy", state="planned")["looks"] == ["deploy"]


def test_with_it(world: World, begun: Any) -> None:
    answer = begun("deploy", "database", seen=[WELL])
    assert "looks" not in answer
    assert answer["is_seen"]
    assert set(world.rotator().look().rotation.plan["credentials"]) == {"database", "deploy"}  # type: ignore[union-attr]


def test_what_was_seen_stands_against_it_and_the_others_go_on(world: World, begun: Any) -> None:
    answer = begun("deploy", "database", seen=[{**WELL, "problem": "is a symbolic link"}])
    assert answer["refused"] == {"deploy": "web1: is a symbolic link"}
    assert set(world.rotator().look().rotation.plan["credentials"]) == {"database"}  # type: ignore[union-attr]


def test_others_need_no_look(world: World, begun: Any) -> None:
    assert "looks" not in begun("database")
    assert world.rotator().look().rotation is not None


def test_what_is_no_key_is_refused_without_a_look(world: World, begun: Any) -> None:
    world.write("private", "canary", SECRET)
    answer = begun("deploy")
    assert "looks" not in answer
    assert answer["refused"]["deploy"].startswith("the stores do not hold a private SSH key")
    assert "canary" not in json.dumps(answer)


@pytest.mark.parametrize("state", ["planned", "begun"])
def test_one_that_never_was_is_not_resumed(world: World, begun: Any, state: str) -> None:
    """Nor is another begun in its place."""
    message = r"^rotation_resume: rotation r-old is not open\. .* leave rotation_resume out"
    with pytest.raises(RotationError, match=message):
        begun("database", state=state, resume="r-old")
    assert world.rotator().look().head == 0


@pytest.mark.parametrize("state", ["planned", "begun"])
@pytest.mark.parametrize("step", ["closed", "aborted"])
def test_of_one_that_has_ended_nothing_is_left_to_do(world: World, begun: Any, state: str, step: str) -> None:
    """A run that was killed after it had closed it is started again with the same words; none is begun in its place."""
    rotator = world.begun("database")
    rotator.append(rotator.look(), "r1", step)
    head = world.rotator().look().head
    answer = begun("database", state=state, resume="r1")
    assert (answer["nothing"], answer["changed"]) == (True, False)
    assert answer["messages"] == ["rotation r1 has already ended; to start another rotation, leave rotation_resume out"]
    assert world.rotator().look().head == head


def test_one_that_is_not_the_open_one_is_not_resumed(world: World, begun: Any) -> None:
    world.begun("database")
    head = world.rotator().look().head
    message = r"^rotation_resume: r-old is not the open rotation\. To continue rotation r1 of run1@laptop .*_resume=r1$"
    for abort in (False, True):
        with pytest.raises(RotationError, match=message):
            begun("database", resume="r-old", abort=abort)
    assert world.rotator().look().head == head


def test_to_roll_back_what_has_ended_is_done_already(begun: Any) -> None:
    assert begun("database", resume="r-old", abort=True)["nothing"]


@pytest.mark.parametrize("resume", ["r1", "any"])
def test_the_open_one_is_resumed(world: World, begun: Any, resume: str) -> None:
    world.begun("database")
    assert begun("database", resume=resume)["rotation"]["id"] == "r1"


def test_any_begins_where_none_is_open(begun: Any) -> None:
    assert begun("database", resume="any")["rotation"]["id"].startswith("r-20")


def test_check_mode_plans_what_would_be_asked_for(world: World, begun: Any) -> None:
    """And refuses it where nobody would ask."""
    world.catalog = catalog_parser.parse(CATALOG, "test")
    wish = {"state": "planned", "resume": "any"}
    answer = begun("token", ask=True, **wish)
    assert (answer["refused"], list(answer["plan"]["credentials"])) == ({}, ["token"])
    assert answer["messages"][-1] == (
        "token: this run asks for its new value at the terminal; without a terminal, give it by the line "
        "token: 'VALUE' in -e rotation_values_file=FILE (mode 0600)"
    )
    for item in ({"ask": False}, {"ask": True, "credentials": ["database"]}):
        answer = begun("token", **{**wish, **item})
        assert "asked for at the terminal" not in " ".join(answer["messages"])
    assert begun("token", **wish)["refused"]["token"].startswith("its provider issues the new value; give it by")
    assert world.rotator().look().head == 0


def test_what_is_replaced_already_takes_nothing_down(world: World, begun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "login", Kind("login", alternates="if_suffixed", stages=("set", "test", "revoke")))
    wish = {"state": "planned", "incident": "assessed", "immediate": True}
    assert begun("database", **wish)["takes_down"] == ["database"]
    replaced = {"database": {"at": "2026-11-25T15:00:00Z", "who": "ops", "rotation": "r0", "incident": "leak-1"}}
    leak = Incident("leak-1", "2026-11-25T14:00:00Z", "ops", ("database",)).entry()
    rotator = world.rotator()
    rotator.append(rotator.look(), "leak-1", "closed", incident=leak, rotated=replaced)
    answer = begun("database", **wish)
    assert (list(answer["plan"]["passed_over"]), answer["takes_down"]) == (["database"], [])


@pytest.mark.parametrize("state", ["planned", "begun"])
def test_what_goes_on_is_named_and_that_nothing_else_begins(world: World, begun: Any, state: str) -> None:
    """Whatever this run was asked for."""
    world.begun("database")
    first, second = begun("deploy", state=state, resume="any")["messages"]
    assert first.endswith(" was not finished; it continues from its last step")
    assert second == "it rotates database; no other rotation starts before it ends"


@pytest.mark.parametrize("step", ["revoke", "withdraw"])
def test_what_goes_on_at_a_removal_deploys_first(world: World, begun: Any, step: str) -> None:
    world.begun("database")
    world.rotator().advance(step)
    message = "hosts that are not verified get the new values before any old value is revoked"
    assert begun(state="planned", resume="any")["messages"][2:] == [message]
    assert message not in begun(state="planned", resume="any", incident="leak-1")["messages"]


def test_beside_an_open_one_a_leak_looks_at_hosts_as_well(world: World, begun: Any) -> None:
    world.begun("database")
    wish = {"state": "planned", "resume": "any", "incident": "assessed", "reached": ["deploy"]}
    assert begun("deploy", **wish)["looks"] == ["deploy"]
    answer = begun("deploy", **wish, seen=[{**WELL, "problem": "is a symbolic link"}])
    assert (answer["refused"], answer["is_seen"]) == ({"deploy": "web1: is a symbolic link"}, True)
    assert "looks" not in answer


@pytest.mark.parametrize("state", ["planned", "begun"])
def test_hosts_that_the_run_does_not_reach_are_not_promised(begun: Any, state: str) -> None:
    hosts = {"hosts": ["web1", "web2", "web3", "web4"], "targeted_hosts": ["web1"], "skipped": ["web4"]}
    answer = begun("database", state=state, **hosts)
    stays = "Their old values stay valid and the rotation stays open"
    assert answer["plan"]["hosts"] == ["web1"]
    assert answer["messages"][-3:] == [
        "one rollout restarts no units on web1",
        f"web2, web3: not in this run (--limit). {stays} until the same command runs with them",
        "skipped hosts: web4 (not deployed to, not waited for)",
    ]
    assert "not in this run" not in " ".join(
        begun("database", state="planned", resume="any", hosts=["web1"])["messages"]
    )


@pytest.mark.parametrize("back", [False, True])
def test_hosts_that_are_skipped_are_named_by_whoever_records_it(world: World, begun: Any, back: bool) -> None:
    rotator = world.begun("database")
    rotator.advance("withdraw" if back else "revoke")
    answer = begun(state="advanced", behind=["web3", "web2"])
    assert answer["rotation"]["step"] == ("discard" if back else "record")
    world.taken_over()
    result = begun(state="planned", resume="any")["rotation"]
    assert (result["behind"], result["record"]["unverified_hosts"]) == (["web2", "web3"], ["web2", "web3"])


def test_no_host_is_skipped(world: World, begun: Any) -> None:
    world.begun("database").advance("revoke")
    answer = begun(state="advanced")["rotation"]
    assert (answer["behind"], "unverified_hosts" in answer["record"]) == ([], False)


class TestAHostThatWasAway:
    """The incident's rotation leaves it, the next one of the same incident takes it up, and nobody else."""

    @pytest.fixture
    def act(self, world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setitem(KINDS, "ssh_key", Kind("ssh_key", form="ssh_key", stages=("set", "test", "revoke")))

        def act(state: str, **extra: Any) -> dict[str, Any]:
            defaults = {name: item.get("default") for name, item in rotation.ActionModule.extra_options.items()}
            action = rotation.ActionModule.__new__(rotation.ActionModule)
            action._task = SimpleNamespace(check_mode=False)
            setting = RotationSetup(world.catalog, KINDS, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
            answer: dict[str, Any] = action.answer(setting, {**defaults, "state": state, **extra}, {})
            return answer

        return act

    def test_it_stays_until_it_is_done(self, world: World, act: Any, begun: Any) -> None:
        at = "2000-01-01T00:00:00Z"
        incident = Incident("leak-1", at, "ops", ("deploy",)).entry()
        rotator = world.rotator()
        rotator.append(rotator.look(), "leak-1", "closed", incident=incident)
        world.begun("deploy", leak="leak-1")
        world.rotator().advance("revoke")
        assert act("advanced", hosts_with_old_key={"deploy": ["web2"]})["rotation"]["opened"] == ["web2"]
        kept = world.rotator().look().incident
        assert kept is not None
        assert "refused/deploy" not in kept.events
        act("closed")
        assert list(world.rotator().look().pending_tasks) == ["r1/deploy"]

        again = begun("deploy", incident="leak-1", force=False)
        assert "looks" not in again
        assert again["rotation"]["todo"] == ["revoke", "record"]
        assert again["rotation"]["credentials"][0]["hosts"] == ["web2"]
        act("advanced", hosts_with_old_key={"deploy": []})
        act("closed")
        journal = world.rotator().look()
        assert journal.pending_tasks == {}
        assert journal.incident is not None
        assert "refused/deploy" in journal.incident.events
        assert begun("deploy", incident="leak-1", force=False)["nothing"]

    def test_a_rotation_that_the_audit_log_did_not_take(self, world: World, act: Any) -> None:
        """The leak's report has it; what ends without a leak has no such words."""
        rotator = world.rotator()
        incident = Incident("leak-1", "2000-01-01T00:00:00Z", "ops", ("deploy",)).entry()
        rotator.append(rotator.look(), "leak-1", "closed", incident=incident)
        world.begun("deploy", leak="leak-1")
        world.rotator().advance("record")
        act("closed", unrecorded="log group /x\ndoes not exist")
        journal = world.rotator().look()
        assert journal.rotation is None
        assert journal.incident is not None
        assert "unrecorded/r1" in journal.incident.events
        assert journal.incident.evidence["unrecorded/r1"].endswith(": log group /x does not exist")

    def test_a_run_that_goes_on_tells_the_time_to_refusal(
        self, world: World, act: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another one promoted, and a third one removed."""
        monkeypatch.setitem(KINDS, "login", Kind("login", stages=("set", "revoke")))
        world.begun("database")
        for run in ("run2", "run3"):
            world.rotator("run1" if run == "run2" else "run2").advance("promote" if run == "run2" else "revoke")
            world.taken_over(run)
        world.rotator("run3").advance("record")
        world.taken_over("run1")
        assert act("closed")["to_refusal"] == ["from promotion to revocation: 0 s (database)"]


class TestWhatGitHubHoldsToo:
    """A run that goes on needs what the first one needed, unless a leak is to be contained."""

    WORDS = (
        "cannot continue: GitHub holds it too .PASSWORD., and there is no token to send the new value; "
        "run export GITHUB_TOKEN"
    )

    @pytest.fixture
    def rotator(self, world: World) -> Any:
        database = {"kind": "login", "appears_in": [{"setting": "URL"}, {"github": "PASSWORD"}]}
        github = {"repository": "owner/name"}
        world.catalog = catalog_parser.parse(
            {**DOCUMENT, "github": github, "credentials": {"database": database}}, "test"
        )
        return world.begun("database")

    @pytest.mark.parametrize("state", ["planned", "begun"])
    @pytest.mark.parametrize(("step", "promoted"), [("create", False), ("promote", False), ("abort", True)])
    def test_without_a_token_it_stays_as_it_is(
        self, world: World, rotator: Any, begun: Any, state: str, step: str, promoted: bool
    ) -> None:
        for name in ("promote", "abort") if promoted else (step,):
            rotator.advance(name)
        head = world.rotator().look().head
        with pytest.raises(RotationError, match=self.WORDS):
            begun("database", state=state, resume="any")
        assert world.rotator().look().head == head
        assert begun("database", state=state, resume="any", incident="leak-1")["changed"]

    def test_neither_is_a_promotion_rolled_back(self, rotator: Any, begun: Any) -> None:
        rotator.advance("promote")
        with pytest.raises(RotationError, match=self.WORDS):
            begun("database", resume="any", abort=True)

    def test_where_nothing_is_to_be_sent_any_more_it_goes_on(self, world: World, rotator: Any, begun: Any) -> None:
        assert begun("database", resume="any", abort=True)["changed"]
        assert begun("database", resume="any")["changed"]
        world.rotator().advance("discard")
        assert begun("database", resume="any")["changed"]

    @pytest.mark.parametrize("step", ["revoke", "record"])
    def test_nor_after_it(self, rotator: Any, begun: Any, step: str) -> None:
        rotator.advance("promote")
        rotator.advance(step, sent=["PASSWORD"])
        assert begun("database", resume="any")["rotation"]["record"]["github"] == ["PASSWORD"]


def test_a_new_value_by_its_kind() -> None:
    assert rotation_context.new_value(Kind("x", length=20)).isascii()
    assert len(rotation_context.new_value(Kind("x", length=20))) == 20
    assert "OPENSSH PRIVATE KEY" in rotation_context.new_value(Kind("x", form="ssh_key"))
