# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verification of an application with logins of MariaDB and RabbitMQ: what is planted is named, with its command."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import mariadb, rabbitmq
from sandbox.binaries import find_mariadb, find_rabbitmq
from sandbox.process import SandboxError
from sandbox.seed import Layout
from tests.integration.harness import Lab, layout
from tests.integration.verify_lab import VERIFY, outcomes, write_journal

pytestmark = pytest.mark.slow
FORMER, CURRENT = (f"canary-{age}-password-" + "x" * 20 for age in ("former", "current"))


@pytest.fixture
def maria() -> Iterator[mariadb.MariaDB]:
    try:
        find_mariadb()
        find_rabbitmq()
    except SandboxError as error:
        pytest.skip(f"not tested: logins of MariaDB and RabbitMQ; {error}")
    with mariadb.MariaDB() as server:
        server.execute(
            "CREATE DATABASE app",
            f"CREATE USER app_a@'127.%' IDENTIFIED BY '{CURRENT}'",
            "CREATE USER app_b@'127.%' ACCOUNT LOCK",
            "GRANT ALL ON app.* TO app_a@'127.%'",
            "GRANT ALL ON app.* TO app_b@'127.%'",
        )
        yield server


@pytest.fixture
def broker(maria: mariadb.MariaDB) -> Iterator[rabbitmq.RabbitMQ]:
    del maria  # or none of both is tested
    with rabbitmq.RabbitMQ() as server:
        server.asked("PUT", "/users/app_a", {"password": CURRENT, "tags": ""})
        server.asked("PUT", "/permissions/%2F/app_a", {"configure": "", "write": ".*", "read": ".*"})
        yield server


