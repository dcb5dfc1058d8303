# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of valkey_user share: the module as Ansible runs it, and sessions that can be seen to end."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import redis

from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import main as valkey_main
from sandbox.process import free_port, ordinary_user, wait_until
from sandbox.valkey import Valkey, encode
from tests import background
from tests.modules import run_module

Run = Callable[..., dict[str, Any]]
LOCAL = ["127.0.0.1"]


def new_password() -> str:
    return "canary-" + secrets.token_hex(12)


def runner(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the module as Ansible does, and checks that no value is in what it answers."""

    def call(state: str, *, check: bool = False, **params: Any) -> dict[str, Any]:
        given = {"state": state, "_ansible_check_mode": check, **params}
        result, output = run_module(valkey_main.main, given, capsys)
        assert "canary" not in output
        for url in (params.get("admin_url"), params.get("login_url")):
            password = unquote(urlsplit(url or "").password or "")
            assert not password or password not in output
        return result

    return call


def node(server: Valkey) -> str:
    return f"{server.host}:{server.port}"


def digests(server: Valkey, user: str = "default") -> set[str]:
    line = next((item for item in server.execute("ACL", "LIST") if item.split()[1] == user), "")
    return {word[1:] for word in line.split() if word.startswith("#")}


def session(server: Valkey, password: str, user: str = "default") -> redis.Redis:
    client = redis.Redis(
        host=server.host, port=server.port, username=user, password=password, single_connection_client=True
    )
    client.ping()
    return client


def dead(client: redis.Redis) -> bool:
    """Whether its connection was ended: the driver itself would connect anew."""
    try:
        client.connection.send_command("PING")
        client.connection.read_response()
    except redis.ConnectionError:
        return True
    return False


@contextmanager
def thief(server: Valkey, password: str) -> Iterator[list[redis.Redis]]:
    """Somebody who logs in again and again for as long as the password is accepted, and keeps every session."""
    kept: list[redis.Redis] = []

    def log_in(over: threading.Event) -> None:
        while not over.wait(0.2):
            with suppress(redis.RedisError):
                kept.append(session(server, password))

    with background.running(log_in):
        yield kept


@contextmanager
def session_from(address: str, server: Valkey, password: str, user: str = "default") -> Iterator[socket.socket]:
    """A session from another address of this machine."""
    with socket.create_connection((server.host, server.port), 5, source_address=(address, 0)) as connection:
        connection.sendall(encode("AUTH", user, password))
        assert connection.recv(64) == b"+OK\r\n"
        yield connection


def make_certificate(directory: Path) -> Path:
    """A certificate for 127.0.0.1, and its key beside it for the user that the servers run as."""
    certificate = directory / "server.crt"
    key, end = certificate.with_suffix(".key"), ["-days", "7", "-subj", "/CN=tests", "-nodes"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:TRUE"]
    names += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    made = ["openssl", "req", "-x509", *curve, *end, *names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    certificate.chmod(0o644)
    key.chmod(0o600)
    if user := ordinary_user():
        os.chown(key, user.uid, user.gid)
    return certificate


def in_step(server: Valkey) -> bool:
    """Whether a replica is connected to its primary."""
    return "master_link_status:up" in server.execute("INFO", "replication")


def make_cluster(stack: ExitStack, password: str) -> list[Valkey]:
    """Three primaries that share the slots, until the stack is closed."""
    nodes: list[Valkey] = []
    for _ in range(3):
        lines = ["cluster-enabled yes", f"cluster-port {free_port()}", "cluster-node-timeout 2000"]
        valkey = Valkey(password=password, configuration=lines)
        valkey._admin_password = nodes[0]._admin_password if nodes else valkey._admin_password
        nodes.append(stack.enter_context(valkey))
    for number, valkey in enumerate(nodes):
        valkey.execute("CLUSTER", "ADDSLOTSRANGE", str(number * 5461), str(min((number + 1) * 5461 - 1, 16383)))
    nodes[-1].execute("CLUSTER", "ADDSLOTS", "16383")
    for valkey in nodes[1:]:
        bus = valkey.execute("CONFIG", "GET", "cluster-port")[1]
        nodes[0].execute("CLUSTER", "MEET", valkey.host, str(valkey.port), bus)
    assert wait_until(
        lambda: all("cluster_state:ok" in valkey.execute("CLUSTER", "INFO") for valkey in nodes), seconds=60
    )
    return nodes
