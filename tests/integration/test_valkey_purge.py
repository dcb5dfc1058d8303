# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A purge of real servers: caches go, queues stay, and nobody waits for it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey_key_patterns
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import main as django_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import purge_main
from sandbox.process import wait_until
from sandbox.valkey import Valkey
from tests.integration.valkey_lab import in_step, make_cluster, new_password, node
from tests.modules import run_module

CACHE = {"name": "cache", "kind": "cache", "setting": "CACHE_URL", "keys": [":1:*"]}
SESSIONS = {"name": "sessions", "kind": "sessions", "setting": "SESSION_URL", "keys": [":1:django.contrib.sessions*"]}
QUEUES = ("CELERY_BROKER_URL",)
Run = Callable[..., dict[str, Any]]


def client(server: Valkey, number: int = 0) -> redis.Redis:
    return redis.Redis.from_url(server.url(number))


def fill(server: Valkey, prefix: str, count: int, number: int = 0) -> None:
    with client(server, number) as item, item.pipeline(transaction=False) as pipe:
        for at in range(count):
            pipe.set(f"{prefix}{at}", "x")
        pipe.execute()


def celery(server: Valkey, number: int = 0, prefix: str = "") -> set[bytes]:
    """What a broker leaves: a queue of its own name, bindings, unfinished tasks, a result. Returns the keys."""
    with client(server, number) as item:
        item.sadd(f"{prefix}_kombu.binding.mail", "mail\x06\x16\x06\x16mail", "idle\x06\x16\x06\x16idle")
        item.rpush(f"{prefix}mail", "task", "task")
        item.rpush(f"{prefix}mail\x06\x166", "urgent")
        item.hset(f"{prefix}unacked", "tag", "task")
        item.set(f"{prefix}celery-task-meta-1", "{}")
        return set(item.keys("*"))


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with Valkey(password=new_password()) as item:
        yield item


