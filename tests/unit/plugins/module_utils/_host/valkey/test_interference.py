# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whoever interrupts a leak response loses the leaked password first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import Address, digest_of
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import interference
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.all_nodes import UserRequest
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.connection import NodeInterrupted

ADMIN = Address("h", 6379, "admin", "canary-admin")
LEAKED = Address("h", 6379, "shop", "canary-old")
OLD, NEW, GATE = digest_of("canary-old"), digest_of("canary-new"), "d" * 64


def wanted(**extra: Any) -> UserRequest:
    given = {"leaked": LEAKED, "stored": {"shop": [OLD, NEW]}, "user": "shop", "digest": NEW, **extra}
    return UserRequest(admin=ADMIN, login=None, **given)


class Step:
    """Is interrupted that many times."""

    def __init__(self, times: int, problem: str = "h:6379: it is busy") -> None:
        self.times, self.problem, self.calls = times, problem, 0

    def __call__(self, _wanted: UserRequest, *, check: bool) -> dict[str, Any]:
        self.calls += 1
        if self.calls <= self.times:
            raise NodeInterrupted(self.problem)
        return {"changed": not check, "warnings": ["its own"]}


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


def test_a_step_that_nobody_interrupts(sent: list[Any]) -> None:
    assert interference.run_step(Step(0), wanted(), check=False) == {"changed": True, "warnings": ["its own"]}
    assert sent == []


@pytest.mark.parametrize(
    ("gate", "rules"),
    [
        (GATE, [("!" + OLD, "off"), ("!" + GATE, "#" + GATE, "off")]),
        (None, [("!" + OLD,)]),
    ],
    ids=["before the new password is valid", "after"],
)
def test_the_leaked_password_goes_first(gate: str | None, rules: list[tuple[str, ...]], sent: list[Any]) -> None:
    """By commands that do nothing once the rotation is over."""
    result = interference.run_step(Step(1), wanted(gate=gate), check=False)
    assert "The leaked password of shop was removed first" in result["warnings"][0]
    assert result["warnings"][1:] == ["its own"]
    assert len(sent) == 2, "until the server is not busy"
    assert sent[1][0] == ("AUTH", "admin", "canary-admin")
    users = [command for command in sent[1] if command[:2] == ("ACL", "SETUSER")]
    assert users == [("ACL", "SETUSER", "shop", *each) for each in rules]
    assert sent[1][-1] == ("CLIENT", "KILL", "USER", "shop")


def test_a_second_interruption_says_what_was_done(sent: list[Any]) -> None:
    with pytest.raises(HostError, match=r"removed first.*\nh:6379: it is busy$"):
        interference.run_step(Step(2), wanted(), check=False)


@pytest.mark.parametrize(
    "extra", [{"leaked": None, "stored": None}, {"leaked": Address("h", 6379, "admin", "canary-old")}]
)
def test_without_a_leak_or_as_the_administrator_itself_nothing_is_taken_away(
    extra: dict[str, Any], sent: list[Any]
) -> None:
    with pytest.raises(NodeInterrupted):
        interference.run_step(Step(1), wanted(**extra), check=False)
    assert sent == []


def test_what_cannot_be_done_has_a_remedy(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interference, "PATIENCE", 0)
    with pytest.raises(HostError, match="It may still work: block it"):
        interference.run_step(Step(1), wanted(), check=False)
