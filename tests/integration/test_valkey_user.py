# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module against one real server: overlap, proof, end, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import digest_of
from sandbox.process import free_port, wait_until
from sandbox.valkey import Valkey, encode
from tests.integration.valkey_lab import LOCAL, Run, dead, digests, new_password, node, runner, session, session_from


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


@pytest.fixture
def server() -> Iterator[Valkey]:
    with Valkey(password=new_password()) as item:
        yield item


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

    assert run("usable", admin_url=admin, login_url=new_url)["keyspace"] == "written"
    assert server.execute("DBSIZE") == 0
    restarted = session(server, new)
    gone = run("revoked", admin_url=admin, login_url=old_url, known_addresses=LOCAL, last_client=added["last_client"])
    assert gone["changed"]
    assert gone["sessions"] == {node(server): {"127.0.0.1": 2}}
    assert gone["ended"] == {node(server): {"127.0.0.1": 1}}
    assert gone["refused"] == [node(server)]
    assert gone["passwords"] == 1
    assert dead(before)
    assert not dead(restarted)
    assert not server.accepts(old)
    assert digests(server) == {digest_of(new)}
    last = run("revoked", admin_url=admin, login_url=old_url, known_addresses=LOCAL, last_client=added["last_client"])
    assert (last["changed"], last["refused"]) == (False, [node(server)])
    assert not dead(restarted)


def test_a_digest_is_enough_to_add_a_password(server: Valkey, run: Run) -> None:
    new = new_password()
    assert run("present", admin_url=server.admin_url(), digest=digest_of(new))["changed"]
    assert server.accepts(new)


def test_a_thief_who_logged_in_during_the_rollout_is_gone(server: Valkey, run: Run) -> None:
    """Beside him one who poses as a replica, so that every write is sent to him."""
    old, new = server.password, new_password()
    added = run("present", admin_url=server.admin_url(), login_url=server.url(password=new))
    thief, worker = session(server, old), session(server, new)
    gone = {"admin_url": server.admin_url(), "login_url": server.url(), "last_client": added["last_client"]}
    with session_from("127.0.0.9", server, old) as posing:
        posing.sendall(encode("SYNC"))
        assert wait_until(lambda: "flags=S" in server.execute("CLIENT", "LIST"), seconds=30)
        result = run("revoked", allow_sessions=True, end_sessions="all", gone_nodes=["127.0.0.9:0"], **gone)
        assert result.get("ended") == {node(server): {"127.0.0.1": 2, "127.0.0.9": 1}}, result
        while posing.recv(4096):
            pass
    assert dead(thief)
    assert dead(worker), "nothing tells its session from a thief's"
    assert worker.ping(), "it connects anew by itself"


def test_a_session_of_an_unknown_password_ends_too(server: Valkey, run: Run) -> None:
    """In a leak, a user that alternates keeps no session, even if somebody gave it another password."""
    old, stray = new_password(), new_password()
    server.create_user("app_a", old)
    server.execute("ACL", "SETUSER", "app_a", f"#{digest_of(stray)}")
    thief = session(server, old, "app_a")
    login = {"admin_url": server.admin_url(), "login_url": server.url(user="app_a", password=old), "overlap": "users"}
    assert run("revoked", known_addresses=LOCAL, end_sessions="all", **login)["passwords"] == 1
    assert dead(thief)


@pytest.mark.parametrize("ends", ["unverified", "all"])
def test_a_node_that_was_started_anew_keeps_no_unverified_session(ends: str, server: Valkey, run: Run) -> None:
    new = new_password()
    added = run("present", admin_url=server.admin_url(), login_url=server.url(password=new))
    server.restart()
    thief = session(server, server.password)
    gone = {"admin_url": server.admin_url(), "login_url": server.url(), "last_client": added["last_client"]}
    assert run("revoked", known_addresses=LOCAL, end_sessions=ends, **gone)["ended"] == {node(server): {"127.0.0.1": 1}}
    assert dead(thief)


def test_numbers_of_sessions_from_before_a_restart_end_nothing(server: Valkey, run: Run) -> None:
    new = new_password()
    added = run("present", admin_url=server.admin_url(), login_url=server.url(password=new))
    server.restart()
    worker = session(server, new)
    gone = run(
        "revoked",
        admin_url=server.admin_url(),
        login_url=server.url(),
        known_addresses=LOCAL,
        last_client=added["last_client"],
    )
    assert (gone["changed"], gone["ended"]) == (True, {})
    assert not dead(worker)


@pytest.mark.parametrize("acl_file", [True, False], ids=["ACL SAVE", "CONFIG REWRITE"])
def test_what_changed_outlives_a_restart(acl_file: bool, run: Run) -> None:
    new = new_password()
    with Valkey(password=new_password(), acl_file=acl_file) as server:
        run("present", admin_url=server.admin_url(), login_url=server.url(password=new))
        server.restart()
        assert server.accepts(new)
        assert server.accepts(server.password)
        run("revoked", admin_url=server.admin_url(), login_url=server.url(), known_addresses=LOCAL)
        server.restart()
        assert server.accepts(new)
        assert not server.accepts(server.password)


