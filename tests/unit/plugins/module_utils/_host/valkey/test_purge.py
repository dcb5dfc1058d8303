# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which nodes that a server names get the application's login."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import parse_url
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import purge as valkey_purge

PEERS = {"cache-2.example.internal": "10.0.2.8", "six.example.internal": "2001:db8::8"}


@pytest.fixture(autouse=True)
def _dns(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        if host not in PEERS:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PEERS[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def permitted(host: str, node: str, *declared: str) -> str:
    address = parse_url(f"redis://:canary@{host}:6379", "CACHE_URL")
    (result,) = valkey_purge._permitted([address.at(node)], address, declared)
    assert result.password == "canary"
    return str(result)


@pytest.mark.parametrize(
    ("host", "node"),
    [
        ("cache.example.com", "thief.example.com:6379"),
        ("cache.com", "thief.com:6379"),
        ("ec2-192-0-2-1.compute-1.amazonaws.com", "ec2-203-0-113-9.compute-1.amazonaws.com:6379"),
        ("10.0.2.7", "10.0.2.7:6380"),
        ("g-001.g.euw3.cache.amazonaws.com", "g-001.thief.euw3.cache.amazonaws.com:6379"),
        ("cache-2.example.internal", "10.0.2.8:6380"),
    ],
)
def test_a_node_that_is_not_declared_gets_no_login(host: str, node: str) -> None:
    with pytest.raises(HostError, match=r"but the catalog does not declare it\. No password was sent there") as refusal:
        permitted(host, node, "10.9.9.9:6379", "gone.example.internal:6379")
    assert f"add {node} to server.nodes" in str(refusal.value)
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize(
    ("node", "declared", "text"),
    [
        ("10.0.2.7:6379", (), "10.0.2.7:6379"),
        ("10.0.2.8:6379", ("10.0.2.8:6379",), "10.0.2.8:6379"),
        ("10.0.2.8:6379", ("cache-2.example.internal:6379",), "cache-2.example.internal:6379"),
        ("cache-2.example.internal:6379", ("cache-2.example.internal:6379",), "cache-2.example.internal:6379"),
        ("[2001:db8::8]:6379", ("six.example.internal:6379",), "six.example.internal:6379"),
    ],
)
def test_a_declared_node_is_reached_by_its_declared_name(node: str, declared: tuple[str, ...], text: str) -> None:
    assert permitted("10.0.2.7", node, *declared) == text


def test_a_deployment_that_aws_manages_needs_no_declaration() -> None:
    node = "g-0001-002.g.euw3.cache.amazonaws.com:6379"
    assert permitted("clustercfg.g.euw3.cache.amazonaws.com", node) == node


@pytest.mark.parametrize("slots", [7, [7], [[0, 1, []]], [[0, 1, [b"10.0.2.7"]]]])
def test_an_answer_in_another_form(slots: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Server:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def ask(self, *messages: str) -> Any:
            return ["mode", "cluster"] if messages == ("HELLO",) else slots

        def close(self) -> None:
            pass

    monkeypatch.setattr(valkey_purge, "Primary", Server)
    with pytest.raises(HostError, match="its answer cannot be read"):
        valkey_purge.reached(parse_url("redis://:canary@10.0.2.7", "CACHE_URL"), "CACHE_URL", ())
