# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that answer questions about their logins with anything, at any length, or slowly."""

from __future__ import annotations

import json
import socket
import sys
import time
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins_main, server_logins
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import server_logins_results
from tests.hostile import silent
from tests.hostile.fake_servers import REQUESTS, fake_valkey
from tests.hostile.receivers import Receiver, Talk, flooding
from tests.hostile.receivers import silent as silent_client
from tests.unit.plugins.plugin_utils._ansible.test_remote_program import Host

pytestmark = pytest.mark.servers
PLACE = "cache.internal:6379"
EXPECTED = {
    "server": "valkey",
    "credentials": ["cache"],
    "own_administrators": [],
    "left_out": {},
    "administrator": "cache_admin",
    "administrator_problem": "",
    "unjudged": "",
    "source": None,
    "own": {},
    "baseline_problem": "",
    "honeytokens": [],
}


def entry(server: str, url: str) -> dict[str, Any]:
    login = {"credential": "cache", "url": url}
    empty: dict[str, Any] = {"databases": [], "admin_url": "", "nodes": [], "known": {}, "changing": []}
    empty["honeytokens"] = []
    inventory = {"key": "k", "own": {"shop": "shop"}, "nodes": []}
    return {"server": server, "place": PLACE, "logins": [login], **empty, "inventory": inventory}


def on_host(server: str, url: str) -> dict[str, Any]:
    """As a verification asks it: in a program with its own limits, whose answer passes the gate."""
    params = {"connect_timeout": 1, "inspections": [entry(server, url)]}
    valid = remote_program.validated(revoked_logins_main.ARGUMENT_SPEC, params)
    variables = {"ansible_python_interpreter": sys.executable, "secrets_host_timeout": 60}
    answer = remote_program.execute(
        Host(),  # type: ignore[arg-type]
        revoked_logins_main,
        args=valid,
        task_vars=variables,
        packages=True,
    )
    result: dict[str, Any] = answer["inspected"][PLACE]
    return result


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


def listed(*lines: bytes) -> dict[str, bytes]:
    return {"ACL": b"*%d\r\n" % len(lines) + b"".join(map(bulk, lines))}


def valkey(answers: dict[str, bytes]) -> dict[str, Any]:
    with fake_valkey(answers=answers) as server:
        return on_host("valkey", f"redis://shop:password@{server.place}/0")


def test_names_do_not_reach_the_terminal() -> None:
    long = b"user " + b"x" * 100_000 + b" on nopass"
    result = valkey(listed(b"user \x1b[2Jev\xe2\x80\xaeil\x07 on nopass +@all", long))
    names = [user["name"] for user in result["unexplained"]]
    assert names == ["\\x1b[2Jev\\u202eil\\x07", "x" * server_logins.LONGEST + "…"]
    rows = server_logins_results.merged({PLACE: EXPECTED}, {"inspected": {PLACE: result}})["logins"]
    assert {row["state"] for row in rows} == {"fail"}
    assert all(row["message"].isprintable() for row in rows)


def test_a_hundred_thousand_users() -> None:
    """Ten megabytes; the rest is counted."""
    digest = b"#" + b"0" * 64
    result = valkey(listed(*(b"user u%06d on %s ~* +@all" % (number, digest) for number in range(100_000))))
    assert (len(result["unexplained"]), result["more"]) == (server_logins.MOST, 100_000 - server_logins.MOST)


ENTRIES = {
    "too many": b"*6000\r\n" + b"*2\r\n+library_name\r\n+f\r\n" * 6000,
    "another form": b"*1\r\n:1\r\n",
    "no answer": b"$-1\r\n",
}


@pytest.mark.parametrize("name", ENTRIES)
def test_an_inventory_of_another_form_or_length(name: str) -> None:
    """The logins are listed all the same."""
    result = valkey({**listed(b"user shop on nopass ~* +@all"), "FUNCTION": ENTRIES[name]})
    assert (result["listed"], result["inventory"]["entries"]) == (True, [])
    assert len(result["inventory"]["problems"]) == 1


def test_names_of_an_inventory_do_not_reach_the_terminal() -> None:
    users = listed(b"user \x1b[2Jev\xe2\x80\xaeil\x07 on nopass +@all", b"user " + b"x" * 100_000 + b" on")
    result = valkey({**users, **dict.fromkeys(("MODULE", "FUNCTION", "CONFIG"), b"*0\r\n")})
    names = [entry["name"] for entry in result["inventory"]["entries"] if entry["kind"] == "user"]
    assert names[0].startswith("\\x1b[2Jev\\u202eil\\x07 at 127.0.0.1:")
    assert len(names[1]) < 250


