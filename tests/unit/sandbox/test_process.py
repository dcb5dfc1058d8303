# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What this machine's environment says does not reach the stand-ins."""

from __future__ import annotations

import os
import urllib.request

import pytest

from sandbox.process import SERVER_PORTS, bypass_proxies, free_port


def test_no_proxy_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "intranet.example")
    assert not urllib.request.proxy_bypass("127.0.0.1")
    bypass_proxies()
    for host in ("127.0.0.1", "localhost", "intranet.example"):
        assert urllib.request.proxy_bypass(host)
    assert not urllib.request.proxy_bypass("pypi.example")
    assert os.environ["HTTP_PROXY"] == "http://127.0.0.1:9"


def test_each_server_gets_a_port_of_its_own() -> None:
    """Also where nothing listens at the first one yet: another process of the tests may ask in between."""
    ports = [free_port() for _port in range(200)]
    assert len(set(ports)) == 200
    assert all(SERVER_PORTS[0] <= port < SERVER_PORTS[1] for port in ports)