def test_a_run_that_ended_before_it_kept_the_change_is_made_good(server: Valkey, run: Run) -> None:
    new = new_password()
    server.execute("ACL", "SETUSER", "default", f"#{digest_of(new)}")
    assert not run("present", admin_url=server.admin_url(), login_url=server.url(password=new))["changed"]
    server.restart()
    assert server.accepts(new)


def test_a_password_in_the_configuration_is_pointed_out(run: Run) -> None:
    old, new = new_password(), new_password()
    with Valkey(password=old, configuration=[f"requirepass {old}"], acl_file=False) as server:
        run("present", admin_url=server.admin_url(), login_url=server.url(password=new))
        gone = run("revoked", admin_url=server.admin_url(), login_url=server.url(), known_addresses=LOCAL)
        assert "requirepass" in str(gone.get("warnings")), gone
        server.restart()
        assert not server.accepts(old)
        assert server.accepts(new)


def test_no_password_is_sent_but_in_auth(run: Run) -> None:
    old, new = new_password(), new_password()
    with Valkey(password=old, configuration=["slowlog-log-slower-than 0", "slowlog-max-len 1000"]) as server:
        monitor = session(server, old).monitor()
        with monitor:
            run("present", admin_url=server.admin_url(), login_url=server.url(password=new))
            run("usable", admin_url=server.admin_url(), login_url=server.url(password=new))
            run("revoked", admin_url=server.admin_url(), login_url=server.url(), known_addresses=LOCAL)
            server.execute("ECHO", "the end")
            seen = []
            while not seen or "the end" not in seen[-1]:
                seen.append(str(monitor.next_command()))
        kept = str(server.execute("SLOWLOG", "GET", "1000"))
        assert "SETUSER" in kept
        for text in (kept, "\n".join(seen), server.log.read_text()):
            assert "canary" not in text


# --- users that alternate -------------------------------------------------------------------------------------------


def rules(server: Valkey, user: str) -> list[str]:
    lines = {line.split()[1]: line.split()[2:] for line in server.execute("ACL", "LIST")}
    return [word for word in lines[user] if not word.startswith("#")]


def test_two_users_alternate(server: Valkey, run: Run) -> None:
    old, new = new_password(), new_password()
    server.create_user("app_a", old, "~app:*", "&*", "+@all", "-@dangerous", "(%R~shared:* +get)")
    url_a, url_b = server.url(user="app_a", password=old), server.url(user="app_b", password=new)
    before = session(server, old, "app_a")
    added = run("present", admin_url=server.admin_url(), login_url=url_b, like="app_a", overlap="users")
    assert added["changed"]
    assert rules(server, "app_a") == rules(server, "app_b")
    assert digests(server, "app_b") == {digest_of(new)}
    assert run("usable", admin_url=server.admin_url(), login_url=url_b)["keyspace"] == "written"
    assert not run("present", admin_url=server.admin_url(), login_url=url_b, like="app_a", overlap="users")["changed"]

    after = session(server, new, "app_b")
    gone = run("revoked", admin_url=server.admin_url(), login_url=url_a, overlap="users", known_addresses=LOCAL)
    assert gone["ended"] == {node(server): {"127.0.0.1": 1}}
    assert (gone["passwords"], gone["refused"]) == (0, [node(server)])
    assert dead(before)
    assert not dead(after)

    server.execute("ACL", "SETUSER", "app_b", "clearselectors", "+config|get")
    third = new_password()
    url_a = server.url(user="app_a", password=third)
    back = run("present", admin_url=server.admin_url(), login_url=url_a, like="app_b", overlap="users")
    assert (back["changed"], back["passwords"]) == (True, 1)
    assert rules(server, "app_a") == rules(server, "app_b")
    assert server.accepts(third, "app_a")


def test_a_user_that_was_off_is_on_again(server: Valkey, run: Run) -> None:
    old, new = new_password(), new_password()
    server.create_user("app_a", old)
    server.execute("ACL", "SETUSER", "app_a", "off", "resetpass")
    assert run("present", admin_url=server.admin_url(), login_url=server.url(user="app_a", password=new))["changed"]
    assert server.accepts(new, "app_a")


@pytest.mark.parametrize(
    ("acl", "keys"),
    [
        (("~cache:*", "+@all"), "written"),
        (("%RW~cache:*", "&*", "+set", "+get", "+del", "+ping"), "written"),
        (("%R~cache:*", "+@all"), "not allowed"),
        (("~*", "+get"), "not allowed"),
        (("+@all",), "not allowed"),
    ],
)
def test_usable_does_what_the_rules_allow(acl: tuple[str, ...], keys: str, server: Valkey, run: Run) -> None:
    password = new_password()
    server.create_user("app", password, *acl)
    url = server.url(user="app", password=password)
    assert run("usable", admin_url=server.admin_url(), login_url=url)["keyspace"] == keys
    assert server.execute("DBSIZE") == 0


