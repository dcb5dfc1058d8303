# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import shlex
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerDifference
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import finding_command, server_commands

DATABASE: dict[str, Any] = {"server": "postgresql", "administrator_user": "root"}
CACHE: dict[str, Any] = {"server": "valkey", "administrator_user": "", "tls": True}
PSQL = ["psql", "-h", "db.internal", "-p", "5432", "-U", "root", "-d", "postgres", "-c"]
MYSQL: dict[str, Any] = {"server": "mysql"}
RABBITMQ: dict[str, Any] = {"server": "rabbitmq"}
VALKEY = ["--tls", "--user", "default", "--askpass"]
ODD = 'a"; DROP DATABASE shop; --'


def words(command: str) -> list[str]:
    """As a shell splits the pasted command."""
    return shlex.split(finding_command.filled(command, {}))


@pytest.mark.parametrize(
    ("right", "statement"),
    [
        ("SUPERUSER", 'ALTER ROLE "shop" NOSUPERUSER'),
        ("CREATEDB by role staff", 'REVOKE "staff" FROM "shop"'),
        ("member of pg_read_all_data", 'REVOKE "pg_read_all_data" FROM "shop"'),
        ("owner of database other", 'ALTER DATABASE "other" OWNER TO "root"'),
        ("rights in database other", 'REVOKE ALL ON DATABASE "other" FROM "shop"'),
        ("CONNECT on database other, by PUBLIC", "\\l"),
        ("may set parameter archive_command", 'REVOKE SET, ALTER SYSTEM ON PARAMETER "archive_command" FROM "shop"'),
        ("may read pg_authid", 'REVOKE SELECT ON "pg_authid" FROM PUBLIC, "shop"'),
        ("may write functions in c", 'REVOKE USAGE ON LANGUAGE "c" FROM PUBLIC, "shop"'),
        ("may run lo_export(oid,text)", 'REVOKE EXECUTE ON FUNCTION lo_export(oid,text) FROM PUBLIC, "shop"'),
        ("may run public.f(text) as x", 'REVOKE EXECUTE ON FUNCTION public.f(text) FROM PUBLIC, "shop"'),
        ("something new", "\\du"),
        (f"may run {ODD}(text)", "\\du"),
        (f"owner of database {ODD}", 'ALTER DATABASE "a""; DROP DATABASE shop; --" OWNER TO "root"'),
        ("SUPERUSER; DROP DATABASE shop", "\\du"),
    ],
)  # fmt: skip
def test_a_right_of_postgresql(right: str, statement: str) -> None:
    command = server_commands.revoking("db.internal:5432", DATABASE, "shop", [right])
    assert words(command) == [*PSQL, statement]


def test_rights_are_one_command() -> None:
    command = server_commands.revoking("db:5432", DATABASE, ODD, ["CREATEDB", "CREATEROLE", "CREATEDB"])
    role = '"a""; DROP DATABASE shop; --"'
    statements = ["-c", f"ALTER ROLE {role} NOCREATEDB", "-c", f"ALTER ROLE {role} NOCREATEROLE"]
    assert words(command)[9:] == statements


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("cache:6379", ["-h", "cache", "-p", "6379"]),
        ("[::1]:6379", ["-h", "::1", "-p", "6379"]),
        ("/run/valkey.sock:6379", ["-s", "/run/valkey.sock"]),
    ],
)
def test_a_user_of_valkey(place: str, address: list[str]) -> None:
    command = server_commands.revoking(place, CACHE, "app $(id)", ["may shut it down"])
    rest = ["--tls", "--user", "default", "--askpass", "ACL", "SETUSER", "app $(id)", "-@admin"]
    assert words(command) == ["valkey-cli", *address, *rest]


@pytest.mark.parametrize(
    ("place", "user"), [("the server of cache", "app"), ("db:x", "app"), ("db:1", "a\nb"), ("db:1", "\x1b[2J")]
)
def test_what_cannot_be_pasted_makes_no_command(place: str, user: str) -> None:
    assert server_commands.revoking(place, CACHE, user, []) == ""
    assert server_commands.revoking(place, DATABASE, user, ["SUPERUSER"]) == ""


CLUSTER = {**CACHE, "nodes": ["cache2:6379"]}


