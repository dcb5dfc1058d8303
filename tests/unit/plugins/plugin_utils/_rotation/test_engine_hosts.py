# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts do between two segments, and which of them are waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.engine import Engine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.host_results import Hosts
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import RotationRun

VERIFIED = {"secret_rotate_verification": {"restart_needed": False, "changed": False}}
HOSTS = ["web1", "web2"]


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Waiting(Engine):
    """Goes no further than to what follows the hosts."""

    def go_on(self, rotation: Mapping[str, Any]) -> dict[str, Any]:
        return {"next": "went on"}


def engine(clock: Clock, *, reachable: Sequence[str] = HOSTS, **run_options: Any) -> Waiting:
    options: dict[str, Any] = {"leaves_lost": True, "incident": "leak-1", "serial": ["100%"], "wait_seconds": 30}
    hosts = [*HOSTS, *run_options.get("skipped", ())]
    run = RotationRun(hosts=hosts, targeted_hosts=HOSTS, reachable=reachable, **{**options, **run_options})
    nothing: Any = None
    made = Waiting(nothing, run, server=nothing, audit=None, progress=lambda *_: None, clock=clock)
    made.rotation = {"number": 7, "opened": [], "wait_seconds": 30.0}
    return made


def asked(what: str, **over: Any) -> dict[str, Any]:
    return {"next": what, "later": [], "opened": [], "number": 7, "wait_seconds": 30.0, **over}


def answered(*verified: str) -> Hosts:
    return Hosts(HOSTS, dict.fromkeys(verified, VERIFIED))


def test_the_record_has_how_servers_compare() -> None:
    recorded: list[Any] = []
    made = engine(Clock())
    made.audit = SimpleNamespace(recorded=lambda record, _head: recorded.append(record))  # type: ignore[assignment]
    made.rotation = {"behind": [], "record": {}, "audit": {"head": 1}}
    made._record(["cache: as it was " + "ab" * 16 + " once"])
    made._record([])
    assert [record.get("notes") for record in recorded] == [["cache: as it was … once"], None]


class TestWaiting:
    def test_only_for_those_that_are_not_verified(self) -> None:
        clock = Clock()
        at = engine(clock)
        clock.now += 3
        result = at.resume(asked("verify"), answered("web1"))
        assert (result["next"], result["tasks"]) == ("await", "batch")
        assert result["hosts_do"] == {"web1": "wait", "web2": "return"}
        clock.now += 20
        assert at.resume(result, answered("web1"))["next"] == "went on"
        assert at.state.waited == pytest.approx(20), "the proof itself is not a waiting"
        assert at.state.verified

    @pytest.mark.parametrize(
        ("over", "verified"), [({}, HOSTS), ({"wait_seconds": 0}, []), ({"opened": ["web2"]}, ["web1"])]
    )
    def test_for_nobody(self, over: dict[str, Any], verified: list[str]) -> None:
        """All are verified; the time is over; who still accepts a leaked key gets nothing new."""
        clock = Clock()
        at = engine(clock)
        clock.now += 3
        assert at.resume(asked("verify", **over), answered(*verified))["next"] == "went on"
        assert at.state.waited == 0


class TestTasks:
    @pytest.mark.parametrize(
        ("what", "tasks"), [("deploy", "deploy_all"), ("deliver", "deploy_all"), ("verify", "verify_all")]
    )
    def test_one_include_where_all_hosts_do_the_same(self, what: str, tasks: str) -> None:
        assert engine(Clock())._next(what)["tasks"] == tasks

    def test_where_some_have_to_wait(self) -> None:
        at = engine(Clock())
        assert at._next("deploy", serial=[1])["tasks"] == "rollout"
        at.rotation["opened"] = ["web2"]
        assert at._next("verify")["tasks"] == "rollout"
        assert engine(Clock(), reachable=[*HOSTS, "web3"])._next("verify")["tasks"] == "rollout", "skipped, in the play"
        assert engine(Clock())._next("stop")["tasks"] == "batch", "nothing is read for it"


@pytest.mark.parametrize(("answer", "end"), [("no answer", "=web2. web2: no answer"), ("", "=web2")])
def test_what_may_be_in_use_is_not_revoked(answer: str, end: str) -> None:
    """Unless the run leaves lost hosts; a host that is skipped holds nothing up."""
    at = engine(Clock(), skipped=["web3"], leaves_lost=False)
    at.setting = SimpleNamespace(rotator=SimpleNamespace(holding=lambda: None))  # type: ignore[assignment]
    failure = {"env_deploy_failure": {"rollout": "7", "lost": True, "reason": answer, "recovery": ""}}
    at.verification = Hosts(HOSTS, {"web1": VERIFIED, "web2": failure}, rollout="7")
    with pytest.raises(RotationError, match=rf"^nothing was revoked: hosts that may still use .*: web2 \(.*{end}$"):
        at._require_verified()
    at.verification = Hosts(HOSTS, dict.fromkeys(HOSTS, VERIFIED))
    at._require_verified()
    assert at.state.notes.behind == ["web3"]