def test_tried_asks_without_an_administrator(server: Valkey, run: Run) -> None:
    right = run("tried", login_url=server.url())
    assert (right["changed"], right["accepted"]) == (False, {node(server): True})
    wrong = server.url(password=new_password())
    assert run("tried", login_url=wrong, nodes=[node(server)])["accepted"] == {node(server): False}
    nowhere = run("tried", login_url=f"redis://:{new_password()}@127.0.0.1:{free_port()}")
    assert "cannot be reached" in nowhere["msg"]


# --- sessions from elsewhere ----------------------------------------------------------------------------------------


def test_sessions_are_reported_by_address(server: Valkey, run: Run) -> None:
    with session_from("127.0.0.2", server, server.password), session_from("127.0.0.3", server, server.password):
        result = run("sessions", admin_url=server.admin_url())
    assert result["sessions"] == {node(server): {"127.0.0.2": 1, "127.0.0.3": 1}}
    assert not result["changed"]


def test_a_server_that_a_provider_manages_is_asked_as_the_user_itself(server: Valkey, run: Run) -> None:
    """Each node once, by whatever name; one that cannot be reached hides nothing of the others."""
    with Valkey(password=server.password, addresses=("127.0.0.5",)) as other:
        server.create_user("else", new_password())
        nobody = free_port()
        nodes = [node(other), f"127.0.0.5:{other.port}", f"127.0.0.1:{nobody}"]
        given = {"login_url": server.url(), "nodes": nodes}
        with session_from("127.0.0.2", server, server.password), session_from("127.0.0.3", other, server.password):
            result = run("sessions", **given)
            assert result["sessions"] == {node(server): {"127.0.0.2": 1}, node(other): {"127.0.0.3": 1}}
            assert [f"127.0.0.1:{nobody}: the server cannot be reached" in item for item in result["short"]] == [True]
            assert run("ended", check=True, **given)["changed"]
        worker, admin = session(server, server.password), session(server, server._admin_password, "admin")
        gone = run("ended", **given)
        assert gone["ended"] == {node(server): {"127.0.0.1": 1}}
        assert (dead(worker), dead(admin)) == (True, False)
        assert not run("ended", **given)["changed"]
    wrong = run("sessions", login_url=server.url(password=new_password()))
    assert "the server rejects the user and the password of the credential's URL" in wrong["msg"]


def test_a_replica_that_is_down_hides_no_session_of_its_primary(server: Valkey, run: Run) -> None:
    gone = f"127.0.0.1:{free_port()}"
    with session_from("127.0.0.2", server, server.password):
        result = run("sessions", admin_url=server.admin_url(), nodes=[gone])
    assert result["sessions"] == {node(server): {"127.0.0.2": 1}}
    assert (
        result["short"]
        == [item for item in result["short"] if item.startswith(f"{gone}: the server cannot be reached")]
        != []
    )


def test_an_unknown_client_stops_the_end_before_anything_is_done(server: Valkey, run: Run) -> None:
    new = new_password()
    added = run("present", admin_url=server.admin_url(), login_url=server.url(password=new))
    wanted = {"admin_url": server.admin_url(), "login_url": server.url(), "last_client": added["last_client"]}
    with session_from("127.0.0.2", server, server.password), session_from("127.0.0.3", server, server.password):
        stopped = run("revoked", known_addresses=["127.0.0.3/32"], **wanted)
        assert "127.0.0.2 (1); give those clients the new value" in stopped["msg"]
        assert "(-e rotation_known_addresses=127.0.0.2), or" in stopped["msg"]
        assert "127.0.0.3" not in stopped["msg"]
        assert server.accepts(server.password)
        assert run("revoked", known_addresses=["127.0.0.0/8"], check=True, **wanted)["changed"]
        assert run("revoked", allow_sessions=True, **wanted)["changed"]


# --- check mode -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["open", "present", "usable", "sessions", "revoked"])
def test_check_mode_writes_nothing(state: str, server: Valkey, run: Run) -> None:
    old, new = new_password(), new_password()
    server.create_user("app", old)
    server.execute("ACL", "SETUSER", "app", f"#{digest_of(new)}")
    password = {"open": new_password(), "present": new_password(), "revoked": old}.get(state, new)
    worker = session(server, old, "app")
    before = (server.execute("ACL", "LIST"), (server.directory / "users.acl").read_text())
    gate = {"gate": "r-1"} if state == "open" else {}
    params: Mapping[str, Any] = {
        "admin_url": server.admin_url(),
        "login_url": server.url(user="app", password=password),
    }
    result = run(state, check=True, known_addresses=LOCAL, **gate, **params)
    assert result["changed"] is (state in ("open", "present", "revoked"))
    assert (server.execute("ACL", "LIST"), (server.directory / "users.acl").read_text()) == before
    assert not dead(worker)
    assert server.execute("INFO", "commandstats").count("cmdstat_set:") == 0
