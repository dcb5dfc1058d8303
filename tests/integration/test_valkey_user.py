# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module against real servers: alone, with a replica, with TLS, in a cluster."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from ansible.module_utils.testing import patch_module_args

from ansible_collections.watchparty.secrets.plugins.module_utils._valkey import digest_of
from ansible_collections.watchparty.secrets.plugins.modules import valkey_user
from sandbox.process import wait_until
from sandbox.valkey import Valkey

Run = Callable[..., dict[str, Any]]
LOCAL = ["127.0.0.1"]


def new_password() -> str:
    return "canary-" + secrets.token_hex(12)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the module as Ansible does, and checks that no value is in what it answers."""

    def call(state: str, **params: Any) -> dict[str, Any]:
        capsys.readouterr()
        with patch_module_args({"state": state, **params}), pytest.raises(SystemExit):
            valkey_user.main()
        output = capsys.readouterr().out
        assert "canary" not in output
        result: dict[str, Any] = json.loads(output)
        result.pop("invocation", None)
        return result

    return call


@pytest.fixture
def server() -> Iterator[Valkey]:
    with Valkey(password=new_password()) as one:
        yield one


def node(server: Valkey) -> str:
    return f"{server.host}:{server.port}"


def digests(server: Valkey, user: str = "default") -> set[str]:
    line = next(one for one in server.execute("ACL", "LIST") if one.split()[1] == user)
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


# --- passwords that overlap on one user -----------------------------------------------------------------------------


def test_two_passwords_overlap_and_only_old_sessions_end(server: Valkey, run: Run) -> None:
    old, new = server.password, new_password()
    admin, old_url, new_url = server.admin_url(), server.url(), server.url(password=new)
    before = session(server, old)
    added = run("present", admin_url=admin, login_url=new_url)
    assert (added["changed"], added["passwords"], added["changed_nodes"]) == (True, 2, [node(server)])
    assert server.accepts(old)
    assert server.accepts(new)
    assert not dead(before)
    again = run("present", admin_url=admin, login_url=new_url)
    assert (again["changed"], again["changed_nodes"]) == (False, [])

    assert run("usable", admin_url=admin, login_url=new_url)["keys"] == "written"
    assert server.execute("DBSIZE") == 0
    restarted = session(server, new)
    gone = run("absent", admin_url=admin, login_url=old_url, known_addresses=LOCAL, last_client=added["last_client"])
    assert gone["changed"]
    assert gone["sessions"] == {node(server): {"127.0.0.1": 2}}
    assert gone["ended"] == {node(server): {"127.0.0.1": 1}}
    assert gone["refused"] == [node(server)]
    assert gone["passwords"] == 1
    assert dead(before)
    assert not dead(restarted)
    assert not server.accepts(old)
    assert digests(server) == {digest_of(new)}
    last = run("absent", admin_url=admin, login_url=old_url, known_addresses=LOCAL, last_client=added["last_client"])
    assert (last["changed"], last["refused"]) == (False, [node(server)])
    assert not dead(restarted)


def test_what_changed_outlives_a_restart(server: Valkey, run: Run) -> None:
    new = new_password()
    run("present", admin_url=server.admin_url(), login_url=server.url(password=new))
    server.restart()
    assert server.accepts(new)
    run("absent", admin_url=server.admin_url(), login_url=server.url(), known_addresses=LOCAL)
    server.restart()
    assert server.accepts(new)
    assert not server.accepts(server.password)


# --- users that alternate -------------------------------------------------------------------------------------------


def test_two_users_alternate(server: Valkey, run: Run) -> None:
    old, new = new_password(), new_password()
    server.create_user("app_a", old, "~app:*", "&*", "+@all", "-@dangerous")
    url_a, url_b = server.url(user="app_a", password=old), server.url(user="app_b", password=new)
    before = session(server, old, "app_a")
    added = run("present", admin_url=server.admin_url(), login_url=url_b, like="app_a", overlap="users")
    assert added["changed"]
    rules = {line.split()[1]: line.split() for line in server.execute("ACL", "LIST")}
    without = [[word for word in rules[name][2:] if not word.startswith("#")] for name in ("app_a", "app_b")]
    assert without[0] == without[1]
    assert digests(server, "app_b") == {digest_of(new)}
    assert run("usable", admin_url=server.admin_url(), login_url=url_b)["keys"] == "written"
    assert not run("present", admin_url=server.admin_url(), login_url=url_b, like="app_a", overlap="users")["changed"]

    after = session(server, new, "app_b")
    gone = run("absent", admin_url=server.admin_url(), login_url=url_a, overlap="users", known_addresses=LOCAL)
    assert gone["ended"] == {node(server): {"127.0.0.1": 1}}
    assert (gone["passwords"], gone["refused"]) == (0, [node(server)])
    assert dead(before)
    assert not dead(after)
    third = new_password()
    url_a = server.url(user="app_a", password=third)
    back = run("present", admin_url=server.admin_url(), login_url=url_a, like="app_b", overlap="users")
    assert (back["changed"], back["passwords"]) == (True, 1)
    assert server.accepts(third, "app_a")
