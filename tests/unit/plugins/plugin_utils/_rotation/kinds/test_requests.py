# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Acts of kinds that one module carries out: many credentials, and two stages, in one execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import preflight as rotation_preflight
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import load_kinds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import (
    DISABLED,
    Interfered,
    KindStages,
    NotReached,
    Part,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.postgresql_role import PostgresqlRole
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.valkey_user import ValkeyUser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import World


class Server:
    """Answers each act with its number, unless it fails."""

    def __init__(self, *failing: str, lost: bool = False) -> None:
        self.executions: list[list[Mapping[str, Any]]] = []
        self.failing, self.lost = failing, lost

    def run(self, module: str, **options: Any) -> Mapping[str, Any]:
        raise AssertionError("each act is one of many")

    def run_each(self, module: str, acts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | RotationError]:
        self.executions.append(list(acts))
        if self.lost:
            raise NotReached("db1 cannot be reached")
        return [
            RotationError("no") if entry["credential"] in self.failing else {"last_client": {"n1": str(at)}}
            for at, entry in enumerate(acts)
        ]


def parts(server: Server, *names: str, **options: Any) -> list[Part]:
    return [Part(SimpleNamespace(), server, {"name": name}, options) for name in names]  # type: ignore[arg-type]


def test_set_and_test_of_two_logins_are_one_execution() -> None:
    server = Server()
    part, two = parts(server, "one", "two")
    answers = PostgresqlRole().carry_out([("set", part), ("test", part), ("set", two), ("test", two)])
    assert len(answers) == 4
    [acts] = server.executions
    assert [(act["credential"], act["state"], act.get("needs")) for act in acts] == [
        ("one", "present", None),
        ("one", "usable", 0),
        ("two", "present", None),
        ("two", "usable", 2),
    ]


def test_one_that_fails_hides_no_other() -> None:
    server = Server("two")
    answers = PostgresqlRole().carry_out([("set", part) for part in parts(server, "one", "two", "three")])
    assert [isinstance(answer, RotationError) for answer in answers] == [False, True, False]


def test_a_lost_host_is_that_of_all() -> None:
    with pytest.raises(NotReached, match="db1"):
        PostgresqlRole().carry_out([("set", part) for part in parts(Server(lost=True), "one", "two")])


class LeakedServer(Server):
    """Somebody makes an act in this state fail until the login is blocked, if it can be."""

    def __init__(self, state: str, *, blocks: bool = True) -> None:
        super().__init__()
        self.state, self.blocks = state, blocks
        self.noted: list[str] = []

    def run_each(self, module: str, acts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | RotationError]:
        answers: list[Mapping[str, Any] | RotationError] = []
        for entry in acts:
            if entry["state"] == "blocked":
                assert self.noted == ["two"], "the journal names it first"
                answers.append({} if self.blocks else RotationError("it is busy"))
            elif any(isinstance(answer, RotationError) for answer in answers[-1:]):
                answers.append(RotationError("not run"))
            elif entry["credential"] == "two" and entry["state"] == self.state and not self.noted:
                answers.append(Interfered("no connection"))
            else:
                answers.append({})
        self.executions.append(list(acts))
        return answers

    def carried_out(self, kind: KindStages, *stages: str) -> list[Mapping[str, Any] | RotationError]:
        setting = SimpleNamespace(rotator=SimpleNamespace(note_disabling=self.noted.extend))
        both = [Part(setting, self, {"name": name}) for name in ("one", "two")]  # type: ignore[arg-type]
        return kind.carry_out([(stage, part) for part in both for stage in stages])


@pytest.mark.parametrize(
    ("kind", "stages", "state", "repeated"),
    [
        (ValkeyUser(), ("create",), "open", ["blocked", "open"]),
        (ValkeyUser(), ("set", "test"), "present", ["blocked", "open", "present", "usable"]),
        (ValkeyUser(), ("test",), "usable", ["blocked", "open", "present", "usable"]),
        (ValkeyUser(), ("revoke",), "revoked", ["blocked", "revoked"]),
        (PostgresqlRole(), ("set", "test"), "usable", ["blocked", "present", "usable"]),
    ],
)
def test_whoever_interferes_is_disabled_and_the_acts_are_repeated(
    kind: KindStages, stages: tuple[str, ...], state: str, repeated: list[str]
) -> None:
    server = LeakedServer(state)
    answers = server.carried_out(kind, *stages)
    assert not [answer for answer in answers if isinstance(answer, RotationError)]
    assert len(answers) == 2 * len(stages)
    assert f"no connection. {DISABLED.format('two')}" in [dict(answer).get("message") for answer in answers]  # type: ignore[arg-type]
    assert [(act["credential"], act["state"]) for act in server.executions[1]] == [("two", name) for name in repeated]


def test_a_login_that_cannot_be_disabled() -> None:
    *_others, answer = LeakedServer("usable", blocks=False).carried_out(PostgresqlRole(), "set", "test")
    assert str(answer) == "no connection. it is busy"


def test_nobody_is_disabled_before_the_rotation_is_open() -> None:
    server = LeakedServer("checked")
    *_others, answer = server.carried_out(ValkeyUser(), "check")
    assert (str(answer), server.noted) == ("no connection", [])


def test_options_and_notes() -> None:
    server = Server()
    (part,) = parts(server, "cache", gone_nodes=["n2"], known_addresses=["10.0.0.1"])
    [answer] = ValkeyUser().carry_out([("set", part)])
    assert not isinstance(answer, RotationError)
    assert answer["notes"] == {"n1": "0"}
    ValkeyUser().carry_out([("revoke", part)])
    assert server.executions == [
        [{"credential": "cache", "state": "present", "gone_nodes": ["n2"]}],
        [
            {
                "credential": "cache",
                "state": "revoked",
                "gone_nodes": ["n2"],
                "known_addresses": ["10.0.0.1"],
                "pending_task": "",
            }
        ],
    ]


class ByItself(KindStages):
    def set(self, part: Part) -> Mapping[str, Any]:
        if part.name == "two":
            raise RotationError("no")
        return {"message": part.name}

    def block(self, part: Part) -> Mapping[str, Any]:
        return self.set(part)

    revoke = block


@pytest.mark.parametrize(
    ("stage", "expected"),
    [("set", ["one", "no"]), ("block", ["one", "no", "three"]), ("revoke", ["one", "no", "three"])],
)
def test_a_kind_without_requests_stops_at_its_first_failure_unless_old_values_go(
    stage: str, expected: list[str]
) -> None:
    answers = ByItself().carry_out([(stage, part) for part in parts(Server(), "one", "two", "three")])
    assert [str(answer) if isinstance(answer, RotationError) else answer["message"] for answer in answers] == expected


class TestPreflight:
    kinds = load_kinds([])

    def asked(self, server: Server, *names: str) -> tuple[dict[str, str], str]:
        checks = [{"name": name, "kind": "postgresql_role"} for name in names]
        return rotation_preflight.ask_servers(SimpleNamespace(kinds=self.kinds), checks, server, {})  # type: ignore[arg-type]

    def test_each_credential_is_asked_for_in_one_execution_and_refused_alone(self) -> None:
        server = Server("two")
        assert self.asked(server, "one", "two", "three") == ({"two": "no"}, "")
        assert len(server.executions) == 1

    def test_a_lost_host(self) -> None:
        assert self.asked(Server(lost=True), "one") == ({}, "db1 cannot be reached")

    @pytest.mark.parametrize("incident", ["", "leak-1"])
    def test_what_is_planned_for_a_leak_is_checked_as_leaked(
        self, monkeypatch: pytest.MonkeyPatch, incident: str
    ) -> None:
        seen: list[RotationSetup] = []
        answers = iter([{"checks": [{"name": "one", "kind": "postgresql_role"}]}, {}])
        monkeypatch.setattr(rotation_preflight, "begin", lambda *_, **_how: next(answers))
        monkeypatch.setattr(rotation_preflight, "ask_servers", lambda setting, *_: (seen.append(setting), ({}, ""))[1])
        world = World()
        setting = RotationSetup(world.catalog, self.kinds, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
        rotation_preflight.begin_with_servers(setting, {"incident": incident}, {}, Server(), write=True)
        assert [planning.answers_leak() for planning in seen] == [bool(incident)]
