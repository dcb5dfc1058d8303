# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of what the tests do as an attacker who has a leaked credential, as the documentation has it."""

from __future__ import annotations

from collections.abc import Sized
from types import ModuleType

from sandbox.process import REPOSITORY
from tests.hostile import test_leaked_postgresql as postgresql
from tests.hostile import test_leaked_postgresql_races as postgresql_races
from tests.hostile import test_leaked_valkey as valkey
from tests.integration import test_server_inventory as inventory
from tests.integration import test_ssh_key_footholds as real_hosts
from tests.integration.access_key_steps import test_second_keys as access_keys
from tests.integration.mysql_user import test_mysql_inventory as mysql_inventory
from tests.integration.mysql_user import test_mysql_leak as mysql_leak
from tests.integration.mysql_user import test_mysql_user as mysql
from tests.integration.rabbitmq_user import test_rabbitmq_inventory as rabbitmq_inventory
from tests.integration.rabbitmq_user import test_rabbitmq_user as rabbitmq
from tests.unit.plugins.module_utils._host.forensics import test_ways_in as hosts
from tests.unit.plugins.plugin_utils._access import test_account_inventory as account
from tests.unit.plugins.plugin_utils._github import test_repository_inventory as repository
from tests.unit.plugins.plugin_utils._leak import test_account_footholds as account_footholds
from tests.unit.plugins.plugin_utils._leak import test_temporary_credentials as temporary_credentials

PAGE = REPOSITORY / "docs" / "explanation" / "leak-response.md"
Parts = dict[ModuleType, tuple[Sized, ...]]
"""The attacks by module; none where a module repeats those of another on real hosts."""
REMOVED, NAMED = "Named with the remedy. {} on request", "Named with the remedy"
VETOES: dict[str, tuple[Parts, str]] = {
    "Valkey users, limits, pauses, endless scripts": (
        {valkey: (valkey.VETOES, valkey.LOOPS)},
        "The leaked password is rejected on every node",
    ),
    "PostgreSQL settings, locks, connections": (
        {postgresql: (postgresql.SETTINGS, postgresql.DATABASE, postgresql.HELD)},
        "The leaked login is rejected. If all connections are taken, the message names the remedy",
    ),
    "Acts repeated without a pause": (
        {valkey: (valkey.RACES,), postgresql_races: (postgresql_races.RACES,), mysql_leak: (mysql_leak.RACES,)},
        "The leaked login is rejected. What the repeated act leaves is named",
    ),
    "AWS: second access keys, an inactive or deleted key": (
        {access_keys: (access_keys.VETOES,)},
        "A new key works, and the leaked key is deleted. Second keys are removed or named",
    ),
    "Valkey: a pause, a deleted user, another address": (
        {valkey: (valkey.BY_HAND,)},
        "The response fails, and the message names the remedy",
    ),
}
FOOTHOLDS: dict[str, tuple[Parts, str]] = {
    "Valkey users, passwords, functions, settings": (
        {valkey: (valkey.FOOTHOLDS,), inventory: (inventory.USERS,)},
        REMOVED.format("Unknown users are removed"),
    ),
    "PostgreSQL roles, grants, functions, triggers, jobs": (
        {inventory: (inventory.PLANTED,), postgresql: (postgresql.GIVEN,)},
        REMOVED.format("Unknown logins are removed"),
    ),
    "MySQL: accounts, grants, roles, events, triggers, routines, settings": (
        {mysql_inventory: (mysql_inventory.PLANTED, mysql_inventory.CHANGED), mysql: (mysql.PLANTED[1:],)},
        REMOVED.format("Unknown users are locked"),
    ),
    "RabbitMQ: users, permissions, policies, parameters": (
        {rabbitmq_inventory: (rabbitmq_inventory.PLANTED, rabbitmq_inventory.CHANGED), rabbitmq: (rabbitmq.PLANTED,)},
        REMOVED.format("Unknown users are deleted"),
    ),
    "Host: files of an account": ({hosts: (hosts.HOME_FILES,), real_hosts: ()}, f"{NAMED}. The host gets no new value"),
    "Host: files of the system": (
        {hosts: (hosts.SYSTEM_FILES,), real_hosts: ()},
        f"{NAMED}. The host gets no new value",
    ),
    "Host: links, pipes, setuid files, accounts, groups": (
        {hosts: (hosts.OTHERS,), real_hosts: ()},
        f"{NAMED}. The host gets no new value",
    ),
    "AWS: users, second keys, console passwords, roles, trust, policies, rotation functions, KMS grants": (
        {account: (account.PLANTED,)},
        "Named by the baseline, with the command if one removes it",
    ),
    "AWS: what a leaked key made, also without a baseline": (
        {account_footholds: (account_footholds.ACTS,)},
        "Named with time and address. New keys of the catalog's users are deactivated on request",
    ),
    "AWS: temporary credentials of a role and of a user": (
        {temporary_credentials: (temporary_credentials.ENDED,)},
        REMOVED.format("They are denied"),
    ),
    "GitHub: deploy keys, webhooks, runners, collaborators, environments, secrets": (
        {repository: (repository.PLANTED,)},
        "Named by the baseline, with the command if one removes it",
    ),
}


def row(name: str, parts: Parts, outcome: str) -> str:
    tests = ", ".join(f"`{(module.__name__).rpartition('.')[2]}.py`" for module in parts)
    return f"| {name} | {number(parts)} | {outcome} | {tests} |"


def number(parts: Parts) -> int:
    return sum(len(part) for group in parts.values() for part in group)


def test_the_documentation_counts_the_attacks_that_are_tried() -> None:
    rows = [row(name, parts, outcome) for name, (parts, outcome) in {**VETOES, **FOOTHOLDS}.items()]
    page = PAGE.read_text(encoding="utf-8")
    assert [line for line in rows if line not in page] == [], "\n".join(rows)
    assert sum(number(parts) for parts, _outcome in VETOES.values()) >= 20
    assert sum(number(parts) for parts, _outcome in FOOTHOLDS.values()) >= 40
    at_servers = (inventory.BY_APPLICATION, inventory.BY_ADMINISTRATOR, inventory.ORDINARY)
    assert sum(map(len, (*at_servers, hosts.INNOCENT, account.ORDINARY))) > 40, "ordinary operations"
