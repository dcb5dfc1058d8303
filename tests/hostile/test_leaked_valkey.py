# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whoever has a leaked login of Valkey with every right cannot stop its revocation, nor keep a way in unnamed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import redis

from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import digest_of
from sandbox.valkey import Valkey
from tests.hostile.fake_servers import fake_valkey
from tests.hostile.leaked_valkey import LEAKED, Response
from tests.integration.by_hand import enabling
from tests.integration.valkey_lab import dead, new_password, runner, session

RESTORED, WAITS, MENDED = "restored this user's password", "was disabled first", "The run sent SCRIPT KILL"
VETOES: dict[str, tuple[tuple[str, ...], str]] = {
    "own user needs no password": (("ACL SETUSER shop nopass",), ""),
    "own user is switched off": (("ACL SETUSER shop off",), ""),
    "another password": (("ACL SETUSER shop resetpass >{evil}",), ""),
    "a second password": (("ACL SETUSER shop >{evil}",), ""),
    "the administrator's password": (("ACL SETUSER admin resetpass >{evil}",), RESTORED),
    "the administrator's rights": (("ACL SETUSER admin -@all",), RESTORED),
    "the administrator may not change users": (("ACL SETUSER admin -acl",), RESTORED),
    "the administrator may not end sessions": (("ACL SETUSER admin -client",), RESTORED),
    "the administrator is switched off": (("ACL SETUSER admin off",), RESTORED),
    "the administrator is gone": (("ACL DELUSER admin",), RESTORED),
    "replicas log in as the leaked user": (
        ("CONFIG SET masteruser shop", "CONFIG SET masterauth {evil}"),
        "masterauth",
    ),
    "memory is full": (("CONFIG SET maxmemory 1",), ""),
    "no replica is good enough": (("CONFIG SET min-replicas-to-write 9",), ""),
    "a replica of nothing": (("REPLICAOF 127.0.0.1 1",), "names the node 127.0.0.1:1"),
    "a pause of writes": (("CLIENT PAUSE 600000 WRITE",), WAITS),
    "the number of connections": (("CONFIG SET maxclients 1",), MENDED),
    "the memory of connections": (("CONFIG SET maxmemory-clients 1%",), ""),
    "idle connections end": (("CONFIG SET timeout 1",), ""),
    "the administrator may not save users": (("ACL SETUSER admin -acl|save",), RESTORED),
}
"""By name the attacker's commands, and what a warning says."""
FOOTHOLDS = {
    "the default user needs no password": ("ACL SETUSER default on nopass", "user default needs no password"),
    "a password of the default user": ("CONFIG SET requirepass {evil}", "user default has 1 password that no store"),
    "a user of his own": (
        "ACL SETUSER thief on >{evil} ~* +@all",
        "user thief is not in the catalog: ACL SETUSER thief",
    ),
    "a user that copies all data": (
        "ACL SETUSER thief on >{evil} +psync +replconf +ping",
        "user thief may copy all data, and has a password with which no node logs in: ACL SETUSER thief off",
    ),
    "a password of the replicas' user": (
        "ACL SETUSER replicator >{evil}",
        "user replicator may copy all data, and has a password with which no node logs in: ACL SETUSER replicator ",
    ),
    "a password of the administrator": ("ACL SETUSER admin >{evil}", "user admin has 1 password that no store holds"),
}
LOOPS = {
    "our connections are ended": "CLIENT KILL USER admin",
    "a script that never ends": "EVAL 'while true do end' 0",
}
RACES = (
    "own user needs no password",
    "own user is switched off",
    "another password",
    "a second password",
    "the administrator's password",
    "the administrator's rights",
    "the administrator may not change users",
    "the administrator is switched off",
    "the administrator is gone",
    "the number of connections",
)
"""Vetoes that are repeated every 10 ms during the response."""
BY_HAND = {
    "a pause of all commands": ("CLIENT PAUSE 600000 ALL", "It may still work: block it"),
    "own user is deleted": ("ACL DELUSER shop", "the user shop does not exist, so nobody can log in as this user"),
    "another port": ("CONFIG SET port 0", "the server cannot be reached; start it"),
    "another address": ("CONFIG SET bind 127.0.0.3", "the server cannot be reached; start it"),
}
"""By name the attacker's command, and what the failure says."""
SPREAD = ("own user needs no password", "another password", "the administrator's password", "memory is full")
"""What make test tries of the vetoes, before the response alone."""


