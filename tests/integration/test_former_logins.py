# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Former logins are tried at real servers, and what was not tried never counts as refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins
from sandbox.postgres import Postgres, scram_verifier
from sandbox.process import free_port
from sandbox.seed import Layout
from sandbox.valkey import Valkey
from tests.integration.harness import Lab, layout
from tests.integration.valkey_lab import new_password
from tests.integration.verify_lab import VERIFY, outcomes, write_journal

pytestmark = pytest.mark.slow
FORMER, CURRENT = (f"canary-{name}-password-" + "x" * 20 for name in ("former", "current"))


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
    result = revoked_logins.tried([entry], 5)["c"]
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
    assert (state, "not even the current value is accepted" in message) == ("neither", True)
    assert judged("postgresql", wrong, wrong, former)[0] == "accepted", "whatever becomes of the current one"
    state, message = judged("postgresql", gone, wrong)
    assert (state, "not even the current value is accepted" in message) == ("untried", True)
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


def test_a_verification(lab: Lab, postgres: Postgres, valkey: Valkey) -> None:
    """Accepted, refused, and with nothing to try it with; the values stay on standard input."""
    lab.catalog["settings"]["CACHE_URL"] = {"group": "core", "schemes": ["redis"], "type": "url"}
    lab.catalog["credentials"] = {
        "database": {"kind": "postgresql_role", "appears_in": [{"setting": "DATABASE_URL"}]},
        "cache": {"kind": "valkey_user", "appears_in": [{"setting": "CACHE_URL"}]},
    }
    lab.add_hosts(2)
    core: dict[str, Any] = {"SECRET_KEY": "k" * 60, "API_TOKEN": "t" * 60}
    for user, password in (("shop_a", FORMER), ("shop_b", CURRENT)):
        urls = {
            "DATABASE_URL": postgres.url(user, password, "shop"),
            "CACHE_URL": valkey.url(0, user="shop", password=password),
        }
        wanted = layout()
        lab.seed(Layout({**wanted.secrets, "shop/production/core": core | urls}, wanted.parameters))
    write_journal(lab)

    def verified(**over: Any) -> tuple[int, dict[str, tuple[str, str]], str]:
        report = lab.directory / "report"
        given = {"verify_report_path": str(report), "verify_only": "WPS701", "rotation_python": sys.executable, **over}
        run = lab.run("-vvvv", "-e", json.dumps(given), playbook=VERIFY)
        assert FORMER not in run.output
        assert CURRENT not in run.output
        result = json.loads((report / "partial.json").read_text())
        assert "canary" not in json.dumps(result)
        assert "Try previous values" in run.output
        return (
            run.code,
            {outcome["place"]: (outcome["status"], outcome["message"]) for outcome in outcomes(result, "WPS701")},
            run.text,
        )

    code, result, _text = verified()
    assert (code != 0, result["database"][0], result["cache"][0]) == (True, "fail", "pass")
    postgres.execute("ALTER ROLE shop_a NOLOGIN")
    try:
        code, result, _text = verified()
    finally:
        postgres.execute("ALTER ROLE shop_a LOGIN")
    assert (code, {how for how, _words in result.values()}) == (0, {"pass"})
    code, result, _text = verified(rotation_python="/usr/bin/false")
    assert (code, {how for how, _words in result.values()}) == (2, {"not checked"})
    assert all("the module did not run" in message.lower() for _how, message in result.values())
    lab.host_vars["web1"] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
    code, result, _text = verified(rotation_host="web1")
    assert {how for how, _words in result.values()} == {"not checked"}
    assert all("the host cannot be reached" in message for _how, message in result.values())
