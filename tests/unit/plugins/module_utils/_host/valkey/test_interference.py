# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whoever interrupts a leak response loses the leaked password first."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import INTERFERED, HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import Address, digest_of
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import interference, user_states
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.all_nodes import UserRequest
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.connection import NodeInterrupted

ADMIN = Address("h", 6379, "admin", "canary-admin")
LEAKED = Address("h", 6379, "shop", "canary-old")
Run = Callable[..., dict[str, Any]]
OLD, NEW, GATE = digest_of("canary-old"), digest_of("canary-new"), "d" * 64


def wanted(**extra: Any) -> UserRequest:
    given = {"leaked": LEAKED, "stored": {"shop": [OLD, NEW]}, "user": "shop", "digest": NEW, **extra}
    return UserRequest(admin=ADMIN, login=None, **given)


class Step:
    """Fails that many times."""

    def __init__(self, times: int, error: HostError) -> None:
        self.times, self.error, self.calls = times, error, 0

    def __call__(self, _wanted: UserRequest, *, check: bool) -> dict[str, Any]:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return {"changed": not check, "warnings": ["its own"]}


BUSY, UNDONE = NodeInterrupted("h:6379: it is busy"), HostError("h:6379: rejects it")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs a step that fails that many times."""
    clock = itertools.count()
    monkeypatch.setattr(interference.time, "monotonic", lambda: float(next(clock)))

    def run_step(state: str, times: int, error: HostError = BUSY, **extra: Any) -> dict[str, Any]:
        monkeypatch.setattr(user_states, "STEPS", {state: Step(times, error)})
        return interference.run_step(state, wanted(**extra), check=False)

    return run_step


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[str, ...]]]:
    packets: list[list[tuple[str, ...]]] = []

    def send(_address: Address, commands: Sequence[tuple[str, ...]], *, until: float) -> list[Any]:
        del until
        packets.append(list(commands))
        return [*("BUSY" if len(packets) == 1 else "OK" for _command in commands[:-1]), 1]

    monkeypatch.setattr(interference, "sent_at_once", send)
    monkeypatch.setattr(interference.time, "sleep", lambda _seconds: None)
    return packets


def test_a_step_that_nobody_interrupts(run: Run, sent: list[Any]) -> None:
    assert run("open", 0) == {"changed": True, "warnings": ["its own"]}
    assert sent == []


@pytest.mark.parametrize(("state", "rules"), [("blocked", ["!" + OLD, "off"]), ("revoked", ["!" + OLD])])
def test_the_leaked_password_goes_first(state: str, rules: list[str], run: Run, sent: list[Any]) -> None:
    """By a command that does nothing once the rotation is over."""
    result = run(state, 1)
    assert "The leaked password of shop was removed first" in result["warnings"][0]
    assert result["warnings"][1:] == ["its own"]
    assert len(sent) == 2, "until the server is not busy"
    assert sent[1][0] == ("AUTH", "admin", "canary-admin")
    assert [command for command in sent[1] if command[0] == "ACL"] == [("ACL", "SETUSER", "shop", *rules)]
    assert sent[1][-1] == ("CLIENT", "KILL", "USER", "shop")


@pytest.mark.parametrize(
    ("state", "error", "extra"),
    [
        ("open", BUSY, {"gate": GATE}),
        ("usable", BUSY, {}),
        ("usable", UNDONE, {}),
        ("revoked", BUSY, {"gate": GATE}),
    ],
    ids=["interrupted", "the test too", "undone", "an abort"],
)
def test_nothing_is_removed_before_the_journal_names_it(
    state: str, error: HostError, extra: dict[str, Any], run: Run, sent: list[Any]
) -> None:
    assert run(state, 99, error, **extra) == {"failed": True, "msg": str(error), "reason": INTERFERED}
    assert not [command for packet in sent for command in packet if command[0] == "ACL"]


def test_an_interruption_is_ended_first(run: Run, sent: list[Any]) -> None:
    full = NodeInterrupted("h:6379: its limit of connections (maxclients)")
    commands = "SCRIPT KILL, FUNCTION KILL, CLIENT UNPAUSE, CONFIG SET maxclients 10000"
    assert run("usable", 1, full)["warnings"] == [f"{full}. The run sent {commands}", "its own"]
    assert [command[0] for command in sent[0]] == ["AUTH", "SCRIPT", "FUNCTION", "CLIENT", "CONFIG"]


def test_what_is_undone_is_repeated(run: Run) -> None:
    assert run("present", 2, UNDONE)["changed"]
    with pytest.raises(HostError, match=r"^h:6379: rejects it$"):
        run("blocked", 99, UNDONE)


def test_a_second_interruption_says_what_was_done(run: Run, sent: list[Any]) -> None:
    with pytest.raises(HostError, match=r"removed first.*\nh:6379: it is busy$"):
        run("blocked", 99)


@pytest.mark.parametrize(
    "extra", [{"leaked": None, "stored": None}, {"leaked": Address("h", 6379, "admin", "canary-old")}]
)
def test_without_a_leak_or_as_the_administrator_itself_nothing_is_taken_away(
    extra: dict[str, Any], run: Run, sent: list[Any]
) -> None:
    with pytest.raises(NodeInterrupted):
        run("blocked", 1, **extra)
    assert sent == []


def test_what_cannot_be_done_has_a_remedy(run: Run, sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interference, "PATIENCE", 0)
    with pytest.raises(HostError, match="It may still work: block it"):
        run("blocked", 1)