def nothing(response: Response) -> None:
    """What happens between two acts otherwise."""


def each(names: tuple[str, ...] | dict[str, object]) -> list[object]:
    return [name if name in SPREAD else pytest.param(name, marks=pytest.mark.long) for name in names]


@pytest.fixture
def response(capsys: pytest.CaptureFixture[str]) -> Iterator[Response]:
    with Valkey(password=new_password(), configuration=["busy-reply-threshold 500"]) as server:
        yield Response(runner(capsys), server)


def others(result: dict[str, Any]) -> list[str]:
    """Footholds, without the replicas' user that no node's masteruser names any more."""
    lines = result.get("footholds", ["nothing was looked for"])
    return [line for line in lines if "user replicator may copy all data" not in line]


@pytest.mark.parametrize("name", each(VETOES))  # type: ignore[arg-type]
def test_a_veto_before_the_response(name: str, response: Response) -> None:
    commands, warning = VETOES[name]
    response.as_leaked(commands)
    result = response.carried_out()
    assert (response.stage, result.get("refused"), others(result)) == ("revoked", [response.node], []), result
    assert response.ways_in == []
    assert warning in str(response.warnings)
    assert response.server.accepts(response.new, "shop")


@pytest.mark.parametrize("name", each(VETOES))  # type: ignore[arg-type]
def test_a_veto_before_the_revocation(name: str, response: Response) -> None:
    result = response.carried_out(lambda response: response.as_leaked(VETOES[name][0]))
    assert (result.get("refused"), others(result)) == ([response.node], []), result
    assert response.ways_in == []
    assert response.server.accepts(response.new, LEAKED), "the application's own password is back"


@pytest.mark.parametrize("name", FOOTHOLDS)
@pytest.mark.parametrize("when", ["before", "during", pytest.param("again and again", marks=pytest.mark.long)])
def test_a_foothold_is_named_with_the_command_that_ends_it(name: str, when: str, response: Response) -> None:
    command, message = FOOTHOLDS[name]

    def attack(response: Response) -> None:
        response.as_leaked((command,))

    (attack if when == "before" else nothing)(response)
    with response.again_and_again(*[command] * (when == "again and again")):
        time.sleep(0.1)
        result = response.carried_out(attack if when == "during" else nothing)
    assert LEAKED not in response.ways_in
    assert [line.startswith(f"{response.node}: {message}") for line in result["footholds"]] == [True], result


@pytest.mark.long
@pytest.mark.parametrize("name", LOOPS)
def test_whoever_interrupts_us_is_shut_out_first(name: str, response: Response) -> None:
    with response.again_and_again(LOOPS[name], pause=0):
        time.sleep(0.1)
        result = response.carried_out()
    assert (response.stage, result.get("footholds"), response.ways_in) == ("revoked", [], []), result
    assert any(text in str(response.warnings) for text in (WAITS, MENDED, "was removed first"))
    assert response.server.accepts(response.new, "shop")


@pytest.mark.parametrize("name", each(RACES))  # type: ignore[arg-type]
def test_whoever_repeats_a_veto_is_blocked_first(name: str, response: Response) -> None:
    with response.again_and_again(*VETOES[name][0]):
        assert not response.act("blocked", response.old).get("failed")
        result = response.carried_out()
    assert (result.get("refused"), others(result), response.ways_in) == ([response.node], [], []), result
    assert response.server.accepts(response.new, LEAKED)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in RACES if name != "the number of connections"])