@pytest.mark.parametrize(
    ("server", "name", "undo", "end"),
    [
        (DATABASE, "thief LOGIN", "ALTER ROLE thief NOLOGIN", ["-d", "shop", "-c", "ALTER ROLE thief NOLOGIN"]),
        (DATABASE, "x", 'DROP FUNCTION "a\'b"(text)', ["shop", "-c", 'DROP FUNCTION "a\'b"(text)']),
        (DATABASE, "slot", "SELECT pg_drop_replication_slot('x')", ["-c", "SELECT pg_drop_replication_slot('x')"]),
        (MYSQL, "a", "ALTER USER `a`@`%` ACCOUNT LOCK", ["-e", "ALTER USER `a`@`%` ACCOUNT LOCK"]),
        (MYSQL, "a", "STOP SLAVE ''; RESET SLAVE '' ALL", ["-e", "STOP SLAVE ''; RESET SLAVE '' ALL"]),
        (RABBITMQ, "a", "rabbitmqctl delete_user 'a b'", ["rabbitmqctl", "delete_user", "a b"]),
        (
            CLUSTER,
            "user a at cache2:6379",
            "ACL DELUSER a",
            ["-h", "cache2", "-p", "6379", *VALKEY, "ACL", "DELUSER", "a"],
        ),
        (CLUSTER, "user a at thief:6379", "ACL DELUSER a", ["-h", "db", "-p", "1", *VALKEY, "ACL", "DELUSER", "a"]),
    ],
)
def test_what_removes_an_entry(server: dict[str, Any], name: str, undo: str, end: list[str]) -> None:
    difference = ServerDifference("db:1", "added", "x", name, "", undo=undo)
    assert (
        words(server_commands.removing("db:1", {**server, "databases": {"x": "shop"}}, difference))[-len(end) :] == end
    )


@pytest.mark.parametrize(
    ("server", "undo"),
    [
        *((DATABASE, undo) for undo in ("\\! id", "DROP ROLE a \\! id", "DROP ROLE a; DROP DATABASE b", "SELECT f()")),
        *((DATABASE, undo) for undo in ("ALTER DATABASE a OWNER TO …", "remove it from pg_hba.conf", "")),
        *((MYSQL, undo) for undo in ("system id", "DROP USER a; system id", "DROP USER a\\! id", "SET GLOBAL a = 1")),
        *(
            (RABBITMQ, undo)
            for undo in ("rabbitmqctl eval 'x'", "rabbitmqctl stop", "sh -c id", "rabbitmqctl delete_user 'a")
        ),
        *((CACHE, undo) for undo in ("ACL DELUSER 'a", "FLUSHALL", "CONFIG SET dir …")),
    ],
)
def test_what_a_host_may_not_make_a_client_run(server: dict[str, Any], undo: str) -> None:
    assert server_commands.removing("db:1", server, ServerDifference("db:1", "added", "x", "a", "", undo=undo)) == ""


@pytest.mark.parametrize(
    ("server", "user", "shown"),
    [
        (DATABASE, "root", ["\\du"]),
        ({"server": "postgresql"}, "postgres", ["\\du"]),
        (CACHE, "default", ["ACL", "GETUSER", "default"]),
        ({**CACHE, "administrator_user": "boss"}, "boss", ["ACL", "GETUSER", "boss"]),
    ],
)
def test_the_administrator_does_not_lock_itself_out(server: dict[str, Any], user: str, shown: list[str]) -> None:
    for command in (
        server_commands.revoking("db:1", server, user, ["SUPERUSER"]),
        server_commands.disabling("db:1", server, user),
    ):
        assert words(command)[-len(shown) - 1 :] == ["-c" if server["server"] == "postgresql" else "--askpass", *shown]


@pytest.mark.parametrize("engine", server_commands.LISTS)
@pytest.mark.parametrize("name", ["shop\\u200b", "`shop\\u200b`@`%`", "x" * 80 + "…"])
def test_a_name_that_the_host_escaped_or_cut_is_listed(engine: str, name: str) -> None:
    listing = server_commands.LISTS[engine]
    assert words(server_commands.disabling("db:1", {"server": engine}, name))[-len(listing) :] == listing


@pytest.mark.parametrize(
    ("engine", "right"), [("mysql", "`boss`@`%`: FILE ON *.*"), ("rabbitmq", "boss: tag administrator")]
)
def test_the_administrator_keeps_its_rights(engine: str, right: str) -> None:
    server = {"server": engine, "administrator_user": "boss"}
    command = server_commands.revoking("db:1", server, "boss", [right])
    assert words(command)[-1] == server_commands.LISTS[engine][0]


def test_other_logins_are_disabled() -> None:
    assert words(server_commands.disabling("db:1", DATABASE, "thief"))[-1] == 'ALTER ROLE "thief" NOLOGIN'
    assert words(server_commands.disabling("db:1", CACHE, "thief"))[-3:] == ["SETUSER", "thief", "off"]


def test_a_right_is_revoked_in_the_database_in_which_it_was_read() -> None:
    command = server_commands.revoking("db:1", {**DATABASE, "database": "shop"}, "shop", ["may write functions in c"])
    assert words(command)[7:9] == ["-d", "shop"]


def test_braces_of_a_name_are_no_field() -> None:
    command = server_commands.at("cache:1", CACHE, ["ACL", "SETUSER", "{target}", "off"])
    assert words(command)[-2:] == ["{target}", "off"]
