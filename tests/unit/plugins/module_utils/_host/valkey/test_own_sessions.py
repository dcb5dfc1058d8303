# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which nodes that a server names may be asked by a login of the application."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import parse_url
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import own_sessions

LOGIN = parse_url("rediss://:canary@clustercfg.g.euw3.cache.amazonaws.com:6379", "login_url")


@pytest.mark.parametrize(
    ("link", "is_asked"),
    [
        ("g-0001-002.g.euw3.cache.amazonaws.com:6379", True),
        ("G-0001-002.g.euw3.cache.amazonaws.com:6379", True),
        ("g-0001-002.other.euw3.cache.amazonaws.com:6379", False),
        ("thief.example.com:6379", False),
        ("203.0.113.9:6379", False),
        ("[2001:db8::9]:6379", False),
    ],
)
def test_only_those_of_the_same_domain(link: str, is_asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Connection:
        def __init__(self, address: Any, _what: str) -> None:
            asked.append(str(address))

        def __enter__(self) -> Connection:
            return self

        def __exit__(self, *_: object) -> None:
            return

        def ask(self, *messages: str) -> str:
            if messages == ("INFO",):
                return f"cluster_enabled:{len(asked) % 2}\r\nrun_id:{len(asked)}\r\n"
            return f"{'0' * 40} {link}@1 slave - 0 0 1 connected\n"

    monkeypatch.setattr(own_sessions, "Connection", Connection)
    _found, short = own_sessions.at_each(LOGIN, [], lambda _connection, _user: [])
    assert asked == [str(LOGIN)] + ([link] if is_asked else [])
    assert short == (
        [] if is_asked else [f"{LOGIN} names the node {link} in another domain; that node was not checked"]
    )