def test_whoever_repeats_a_veto_does_not_keep_the_leaked_login(name: str, response: Response) -> None:
    """Also if the holder has become an administrator meanwhile, who is named or whom a person must remove."""
    with response.again_and_again(*VETOES[name][0]):
        time.sleep(0.1)
        result = response.carried_out()
    assert not response.server.accepts(response.old, LEAKED)
    assert not result.get("failed") or "administrator" in result["msg"], result
    named = "admin" in "".join(others(result))
    assert response.ways_in in ([], ["admin"] if result.get("failed") or named else []), result


def test_whoever_keeps_undoing_our_work_is_shut_out(response: Response) -> None:
    with response.again_and_again("ACL SETUSER shop on nopass", pause=0):
        result = response.carried_out()
    assert response.ways_in == []
    assert not result.get("failed"), result


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if "pause" in name else name for name in BY_HAND]
)
def test_what_only_a_person_can_end_is_named_with_the_remedy(name: str, response: Response) -> None:
    command, message = BY_HAND[name]
    with suppress(redis.ConnectionError):  # the server moves before it answers
        response.as_leaked((command,))
    assert message in response.carried_out()["msg"]


def test_a_server_that_refuses_every_host_proves_nothing(response: Response) -> None:
    """After CONFIG SET protected-mode yes and nopass for the default user, whose password is then not the reason."""
    denied = b"-DENIED Valkey is running in protected mode and no password is set for the default user.\r\n"
    with fake_valkey(answers={"AUTH": denied}) as server:
        result = response.run("tried", login_url=f"redis://shop:{response.old}@{server.place}")
    assert "the server refuses other hosts" in result["msg"]


def test_a_server_that_answers_nothing_stale_stops_nothing(response: Response) -> None:
    response.as_leaked(("REPLICAOF 127.0.0.1 1", "CONFIG SET replica-serve-stale-data no"))
    result = response.carried_out()
    assert (response.stage, result.get("refused"), response.ways_in) == ("revoked", [response.node], []), result
    assert f"{response.node} names the node 127.0.0.1:1" in str(response.warnings)


def test_a_session_of_another_user_ends_too(response: Response) -> None:
    """By a password that the thief set for a moment: no user shows it any more."""
    response.as_leaked(("ACL SETUSER admin >{evil}",))
    thief = session(response.server, response.evil, "admin")
    thief.ping()
    response.as_leaked(("ACL SETUSER admin <{evil}",))
    response.server.create_user("worker", response.new, "~*", "+@all", "-@admin")
    worker = session(response.server, response.new, "worker")
    worker.ping()
    response.carried_out()
    assert dead(thief)
    assert dead(worker), "programs connect again"
    assert "user shop could change other users, so the 2 sessions of all users were ended too" in str(response.warnings)


def test_sessions_of_others_stay_if_the_leaked_user_could_not_open_them(response: Response) -> None:
    response.server.execute("ACL", "SETUSER", LEAKED, "-@admin")
    worker = session(response.server, response.server.password, "default")
    worker.ping()
    response.carried_out()
    assert not dead(worker)


def test_thousands_of_users_are_counted(response: Response) -> None:
    client = session(response.server, response.old, LEAKED)
    for number in range(100):
        client.execute_command("ACL", "SETUSER", f"thief{number}", "on", ">x", "~*", "+@all")
    footholds = response.carried_out()["footholds"]
    assert (len(footholds), footholds[-1]) == (51, "50 more users; ACL LIST shows them")


def test_a_clean_server_gives_no_finding(response: Response) -> None:
    result = response.carried_out()
    assert (result["footholds"], response.warnings, response.ways_in) == ([], [], [])


def test_a_node_that_refuses_holds_up_no_other(response: Response) -> None:
    """It is named at the end, and the response stays open."""
    with Valkey(password=new_password()) as other:
        response.further = {"nodes": [f"{other.host}:{other.port}"]}
        result = response.carried_out()
        assert response.ways_in == []
        assert "reject the old password" in result["msg"]
        assert f"{other.host}:{other.port}" in result["msg"].partition("but other nodes may not")[2]


