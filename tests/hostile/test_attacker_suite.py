# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of what the tests do as an attacker who has a leaked credential, as the documentation has it."""

from __future__ import annotations

from sandbox.process import REPOSITORY
from tests.hostile import test_leaked_postgresql as postgresql
from tests.hostile import test_leaked_valkey as valkey
from tests.integration import test_server_inventory as inventory
from tests.integration.access_key_steps import test_second_keys as access_keys
from tests.integration.mysql_user import test_mysql_user as mysql
from tests.integration.rabbitmq_user import test_rabbitmq_user as rabbitmq
from tests.unit.plugins.module_utils._host.forensics import test_ways_in as hosts

PAGE = REPOSITORY / "docs" / "explanation" / "leak-response.md"
VETOES = {
    "Valkey users, limits, pauses, endless scripts": (
        (valkey.VETOES, valkey.LOOPS),
        "The leaked password is rejected on every node",
    ),
    "PostgreSQL settings, locks, connections": (
        (postgresql.SETTINGS, postgresql.DATABASE, postgresql.HELD),
        "The leaked login is rejected. If all connections are taken, the message names the command",
    ),
    "AWS: second access keys, an inactive or deleted key": (
        (access_keys.VETOES,),
        "A new key works, and the leaked key is deleted. Second keys are removed or named",
    ),
    "Valkey: a pause, a deleted user, another address": (
        (valkey.BY_HAND,),
        "The response fails, and the message names the remedy",
    ),
}
FOOTHOLDS = {
    "Valkey users, passwords, functions, settings": (
        (valkey.FOOTHOLDS, inventory.USERS),
        "Named with the command. Unknown users are removed on request",
    ),
    "PostgreSQL roles, grants, functions, triggers, jobs": (
        (inventory.PLANTED, postgresql.GIVEN),
        "Named with the command. Unknown logins are removed on request",
    ),
    "MySQL and RabbitMQ: events, triggers, routines, policies": (
        (mysql.PLANTED[1:], rabbitmq.PLANTED),
        "Named with the command",
    ),
    "Host: files of an account": ((hosts.HOME_FILES,), "Named with the command. The host gets no new value"),
    "Host: files of the system": ((hosts.SYSTEM_FILES,), "Named with the command. The host gets no new value"),
    "Host: links, pipes, setuid files, accounts, groups": (
        (hosts.OTHERS,),
        "Named with the command. The host gets no new value",
    ),
}


def test_the_documentation_counts_the_attacks_that_are_tried() -> None:
    counts = {name: sum(map(len, parts)) for name, (parts, _outcome) in {**VETOES, **FOOTHOLDS}.items()}
    rows = [f"| {name} | {counts[name]} | {outcome} |" for name, (_, outcome) in {**VETOES, **FOOTHOLDS}.items()]
    page = PAGE.read_text(encoding="utf-8")
    assert [row for row in rows if row not in page] == [], "\n".join(rows)
    assert sum(counts[name] for name in VETOES) >= 20
    assert sum(counts[name] for name in FOOTHOLDS) >= 40
    at_servers = (inventory.BY_APPLICATION, inventory.BY_ADMINISTRATOR, inventory.ORDINARY)
    assert sum(map(len, (*at_servers, hosts.INNOCENT))) > 40, "ordinary operations"