def test_a_verification(lab: Lab, maria: mariadb.MariaDB, broker: rabbitmq.RabbitMQ) -> None:
    database, queue = (f"127.0.0.1:{server.port}" for server in (maria, broker))
    kinds = {"database": ("mysql_user", "MYSQL_URL", database), "queue": ("rabbitmq_user", "BROKER_URL", queue)}
    lab.catalog["credentials"] = {}
    for name, (kind, setting, address) in kinds.items():
        lab.catalog["settings"][setting] = {"group": "core", "type": "url"}
        own = {"user": "app", **({"amqp": f"127.0.0.1:{broker.amqp}"} if name == "queue" else {})}
        options = {"admin": f"{name}_admin", "options": own, "appears_in": [{"setting": setting}]}
        lab.catalog["credentials"][name] = {"kind": kind, **options}
        places = [{"secret": f"shop/{{environment}}/{name}", "keys": ["username", "password"]}]
        lab.catalog["credentials"][f"{name}_admin"] = {
            "kind": "external",
            "server": {"address": address},
            "appears_in": places,
        }
    lab.add_hosts(2)
    admins = {
        f"shop/production/{name}": {"username": mariadb.ADMINISTRATOR, "password": server.password}
        for name, server in (("database", maria), ("queue", broker))
    }
    wanted = layout()
    for user, password in (("app_b", FORMER), ("app_a", CURRENT)):
        core = {
            "SECRET_KEY": "k" * 60,
            "API_TOKEN": "t" * 60,
            "DATABASE_URL": f"postgresql://shop:{CURRENT}@127.0.0.1:1/shop",
            "MYSQL_URL": f"mysql://{user}:{password}@{database}/app",
            "BROKER_URL": f"amqp://{user}:{password}@127.0.0.1:{broker.amqp}//",
        }
        lab.seed(Layout({**wanted.secrets, **admins, "shop/production/core": core}, wanted.parameters))
    write_journal(lab)

    def verified(**over: Any) -> dict[str, list[str]]:
        report = lab.directory / "report"
        shutil.rmtree(report, ignore_errors=True)
        given = {"verify_report_path": str(report), "verify_only": "WPS701,servers", "rotation_python": sys.executable}
        run = lab.run("-vvvv", "-e", json.dumps({**given, **over}), playbook=VERIFY)
        result = json.loads((report / "partial.json").read_text())
        for value in (FORMER, CURRENT, maria.password, broker.password):
            assert value not in run.output
            assert value not in json.dumps(result)
        states: dict[str, list[str]] = {}
        for check in ("WPS701", "WPS1101", "WPS1102", "WPS1103"):
            for item in outcomes(result, check):
                states.setdefault(item["status"], []).append(f"{check} {item['place']}: {item['message']}")
        return states

    def recorded(**over: str) -> tuple[int, list[str]]:
        """The exit code of a run of baseline.yml, and the ids of the differences that it lists."""
        given = {"rotation_host": "localhost", "rotation_python": sys.executable, **over}
        run = lab.run("-vvvv", "-e", json.dumps(given), playbook="playbooks/baseline.yml")
        for value in (CURRENT, maria.password, broker.password):
            assert value not in run.output
        return run.code, re.findall(r"^([0-9a-f]{16})  127", run.output, re.MULTILINE)

    result = verified(rotation_host="localhost")
    assert (len(result["pass"]), len(result["not applicable"])) == (6, 4), result
    maria.execute("GRANT FILE ON *.* TO app_a@'127.%'", "CREATE USER mallory@'%' IDENTIFIED BY 'canary'")
    broker.asked("PUT", "/users/app_a", {"password": CURRENT, "tags": "administrator"})
    broker.asked("PUT", "/users/guest", {"password": "guest", "tags": ""})
    maria.execute(f"ALTER USER app_b@'127.%' IDENTIFIED BY '{FORMER}' ACCOUNT UNLOCK")
    broker.asked("PUT", "/users/app_b", {"password": FORMER, "tags": ""})
    result = verified(rotation_host="localhost")
    none = "may log in, but no credential of the catalog declares it"
    assert result["fail"] == [
        f"WPS701 database: a previous value still logs in at {database}",
        f"WPS701 queue: a previous value still logs in at 127.0.0.1:{broker.amqp}",
        f"WPS1101 database: its login at {database}: `app_a`@`127.%`: FILE ON *.*",
        f"WPS1101 queue: its login at {queue}: app_a: tag administrator",
        f"WPS1102 {database}: account `app_b`@`127.%` {none}",
        f"WPS1102 {database}: account `mallory`@`%` {none}",
        f"WPS1102 {queue}: user app_b {none}",
        f"WPS1102 {queue}: user guest accepts its default password",
    ]
    result = verified()
    assert len(result["not checked"]) == 4, result
    assert [line for line in result["fail"] if "still logs in" not in line] == [], "an application host tries them too"
    assert all("set rotation_host in the inventory" in line for line in result["not checked"])

    maria.execute("REVOKE FILE ON *.* FROM app_a@'127.%'", "ALTER USER app_b@'127.%' ACCOUNT LOCK")
    broker.asked("DELETE", "/users/app_b")
    broker.asked("PUT", "/users/app_a", {"password": CURRENT, "tags": ""})
    assert recorded() == (0, []), "with mallory and guest"
    result = verified(rotation_host="localhost")
    assert (set(result), len(result["pass"])) == ({"pass", "not applicable"}, 8), result
    broker.asked("PUT", "/users/guest", {"password": "guest", "tags": ""})
    maria.execute("CREATE USER thief@'%' IDENTIFIED BY 'canary'", "CREATE FUNCTION app.door() RETURNS INT RETURN 1")
    broker.asked("PUT", "/policies/%2F/copies", {"pattern": ".*", "definition": {"max-length": 1}})
    result = verified(rotation_host="localhost")
    assert [line.partition(" is not ")[0] for line in result["fail"] if "WPS1103" in line] == [
        f"WPS1103 {database}: account `thief`@`%`",
        f"WPS1103 {database}: routine function `app`.`door`",
        f"WPS1103 {queue}: policy copies in vhost /",
        f"WPS1103 {queue}: user guest",
    ]
    code, ids = recorded()
    assert (code, len(ids)) == (2, 4), "guest has another hash"
    # all, since other tests listen on this machine too
    assert recorded(baseline_accept="all", baseline_reason="the data team") == (0, [])
    assert set(verified(rotation_host="localhost")) == {"pass", "not applicable"}
    result = verified()
    assert all("set rotation_host in the inventory" in line for line in result["not checked"])
    assert len(result["not checked"]) == 6
