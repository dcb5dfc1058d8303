# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the module refuses, in words, and that nothing was changed then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import digest_of
from sandbox.process import Process, free_port
from sandbox.valkey import Valkey
from tests.integration.valkey_lab import LOCAL, Run, digests, new_password, runner, session


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with Valkey(password=new_password()) as item:
        yield item


def refused(run: Run, server: Valkey, state: str = "present", **params: Any) -> str:
    before = server.execute("ACL", "LIST")
    params = {"admin_url": server.admin_url(), "login_url": server.url(password=new_password()), **params}
    result = run(state, known_addresses=LOCAL, **params)
    assert result["failed"]
    assert server.execute("ACL", "LIST") == before
    return str(result["msg"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"admin_url": ""}, "the credential has no administrator"),
        ({"login_url": "redis://"}, "the credential's URL names no password"),
        ({"login_url": "http://u:canary-x@h/"}, "scheme 'http'"),
        ({"login_url": "redis://u:canary-x@h:port/"}, "cannot be parsed"),
        ({"login_url": "redis://u:canary-x@h/zero"}, "cannot be parsed"),
        ({"login_url": "redis://other:canary-x@h", "user": "app"}, "logs in as other, and the user is app"),
        ({"digest": "0" * 64}, "digest is not that of the password"),
        ({"login_url": None, "digest": "short"}, "not the 64 hexadecimal digits"),
        ({"login_url": None}, "digest or login_url is needed"),
        ({"login_url": None, "state": "revoked"}, "login_url is needed"),
        ({"state": "open"}, "gate is needed"),
        ({"nodes": ["nowhere"]}, "nowhere is not a node's address"),
        ({"admin_url": "redis://a:canary-x@main.abc.0001.euw1.cache.amazonaws.com"}, "kind elasticache_auth_token"),
        ({"login_url": "redis://a:canary-x@x.memorydb.eu-west-1.amazonaws.com"}, "kind elasticache_auth_token"),
    ],
)
def test_bad_words(params: dict[str, Any], message: str, server: Valkey, run: Run) -> None:
    assert message in refused(run, server, **params)


def test_a_wrong_password_of_the_administrator(server: Valkey, run: Run) -> None:
    wrong = server.url(user="admin", password=new_password())
    assert "the server rejects the user and the password of the administrator's URL" in refused(
        run, server, admin_url=wrong
    )


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (("+@all", "-acl"), "'acl|list'"),
        (("+@all", "-acl|setuser"), "'acl|setuser'"),
        (("+@all", "-acl|save"), "'acl|save'"),
        (("+@all", "-config"), "'config|get'"),
        (("+@all", "-client|kill"), "'client|kill'"),
        (("+@all", "-info"), "'info'"),
    ],
)
def test_an_administrator_that_lacks_a_right(rules: tuple[str, ...], text: str, server: Valkey, run: Run) -> None:
    password = new_password()
    server.create_user("weak", password, *rules)
    admin = server.url(user="weak", password=password)
    extra = new_password()
    server.execute("ACL", "SETUSER", "default", f"#{digest_of(extra)}")
    try:
        message = refused(run, server, "revoked", admin_url=admin, login_url=server.url(password=extra))
    finally:
        server.execute("ACL", "SETUSER", "default", f"!{digest_of(extra)}")
        server.execute("ACL", "DELUSER", "weak")
    assert "the user of the administrator's URL lacks a right on the server" in message
    assert text in message


@pytest.mark.parametrize("right", ["acl|list", "acl|setuser", "acl|save", "config|get", "client|kill", "client|list"])
def test_a_right_is_missed_before_a_rotation(right: str, server: Valkey, run: Run) -> None:
    password = new_password()
    server.create_user("weak", password, "+@all", f"-{right}")
    try:
        message = refused(run, server, "checked", gate="r", admin_url=server.url(user="weak", password=password))
    finally:
        server.execute("ACL", "DELUSER", "weak")
    assert "the user of the administrator's URL lacks a right on the server" in message
    assert f"'{right}'" in message