@pytest.fixture(autouse=True)
def _empty(server: Valkey) -> None:
    server.execute("FLUSHALL")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the module as Ansible does; no password may be in what it answers."""

    def call(*chosen: dict[str, Any], check: bool = False, **params: Any) -> dict[str, Any]:
        given_params = {"chosen": list(chosen), "_ansible_check_mode": check, **params}
        answer, output = run_module(purge_main.main, given_params, capsys)
        assert "canary" not in output
        return answer

    return call


# --- what goes and what stays ---------------------------------------------------------------------------------------


def test_a_check_counts_and_a_run_deletes(server: Valkey, run: Run) -> None:
    fill(server, ":1:", 1200)
    fill(server, "own:", 300)
    kept = celery(server, 1)
    urls = {"CACHE_URL": server.url(), "CELERY_BROKER_URL": server.url(1)}
    counted = run(CACHE, check=True, urls=urls, brokers=QUEUES)
    assert (counted["changed"], counted["count"]) == (True, 1200)
    assert client(server).dbsize() == 1500
    gone = run(CACHE, urls=urls, brokers=QUEUES)
    assert (gone["changed"], gone["count"]) == (True, 1200)
    (item,) = gone["purged"]
    assert (item["name"], item["database"], item["nodes"], item["count"]) == ("cache", 0, [node(server)], 1200)
    assert gone["milliseconds"] >= item["milliseconds"] >= 0
    assert client(server).dbsize() == 300
    assert set(client(server, 1).keys("*")) == kept
    again = run(CACHE, urls=urls, brokers=QUEUES)
    assert (again["changed"], again["count"]) == (False, 0)


def test_a_whole_database_goes_where_it_is_the_caches_own(server: Valkey, run: Run) -> None:
    fill(server, "any:", 50, 3)
    client(server, 3).rpush("recent", "a")
    kept = celery(server, 1)
    urls = {"CACHE_URL": server.url(3), "CELERY_BROKER_URL": server.url(1)}
    assert run({**CACHE, "keys": ["*"]}, urls=urls, brokers=QUEUES)["count"] == 51
    assert set(client(server, 1).keys("*")) == kept


def test_beside_queues_only_the_caches_keys_go(server: Valkey, run: Run) -> None:
    kept = celery(server)
    fill(server, ":1:", 100)
    urls = {"CACHE_URL": server.url(), "CELERY_BROKER_URL": server.url()}
    assert run(CACHE, urls=urls, brokers=QUEUES)["count"] == 100
    assert set(client(server).keys("*")) == kept


def test_keys_of_any_bytes_go_by_their_own_names(server: Valkey, run: Run) -> None:
    with client(server) as item:
        item.set(b":1:\xff\xfe", "x")
        item.set(b":1:\n*[a]", "x")
    assert run(CACHE, urls={"CACHE_URL": server.url()})["count"] == 2
    assert client(server).dbsize() == 0


def test_a_key_that_two_patterns_match_counts_once(server: Valkey, run: Run) -> None:
    fill(server, ":1:a", 10)
    answer = run({**CACHE, "keys": [":1:a*", ":1:*"]}, check=True, urls={"CACHE_URL": server.url()})
    assert answer["count"] == 10


def test_a_purge_of_the_cache_spares_sessions_that_lie_in_it(server: Valkey, run: Run) -> None:
    fill(server, ":1:view", 20)
    fill(server, ":1:django.contrib.sessions.cache", 5)
    urls = {"CACHE_URL": server.url(), "SESSION_URL": server.url()}
    answer = run(CACHE, spared_sessions=[SESSIONS], urls=urls)
    assert (answer["count"], answer["purged"][0]["spared"]) == (20, 5)
    assert client(server).dbsize() == 5
    assert run(SESSIONS, urls=urls)["count"] == 5


# --- what is refused ------------------------------------------------------------------------------------------------


def refused(answer: dict[str, Any], *messages: str) -> None:
    assert answer["failed"], answer
    for word in messages:
        assert word in answer["msg"], answer["msg"]


@pytest.mark.parametrize("pattern", ["*", "m*", "idle", "?dle*", "mail*"])
def test_a_pattern_that_reaches_a_queue_in_the_same_database(server: Valkey, run: Run, pattern: str) -> None:
    """Also one that is empty now, and so has no key."""
    kept = celery(server)
    fill(server, ":1:", 5)
    urls = {"CACHE_URL": server.url(), "CELERY_BROKER_URL": server.url()}
    answer = run(CACHE, {**CACHE, "name": "more", "keys": [pattern]}, urls=urls, brokers=QUEUES)
    refused(
        answer,
        "Nothing was purged",
        "purge.more.keys[0]",
        repr(pattern),
        "CELERY_BROKER_URL",
        "prefix of the cache's own keys",
    )
    assert kept < set(client(server).keys("*"))
    assert client(server).dbsize() == len(kept) + 5


def test_a_broker_that_the_catalog_does_not_know(server: Valkey, run: Run) -> None:
    kept = celery(server, 4, prefix=":1:")
    answer = run(CACHE, urls={"CACHE_URL": server.url(4)})
    refused(answer, "purge.cache.keys[0]", "a message broker (its bindings are in this database)")
    assert set(client(server, 4).keys("*")) == kept


def test_channels_and_results_alone_are_known_by_their_keys(server: Valkey, run: Run) -> None:
    client(server, 5).zadd("asgi:group:chat", {"a": 1})
    refused(run({**CACHE, "keys": ["*"]}, urls={"CACHE_URL": server.url(5)}), "asgi:group:chat", "database 5")
    client(server, 5).flushdb()
    client(server, 5).set("celery-task-meta-7", "{}")
    refused(run({**CACHE, "keys": ["*"]}, urls={"CACHE_URL": server.url(5)}), "celery-task-meta-7")


@pytest.mark.parametrize(
    "command", [["RPUSH", ":1:odd", "x"], ["ZADD", ":1:odd", "1", "x"], ["XADD", ":1:odd", "*", "a", "x"]]
)
def test_what_may_be_a_queue_beside_queues_counts_as_one(server: Valkey, run: Run, command: list[str]) -> None:
    server.execute(*command)
    urls = {"CACHE_URL": server.url(), "CELERY_BROKER_URL": server.url()}
    refused(run(CACHE, urls=urls, brokers=QUEUES), ":1:odd", "keys of a broker in database 0")


def test_a_broker_by_another_name_of_the_same_server(server: Valkey, run: Run) -> None:
    urls = {"CACHE_URL": server.url(2), "CELERY_BROKER_URL": server.url(2).replace("127.0.0.1", "localhost")}
    refused(run({**CACHE, "keys": ["*"]}, urls=urls, brokers=QUEUES), "CELERY_BROKER_URL", "database 2")


@pytest.mark.parametrize(
    ("broker", "shared"),
    [
        ("redis://:canary-canary@127.0.0.1:1/2", True),
        ("redis://:canary-canary@127.0.0.1:1/3", False),
        ("sentinel://:canary-canary@127.0.0.1:1/3", True),
        ("amqp://user:canary-canary@127.0.0.1:1//", False),
        ("redis://127.0.0.1/x", True),
    ],
)
def test_a_broker_that_cannot_be_asked(server: Valkey, run: Run, broker: str, shared: bool) -> None:
    """What cannot be distinguished from the cache's database counts as the same."""
    urls = {"CACHE_URL": server.url(2), "CELERY_BROKER_URL": broker}
    answer = run({**CACHE, "keys": ["*"]}, urls=urls, brokers=QUEUES)
    assert bool(answer.get("failed")) is shared
    assert not run(CACHE, urls=urls, brokers=QUEUES).get("failed")


