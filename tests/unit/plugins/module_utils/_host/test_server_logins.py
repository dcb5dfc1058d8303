# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all servers of a verification may show together."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._host import server_logins


def test_no_server_takes_the_room_of_the_whole_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = server_baseline.entry_of("role", "x" * 190, "", "")

    def full(_entry: Any, _timeout: int) -> dict[str, Any]:
        report = server_logins._nothing()
        server_logins._take(report, lambda: {"kinds": ["role"], "entries": [entry] * 4000})
        return report

    monkeypatch.setitem(server_logins._SERVERS, "postgresql", full)
    wanted = [
        {"server": "postgresql", "place": f"db{number}", "inventory": {}, "logins": [], "nodes": [], "honeytokens": []}
        for number in range(6)
    ]
    inventories = [report["inventory"] for report in server_logins.seen(wanted, 1).values()]
    sizes = [server_baseline.size(inventory) for inventory in inventories]
    assert sum(sizes) < server_logins.LARGEST
    assert [bool(inventory["problems"]) for inventory in inventories] == [size == 2 for size in sizes]
    assert {*sizes} > {2}


@pytest.mark.parametrize("name", ["shop\u200b", "sh\x00op", "shop\ud800", "shop" + "x" * server_logins.LONGEST])
def test_no_name_becomes_that_of_another_login(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The controller removes what is not printable, so a command for the one would disable the other."""

    def read(_entry: Any, _login: Any) -> dict[str, Any]:
        login = {"name": name, "known": False, "nopass": False}
        return {"seen": 1, "problems": [], "rights": {"broker": [name]}, "unexplained": [login]}

    monkeypatch.setitem(server_logins._SERVERS, "rabbitmq", lambda *args: server_logins._two_users(read, read, *args))
    wanted = {"server": "rabbitmq", "place": "mq", "inventory": None, "logins": [], "nodes": [], "honeytokens": []}
    report = server_logins.seen([{**wanted, "admin_url": "rabbitmq://boss:canary@mq:15672"}], 1)["mq"]
    (shown,) = (login["name"] for login in report["unexplained"])
    assert shown.isprintable()
    assert not name.startswith(shown)
    assert shown != "shop"
    assert report["rights"]["broker"][0].isprintable()
