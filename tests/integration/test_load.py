# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The load client and its balancer see what they should: hosts that restart cost nothing, a lost session is counted."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.balancer import Balancer
from sandbox.load import Load
from sandbox.postgres import Postgres
from sandbox.process import REPOSITORY, SandboxError, free_port
from sandbox.valkey import Valkey, encode
from tests.integration.web_hosts import WebHosts, settings

KEY, OTHER_KEY = "a-key-" * 10, "another-key-" * 6


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, Valkey]]:
    with Postgres() as postgres, Valkey() as valkey:
        yield postgres, valkey


def test_restarts_fail_no_request_and_lose_no_task(servers: tuple[Postgres, Valkey], tmp_path: Path) -> None:
    wanted = settings(*servers, key=KEY)
    with WebHosts(tmp_path, wanted, worker=True) as web:
        with Load(web.addresses, manage=web.manage, sessions=4, pause=0.2) as load:
            for host in web.hosts:
                time.sleep(1)
                host.restart(wanted)
            time.sleep(1)
        report = load.report
    assert report is not None
    assert (report.failed, report.lost, report.tasks_lost) == (0, 0, 0), report.messages
    assert report.requests > 40
    assert report.parallel_bursts > 5
    assert report.retried > 0
    assert report.tasks > 10
    assert len(report.hosts) == 2


def test_one_host_that_restarts_makes_requests_wait(servers: tuple[Postgres, Valkey], tmp_path: Path) -> None:
    wanted = settings(*servers, key=KEY)
    with WebHosts(tmp_path, wanted, count=1) as web:
        with Load(web.addresses, manage=web.manage, sessions=2, tasks=False) as load:
            web.hosts[0].restart(wanted)
            time.sleep(0.5)
        report = load.report
    assert report is not None
    assert (report.failed, report.lost, report.tasks) == (0, 0, 0), report.messages
    assert report.held > 0
    assert report.retried == 0


def test_from_the_command_line(servers: tuple[Postgres, Valkey], tmp_path: Path) -> None:
    with WebHosts(tmp_path, settings(*servers, key=KEY), count=1) as web:
        (address,), (env_file,) = web.addresses, web.manage.env_files
        argv = [sys.executable, "-m", "sandbox.load", "--host", f"{address[0]}:{address[1]}", "--seconds", "1"]
        argv += ["--env-file", str(env_file), "--no-tasks", "--sessions", "2"]
        done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["requests"] > 0
    assert (report["failed"], report["lost"], report["tasks"]) == (0, 0, 0)


def test_a_key_without_a_fallback_is_seen_to_lose_sessions(servers: tuple[Postgres, Valkey], tmp_path: Path) -> None:
    wanted = settings(*servers, key=KEY)
    with WebHosts(tmp_path, wanted, count=1) as web:
        with Load(web.addresses, manage=web.manage, sessions=3, tasks=False) as load:
            web.hosts[0].restart({**wanted, "SECRET_KEY": OTHER_KEY})
            time.sleep(2)
        report = load.report
    assert report is not None
    assert report.lost >= 3
    assert report.anonymous >= 3