@pytest.mark.parametrize("answer", [b":1\r\n", b"$-1\r\n", b"*1\r\n:1\r\n", b"*1\r\n$4\r\nuser\r\n", b"+OK\r\n"])
def test_an_answer_of_another_form(answer: bytes) -> None:
    with fake_valkey(answers={"ACL": answer}) as server:
        place = server.place
        result = server_logins.seen([entry("valkey", f"redis://shop:password@{place}/0")], 1)[PLACE]
    assert (result["listed"], result["problems"]) == (False, [f"{place}: its answer cannot be read"])


def test_an_answer_without_end() -> None:
    """Of which the host takes a quarter of a gigabyte."""
    began = time.monotonic()
    result = valkey({"ACL": b"*1\r\n$%d\r\n" % 2**40 + b"x" * 2**28})
    assert not result["listed"]
    assert result["problems"]
    assert time.monotonic() - began < 60


def by_administrator(engine: str, port: int) -> dict[str, Any]:
    """Of a server that only its administrator asks."""
    address = {"host": "127.0.0.1", "port": port, "tls_mode": "disable"}
    login = {"credential": "cache", "users": ["shop_a", "shop_b"], "tags": []}
    admin_url = f"{engine}://boss:canary-of-the-administrator@{PLACE}"
    return {**entry(engine, ""), "logins": [login], "admin_url": admin_url, "address": address}


def http(text: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text.encode())


def test_users_of_a_hostile_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names reach neither the terminal nor a shell, and most are counted."""
    names = ["\x1b[2Jev\u202eil\x07", "x'; rm -rf /", *(f"u{number}" for number in range(400))]
    users = json.dumps([{"name": name, "tags": 7, "password_hash": [name]} for name in names])

    def talk(client: socket.socket) -> None:
        head = client.recv(65536).partition(b"\r\n")[0]
        whoami, permissions = http(json.dumps({"tags": "administrator"})), http("[]")
        client.sendall(whoami if b"whoami" in head else permissions if b"permissions" in head else http(users))

    with Receiver(talk) as receiver:
        asked = by_administrator("rabbitmq", receiver.port)
        monkeypatch.setattr("tests.hostile.test_server_logins.entry", lambda _server, _url: asked)
        result = on_host("rabbitmq", "")
    assert (result["listed"], len(result["unexplained"])) == (True, server_logins.MOST)
    assert result["more"] == len(names) - server_logins.MOST
    expected = {**EXPECTED, "server": "rabbitmq", "tags": {}, "users": {}}
    rows = server_logins_results.merged({PLACE: expected}, {"inspected": {PLACE: result}})["logins"]
    assert {row["state"] for row in rows} == {"fail"}
    assert all(row["message"].isprintable() for row in rows)
    assert "canary" not in str(result)
    assert (result["inventory"]["entries"], len(result["inventory"]["problems"])) == ([], 1), "users are no vhosts"


@pytest.mark.parametrize("engine", ["mysql", "rabbitmq"])
@pytest.mark.parametrize("talk", [silent_client, flooding])
def test_an_administered_server_that_floods_or_is_silent(
    engine: str, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_logins, "SECONDS", 1)
    with Receiver(talk) as receiver:
        began = time.monotonic()
        result = server_logins.seen([by_administrator(engine, receiver.port)], 1)[PLACE]
    assert time.monotonic() - began < 30
    assert (result["listed"], len(result["problems"])) == (False, 1)
    assert "canary" not in str(result)


@pytest.mark.parametrize("server", ["postgresql", "valkey"])
def test_a_byte_now_and_then(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_logins, "SECONDS", 1)
    first = REQUESTS["none"] if server == "postgresql" else b"+OK\r\n$900000\r\n"
    with silent.server(b"N", first=first) as port:
        url = f"{'postgresql' if server == 'postgresql' else 'redis'}://shop:password@127.0.0.1:{port}/0"
        began = time.monotonic()
        result = server_logins.seen([entry(server, url + ("?sslmode=disable" if server == "postgresql" else ""))], 1)
    assert time.monotonic() - began < 60
    assert result[PLACE]["problems"] == ["gave no complete answer within 5 seconds"]