def test_a_user_without_dangerous_commands(server: Valkey, run: Run) -> None:
    password = new_password()
    server.create_user("app", password, "~*", "&*", "+@all", "-@dangerous")
    fill(server, ":1:", 7)
    urls = {"CACHE_URL": server.url(user="app", password=password)}
    assert run(CACHE, urls=urls)["count"] == 7
    refused(
        run(CACHE, urls={"CACHE_URL": server.url(password="canary-wrong")}),
        "CACHE_URL",
        "rejects the user and the password",
    )
    server.create_user("reader", password, "~*", "+@read", "+@connection")
    fill(server, ":1:", 1)
    answer = run(CACHE, urls={"CACHE_URL": server.url(user="reader", password=password)})
    refused(answer, "lacks a right")


# --- more than one node ---------------------------------------------------------------------------------------------


def test_from_a_replica_the_primary_is_purged(run: Run) -> None:
    with Valkey(password=new_password()) as primary, Valkey(replica_of=primary) as replica:
        assert wait_until(lambda: in_step(replica), seconds=30)
        fill(primary, ":1:", 10)
        nodes = {name: [node(primary)] for name in ("CACHE_URL", "CELERY_BROKER_URL")}
        answer = run(CACHE, urls={"CACHE_URL": replica.url()}, nodes=nodes)
        assert (answer["count"], answer["purged"][0]["nodes"]) == (10, [node(primary)])
        urls = {"CACHE_URL": primary.url(), "CELERY_BROKER_URL": replica.url()}
        refused(run({**CACHE, "keys": ["*"]}, urls=urls, brokers=QUEUES, nodes=nodes), "CELERY_BROKER_URL")


def test_from_a_replica_the_sessions_of_the_declared_primary_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Valkey(password=new_password()) as primary, Valkey(replica_of=primary) as replica:
        assert wait_until(lambda: in_step(replica), seconds=30)
        fill(primary, ":1:django.contrib.sessions.cache" + "a" * 31, 3)
        env = tmp_path / ".env"
        env.write_text(f"REDIS_URL={replica.url()}\n", encoding="utf-8")
        given = {"engine": "cache", "env_file": str(env), "cache_nodes": [node(primary)]}
        answer, output = run_module(django_main.main, given, capsys)
        assert answer["count"] == 3, answer
        assert primary.password not in output
        assert client(primary).dbsize() == 0