def test_what_is_asked_before_a_rotation(server: Valkey, run: Run) -> None:
    before = server.execute("ACL", "LIST")
    login = server.url(password=new_password())
    place = [{"node": f"{server.host}:{server.port}", "role": "primary"}]
    allowed = {"changed": False, "nodes": place, "undeclared_nodes": []}
    assert run("checked", gate="r", admin_url=server.admin_url(), login_url=login) == allowed
    other = server.url(user="app_b", password=new_password())
    users = {"overlap": "users", "like": "default", "gate": "r"}
    assert run("checked", admin_url=server.admin_url(), login_url=other, **users) == allowed
    assert server.execute("ACL", "LIST") == before
    assert "gate is needed for state checked" in refused(run, server, "checked")
    nobody = server.url(user="nobody", password=new_password())
    assert "the user nobody does not exist" in refused(run, server, "checked", gate="r", login_url=nobody)
    missing = {**users, "like": "app_a"}
    assert "the user app_a does not exist, so the user app_b cannot get its rights" in refused(
        run, server, "checked", login_url=other, **missing
    )
    server.execute("ACL", "SETUSER", "open_two", "on", "nopass", "~*", "+@all")
    login = server.url(user="open_two", password=new_password())
    assert "needs no password" in refused(run, server, "checked", gate="r", login_url=login)
    users["like"] = "open_two"
    assert "needs no password" in refused(run, server, "checked", login_url=other, **users)
    server.execute("ACL", "DELUSER", "open_two")


def test_a_server_that_is_down(server: Valkey, run: Run) -> None:
    down = f"redis://admin:canary-x@127.0.0.1:{free_port()}"
    assert "cannot be reached; start it" in refused(run, server, admin_url=down)


def test_a_server_at_its_limit_of_connections(run: Run) -> None:
    with Valkey(configuration=["maxclients 1"]) as full:
        holder = session(full, full.password)
        try:
            result = run("present", admin_url=full.admin_url(), login_url=full.url(password=new_password()))
        finally:
            holder.close()
        assert "limit of connections (maxclients)" in result["msg"]


def test_a_server_whose_commands_are_taken_away(run: Run) -> None:
    with Valkey(configuration=['rename-command ACL ""']) as managed:
        result = run("present", admin_url=managed.admin_url(), login_url=managed.url(password=new_password()))
    assert "kind elasticache_auth_token" in result["msg"]


class Bare(Valkey):
    """All of its configuration is on its command line."""

    def _launch(self) -> Process:
        users = [line.split() for line in (self.directory / "users.acl").read_text().splitlines()]
        place = ["--port", str(self.port), "--bind", self.host, "--dir", str(self.directory), "--save", ""]
        argv = [
            str(self._programs.paths["server"]),
            *place,
            *(word for line in users for word in ("--user", *line[1:])),
        ]
        return Process.start(argv, log=self.log, user=self.user, cwd=self.directory)


def test_a_server_that_keeps_nothing(run: Run) -> None:
    with Bare() as server:
        assert "its next restart would lose the change" in refused(run, server)
        assert "its next restart would lose the change" in refused(run, server, "checked", gate="r")


def test_a_user_that_needs_no_password(server: Valkey, run: Run) -> None:
    server.execute("ACL", "SETUSER", "open_one", "on", "nopass", "~*", "+@all")
    for state in ("present", "revoked"):
        login = server.url(user="open_one", password=new_password())
        assert "needs no password" in refused(run, server, state, login_url=login)


def test_a_user_that_does_not_exist(server: Valkey, run: Run) -> None:
    login = server.url(user="nobody", password=new_password())
    assert "the user nobody does not exist" in refused(run, server, login_url=login)
    assert "the user other does not exist, so the user nobody" in refused(run, server, login_url=login, like="other")
    revoked = run("revoked", admin_url=server.admin_url(), login_url=login)
    assert (revoked["changed"], len(revoked["refused"])) == (False, 1)


def test_the_last_password_of_a_user_stays(server: Valkey, run: Run) -> None:
    assert "this is the last password" in refused(run, server, "revoked", login_url=server.url())
    assert digests(server) == {digest_of(server.password)}


def test_a_password_that_is_not_valid_is_not_usable(server: Valkey, run: Run) -> None:
    assert "the server rejects the user and the password of the credential's URL" in refused(run, server, "usable")


def test_tls_where_the_server_speaks_none(server: Valkey, run: Run) -> None:
    admin = server.admin_url().replace("redis:", "rediss:")
    assert "correct its address or scheme in the administrator's URL" in refused(run, server, admin_url=admin)