def test_a_brokers_password_may_change(servers: tuple[Postgres, Valkey], tmp_path: Path) -> None:
    postgres = servers[0]
    with Valkey() as valkey:
        old = settings(postgres, valkey, key=KEY)
        new = {name: text.replace(valkey.password, "new-password-0123456789") for name, text in old.items()}
        with WebHosts(tmp_path, old, worker=True) as web:
            with Load(web.addresses, manage=web.manage, sessions=2) as load:
                time.sleep(1)
                command(valkey, "ACL", "SETUSER", "default", ">new-password-0123456789")
                for host in web.hosts:
                    host.restart(new)
                command(valkey, "ACL", "SETUSER", "default", f"<{valkey.password}")
                command(valkey, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", password="new-password-0123456789")
                time.sleep(2)
            report = load.report
        assert not valkey.accepts(valkey.password)
    assert report is not None
    assert (report.failed, report.lost, report.tasks_lost) == (0, 0, 0), report.messages
    assert report.tasks > 10


def command(valkey: Valkey, *arguments: str, password: str = "") -> None:
    with socket.create_connection((valkey.host, valkey.port), timeout=5) as link:
        link.sendall(encode("AUTH", password or valkey.password) + encode(*arguments))
        link.shutdown(socket.SHUT_WR)
        answer = link.makefile("rb").read()
    assert answer.startswith(b"+OK"), answer
    assert b"-ERR" not in answer, answer


def test_tasks_without_a_worker_are_seen_to_be_lost(
    servers: tuple[Postgres, Valkey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WebHosts(tmp_path, settings(*servers, key=KEY, CELERY_BROKER_URL=servers[1].url(5)), count=1) as web:
        monkeypatch.setattr("sandbox.load.SENDER_OPTIONS", ["--patience", "1"])
        with Load(web.addresses, manage=web.manage, sessions=1) as load:
            time.sleep(3)
        report = load.report
    assert report is not None
    assert report.tasks_lost == report.tasks > 0


def test_users_that_cannot_log_in_are_named(servers: tuple[Postgres, Valkey], tmp_path: Path) -> None:
    with WebHosts(tmp_path, settings(*servers, key=KEY), count=1) as web:
        load = Load(web.addresses, manage=web.manage, sessions=1, tasks=False, name="not-allowed.example.com")
        with pytest.raises(SandboxError, match="did not start"):
            load.start()


def ask(*answers: bytes | None, method: str = "GET", hold: float = 0.2) -> tuple[int, Balancer]:
    """Send one request to a balancer of hosts that answer so; None is a host that refuses. Return the status."""

    async def play() -> tuple[int, Balancer]:
        hosts, servers = [], []
        for answer in answers:
            if answer is None:
                hosts.append(("127.0.0.1", free_port()))
                continue

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes = answer) -> None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
                writer.close()

            servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
            hosts.append(servers[-1].sockets[0].getsockname())
        balancer = Balancer(hosts, hold=hold)
        await balancer.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", balancer.port)
        writer.write(f"{method} / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".encode())
        status = int((await reader.read()).split(b" ")[1])
        writer.close()
        await balancer.stop()
        for server in servers:
            server.close()
        return status, balancer

    return asyncio.run(play())


GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_request_goes_to_the_next_host(method: str) -> None:
    status, balancer = ask(None, GOOD, method=method)
    assert (status, balancer.counts.retried, balancer.counts.held) == (200, 1, 0)


def test_an_ended_connection_is_retried_only_where_it_may_be() -> None:
    status, balancer = ask(b"", GOOD)
    assert (status, balancer.counts.retried) == (200, 1)
    status, balancer = ask(b"", GOOD, method="POST")
    assert (status, balancer.counts.retried, balancer.counts.gave_up) == (502, 0, 1)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200", GOOD[:-1]])
def test_half_an_answer_is_a_failure(answer: bytes) -> None:
    status, balancer = ask(answer, GOOD)
    assert (status, balancer.counts.retried) == (502, 0)


def test_what_the_application_answers_is_passed_on() -> None:
    assert ask(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", GOOD)[0] == 500


def test_nobody_there_is_said_after_a_while() -> None:
    status, balancer = ask(None, None)
    assert (status, balancer.counts.held, balancer.counts.gave_up) == (503, 1, 1)


def test_hosts_that_are_not_well_are_left_out() -> None:
    balancer = Balancer([("127.0.0.1", 1), ("127.0.0.1", 2)], health="/health/")
    balancer._well = {("127.0.0.1", 2)}
    assert balancer._order(0) == [("127.0.0.1", 2)]
    balancer._well = set()
    assert balancer._order(1) == [("127.0.0.1", 2), ("127.0.0.1", 1)]


def test_no_hosts_are_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Balancer([])