def test_every_primary_of_a_cluster(run: Run) -> None:
    with ExitStack() as stack:
        nodes = make_cluster(stack, new_password())
        with redis.RedisCluster.from_url(nodes[0].url()) as cluster:
            for at in range(300):
                cluster.set(f":1:{at}", "x")
                cluster.set(f"own:{at}", "x")
            declared = {"CACHE_URL": [f"localhost:{valkey.port}" for valkey in nodes]}
            answer = run(CACHE, urls={"CACHE_URL": nodes[0].url()}, nodes=declared)
            assert answer["count"] == 300
            # The nodes name each other by address, and are known by the declared names.
            own = {node(nodes[0]), *(f"localhost:{valkey.port}" for valkey in nodes[1:])}
            assert set(answer["purged"][0]["nodes"]) == own
            assert sum(valkey.execute("DBSIZE") for valkey in nodes) == 300
            # A queue that one node binds is known on all of them.
            cluster.sadd("_kombu.binding.own", "own\x06\x16\x06\x16own:1")
        answer = run({**CACHE, "keys": ["own:*"]}, urls={"CACHE_URL": nodes[0].url()}, nodes=declared)
        refused(answer, "can match own:1")


# --- patterns -------------------------------------------------------------------------------------------------------

TEXTS = st.text(alphabet="ab*?[]^-\\", min_size=1, max_size=6)


@examples(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pattern=TEXTS, key=TEXTS)
def test_patterns_are_read_as_the_server_reads_them(server: Valkey, pattern: str, key: str) -> None:
    with client(server, 9) as item:
        item.flushdb()
        item.set(key, "x")
        assert bool(item.keys(pattern)) == valkey_key_patterns.matches(pattern, key.encode())


# --- size -----------------------------------------------------------------------------------------------------------


class Probe(threading.Thread):
    """A client that asks for the same key again and again, and remembers the longest answer."""

    def __init__(self, server: Valkey) -> None:
        super().__init__()
        self.longest, self.asked, self._end = 0.0, 0, threading.Event()
        self._client = client(server)
        self._client.get("probe")

    def run(self) -> None:
        while not self._end.is_set():
            began = time.perf_counter()
            self._client.get("probe")
            self.longest, self.asked = max(self.longest, time.perf_counter() - began), self.asked + 1
            time.sleep(0.001)

    def __enter__(self) -> Probe:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()


def memory(server: Valkey) -> int:
    used_memory: int = client(server).info("memory")["used_memory"]
    return used_memory


@pytest.mark.slow
def test_a_thousand_of_a_million(server: Valkey, record_testsuite_property: Callable[[str, object], None]) -> None:
    """In a process of its own, as on a host, so that the probe measures the server."""
    populate(server)
    fill(server, ":1:", 1000)
    assert client(server).dbsize() == 1_000_000
    with Probe(server) as idle:
        time.sleep(5)
    server.execute("CONFIG", "RESETSTAT")
    before, peak = memory(server), []
    params = {"chosen": [CACHE], "urls": {"CACHE_URL": server.url()}}
    program = (
        "import json, sys\n"
        "from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import purge_main as m\n"
        "from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import purge as s\n"
        "p = json.load(sys.stdin); "
        "given = {'brokers': [], 'spared_sessions': [], 'nodes': {}, **p}; "
        "print(json.dumps(s.purge(m.wanted(given), check=False)))"
    )
    with Probe(server) as probe:
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": "playbooks/collections:."},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(params))
        process.stdin.close()
        while process.poll() is None:
            peak.append(memory(server))
            time.sleep(0.05)
        answer = json.loads(process.stdout.read())
    grown = max(peak) - before
    spent = client(server).info("commandstats")
    each = {name: spent[f"cmdstat_{name}"]["usec_per_call"] / 1000 for name in ("scan", "unlink")}
    message = (
        f"{answer['milliseconds']} ms; longest of {probe.asked} answers {probe.longest * 1000:.1f} ms, "
        f"{idle.longest * 1000:.1f} ms without it; a SCAN took the server {each['scan']:.2f} ms; +{grown} bytes"
    )
    record_testsuite_property("1,000 of 1,000,000 keys", message)
    assert answer["count"] == 1000
    assert client(server).dbsize() == 999_000
    assert client(server).exists(":1:0", ":1:999") == 0
    # What others do on this machine meanwhile delays answers as well.
    assert probe.longest - idle.longest < 0.05, message
    assert max(each.values()) < 5, message
    assert grown < 2_000_000, message


def populate(server: Valkey) -> None:
    for number in range(100):
        with client(server) as item, item.pipeline(transaction=False) as pipe:
            for at in range(9990):
                pipe.set(f"own:{number}:{at}", "x" * 100)
            pipe.execute()
