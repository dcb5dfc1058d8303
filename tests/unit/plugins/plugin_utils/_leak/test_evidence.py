# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers and CloudTrail are asked within a time that is set, whatever hangs."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import deadline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import evidence as leak_evidence

CREDENTIALS = [
    {"name": "database", "kind": "postgresql_role"},
    {"name": "cache", "kind": "valkey_user"},
    {"name": "token", "kind": "external"},
]


class Server:
    """Answers as ``acts`` say, by the module's name."""

    def __init__(self, **acts: Any) -> None:
        self.acts, self.asked = acts, list[str]()

    def run(self, module: str, **options: Any) -> Any:
        assert options["state"] == "sessions"
        assert options["run"] == "", "outside a rotation"
        self.asked.append(f"{module} {options['credential']}")
        return self.acts[module]()


@pytest.fixture
def connection() -> Any:
    return SimpleNamespace(reset=lambda: None)


def asked(server: Server, connection: Any, seconds: float = 30) -> list[dict[str, Any]]:
    return leak_evidence.sessions(server, connection, CREDENTIALS, time.time() + seconds)


def test_each_server_that_can_tell(connection: Any) -> None:
    sessions = [{"address": "10.0.0.1", "count": 2}]
    server = Server(
        postgresql_login=lambda: {"changed": False, "sessions": sessions},
        valkey_user=lambda: {"sessions": {}, "short": ["node 2"]},
    )
    assert asked(server, connection) == [
        {"name": "database", "sessions": sessions},
        {"name": "cache", "sessions": {}, "short": ["node 2"]},
    ]
    assert server.asked == ["postgresql_login database", "valkey_user cache"]


def refuses(error: Exception) -> Any:
    def act() -> Any:
        raise error

    return act


def test_one_that_fails_leaves_the_others(connection: Any) -> None:
    server = Server(
        postgresql_login=refuses(RotationError("no administrator")),
        valkey_user=refuses(AnsibleConnectionFailure("web1 is gone")),
    )
    assert [entry["msg"] for entry in asked(server, connection)] == ["no administrator", "web1 is gone"]


def test_one_that_hangs_leaves_time_to_the_others(connection: Any) -> None:
    """An execution on a host has a deadline of its own, after which the host is said to be lost. This is earlier."""

    def hangs() -> Any:
        try:
            return deadline.within(30, lambda: time.sleep(30), connection)
        except AnsibleConnectionFailure:
            raise RotationError("web1 cannot be reached") from None

    server = Server(postgresql_login=hangs, valkey_user=lambda: {"sessions": {}})
    database, cache = asked(server, connection, 4)
    assert database["msg"] == "no answer within 2 s"
    assert cache == {"name": "cache", "sessions": {}}


def test_nothing_is_asked_once_the_time_is_over(connection: Any) -> None:
    server = Server()
    assert asked(server, connection, 1) == [
        {"name": "database", "skipped": True},
        {"name": "cache", "skipped": True},
    ]
    assert server.asked == []


class TestBeside:
    def test_an_answer(self) -> None:
        assert leak_evidence.BackgroundCall(lambda: {"messages": ["x"]}).answer(5) == {"messages": ["x"]}

    def test_an_error_is_words(self) -> None:
        beside = leak_evidence.BackgroundCall(refuses(RotationError("denied")))
        assert beside.answer(5) == {"failed": True, "msg": "denied"}
        beside = leak_evidence.BackgroundCall(refuses(KeyError("an answer of another form")))
        assert beside.answer(5) == {"failed": True, "msg": "unexpected error: KeyError"}

    def test_one_that_hangs_is_not_waited_for(self) -> None:
        over = threading.Event()
        beside = leak_evidence.BackgroundCall(lambda: {"ended": over.wait(60)})
        assert beside.answer(0.1) == {"failed": True, "msg": "no answer in time"}
        over.set()


@pytest.mark.parametrize(
    ("hosts", "forks", "seconds"), [(1, 5, 6), (5, 5, 6), (6, 5, 3), (20, 20, 6), (100, 5, 1), (0, 0, 6)]
)
def test_hosts_that_hang_leave_time_to_those_that_wait(hosts: int, forks: int, seconds: int) -> None:
    times = leak_evidence.times(1000.0, 9, hosts=hosts, forks=forks)
    assert (times.evidence_until, times.hosts_until, times.host_seconds) == (1009.0, 1006.0, seconds)


@pytest.mark.parametrize(("hosts", "hosts_until"), [(5, 1006.0), (11, 1018.0)])
def test_each_host_has_time_to_look_for_ways_back_in(hosts: int, hosts_until: float) -> None:
    times = leak_evidence.times(1000.0, 9, hosts=hosts, forks=5, has_key=True)
    assert (times.hosts_until, times.look_seconds) == (hosts_until, 6)
    assert leak_evidence.times(1000.0, 9, hosts=hosts, forks=5).look_seconds == 0


@pytest.mark.parametrize(("until", "end"), [(1008.0, 1008.0), (1001.0, 1003.0)])
def test_a_plan_that_took_long_leaves_time_to_servers(until: float, end: float) -> None:
    assert leak_evidence.servers_until(1000.0, 9, until) == pytest.approx(end)