def test_a_full_disk_stops_nothing_and_is_named(response: Response) -> None:
    response.server.directory.chmod(0o500)
    result = response.carried_out()
    response.server.directory.chmod(0o700)
    assert response.ways_in == []
    assert "so a revoked password may work again after a restart" in result["msg"]
    again = response.act("revoked", response.old, end_sessions="all", known_addresses=["127.0.0.1"])
    assert (again.get("refused"), again["footholds"]) == ([response.node], []), again


def test_with_a_baseline_every_other_user_is_told_for_comparison(response: Response) -> None:
    """And of the catalog's own users what no store holds is still a foothold by itself."""
    response.further = {"inventory": {"key": "canary-key-of-digests", "own": {LEAKED: LEAKED}, "nodes": []}}
    response.as_leaked(("ACL SETUSER thief on >{evil} ~* +@all", "ACL SETUSER default >{evil}"))
    result = response.carried_out()
    inventory = result["inventory"]
    names = {entry["name"] for entry in inventory["entries"] if entry["kind"] == "user"}
    assert f"thief at {response.node}" in names
    assert [line.partition(": ")[2][:32] for line in result["footholds"]] == ["user default has 1 password that"]
    assert inventory["problems"] == []
    for password in (response.evil, response.old, response.new, response.server._admin_password):
        assert password not in str(result)
        assert digest_of(password) not in str(inventory)


def test_a_leaked_login_that_takes_rights_away_is_no_clean_server(response: Response) -> None:
    """A kind that cannot be read is not among the kinds, so the baseline calls it not checked."""
    response.further = {"inventory": {"key": "canary-key-of-digests", "own": {LEAKED: LEAKED}, "nodes": []}}
    response.as_leaked(("ACL SETUSER admin -function",))
    assert "function" not in response.carried_out()["inventory"]["kinds"]


def test_users_that_nothing_explains_are_deleted_at_every_node(response: Response) -> None:
    """If the operator asks for it. Those of the baseline stay, and one that another application's rotation makes."""
    with Valkey(replica_of=response.server) as replica:
        replica.create_user(LEAKED, response.old)
        for server in (response.server, replica):
            for user in ("report", "thief", "the'odd'", "crm_b"):
                server.create_user(user, response.evil)
        known = {"key": "canary", "own": {}, "nodes": [], "known": ["report", "crm_a"]}
        response.further = {"nodes": [f"{replica.host}:{replica.port}"], "inventory": known}
        thief = session(replica, response.evil, "thief")
        result = response.carried_out()
        assert (len(result.get("evicted", "")), result.get("footholds")) == (4, []), result
        assert f"{response.node}: unknown user thief, deleted by: ACL DELUSER thief" in result["evicted"]
        for server in (response.server, replica):
            server.restart()
            users = {line.split()[1] for line in server.execute("ACL", "LIST")}
            assert users == {"admin", "crm_b", "default", "replicator", "report", "shop"}
        assert dead(thief)
        assert response.evil not in str(result)


@pytest.mark.parametrize("veto", ["", "own user needs no password", "another password", "the administrator's password"])
def test_the_leaked_login_is_blocked_before_a_new_password_is_made(veto: str, response: Response) -> None:
    """If the operator asks for it. The steps of the rotation go on from there, and may be repeated."""
    kept = session(response.server, response.old, LEAKED)
    kept.ping()
    response.as_leaked(VETOES[veto][0] if veto else ())
    for _time in range(2):
        result = response.act("blocked", response.old)
        assert not result.get("failed"), result
        assert dead(kept)
        assert (response.ways_in, "is not blocked" in str(response.warnings)) == ([], False)
    result = response.carried_out()
    assert (result.get("refused"), result.get("footholds"), response.ways_in) == ([response.node], [], []), result
    assert response.server.accepts(response.new, LEAKED)
    response.act("blocked", response.old)
    assert response.server.accepts(response.new, LEAKED), "a late block does nothing to the new password"
    command = enabling("valkey_user", {"watchparty": LEAKED, "DIGEST": digest_of(response.old)})
    response.server.execute(*command.split())
    assert response.server.accepts(response.old, LEAKED)
