# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins of PostgreSQL that nothing explains, after a leak."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import psycopg
import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import postgresql, timestamps
from sandbox.postgres import Postgres
from tests.hostile.test_leaked_postgresql import KEY, Leak, leak, revoked, server

__all__ = ["leak", "server"]


def test_roles_that_nothing_explains_are_disabled(leak: Leak, server: Postgres) -> None:
    """If the operator asks for it. Those of the baseline stay, and one that another application's rotation makes."""
    owner = leak.shop.owner
    roles = {name: f"{owner}_{name}" for name in ("report", "crm_b", 'odd "thief"')}
    for role in roles.values():
        quoted = postgresql.identifier(role)
        server.execute(f"CREATE ROLE {quoted} LOGIN PASSWORD 'evil'; GRANT {owner}, {leak.shop.first} TO {quoted}")
    present = server.execute("SELECT rolname FROM pg_roles WHERE rolcanlogin").splitlines()
    known = [name for name in present if not name.startswith(owner)]
    leak.inventory = {"key": KEY, "own": {}, "known": [*known, owner, roles["report"], f"{owner}_crm_a"]}
    url = leak.shop.url(leak.shop.first).replace(leak.shop.first, quote(roles['odd "thief"']), 1)
    thief = psycopg.connect(url.replace(leak.shop.passwords[leak.shop.first], "evil"))
    result = revoked(leak, roles["report"], roles["crm_b"])
    (line,) = result["evicted"]
    assert "NOLOGIN PASSWORD NULL; REVOKE " in line
    assert "; 1 sessions ended" in line
    with pytest.raises(psycopg.OperationalError):
        thief.execute("SELECT 1")
    listed = {entry["name"] for entry in result["inventory"]["entries"]}
    assert not [name for name in listed if '""thief' in name], "nothing of it is left to name"


def undeclared(leak: Leak, since: str, *, evicts: bool) -> None:
    """The rest that can log in is the catalog's."""
    owner = leak.shop.owner
    present = leak.shop.server.execute("SELECT rolname FROM pg_roles WHERE rolcanlogin").splitlines()
    logins = [name for name in present if not name.startswith(f"{owner}_")] + [owner]
    leak.catalog_logins = {"logins": logins, "since": since, "evicts": evicts}


def made(leak: Leak, *roles: str) -> None:
    for role in roles:
        leak.shop.server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'evil'")


def after_a_second() -> str:
    """A time later than what exists, and earlier than what follows: the server tells whole seconds."""
    since = timestamps.stamp(datetime.now(UTC) + timedelta(seconds=1))
    time.sleep(1.1)
    return since


@pytest.mark.parametrize("evicts", [True, False])
def test_a_role_of_the_exposure_window_goes_without_a_baseline(evicts: bool, leak: Leak, server: Postgres) -> None:
    """Not one that is older and was only written since, nor one that alternates with another application's."""
    report, thief, crm, other = (f"{leak.shop.owner}_{name}" for name in ("report", "thief", "crm_b", "crm_a"))
    made(leak, report, other)
    since = after_a_second()
    server.execute(f"ALTER ROLE {report} PASSWORD 'newer'")
    made(leak, crm, thief)
    undeclared(leak, since, evicts=evicts)
    args, url = leak.shop.args, server.admin_url()
    leak.shop.args = lambda login, **extra: {**args(login, **extra), "admin_url": url}
    result = revoked(leak, report, crm, other, *([] if evicts else [thief]))
    begins = [line.partition(",")[0] for line in result["footholds"]]
    named = [
        f'role "{name}" can log in and is not in the catalog' for name in (crm, thief) if name == crm or not evicts
    ]
    assert begins == named
    assert f': ALTER ROLE "{crm}" NOLOGIN PASSWORD NULL' in result["footholds"][0]
    assert len(result["evicted"]) == evicts


def test_a_role_without_a_time_is_named_and_stays(leak: Leak) -> None:
    """An administrator that is no superuser sees no time."""
    thief = f"{leak.shop.owner}_thief"
    undeclared(leak, "2026-01-01T00:00:00Z", evicts=True)
    made(leak, thief)
    result = revoked(leak, thief)
    assert result["evicted"] == []
    (line,) = result["footholds"]
    assert line.startswith(f'role "{thief}" can log in and is not in the catalog, created at an unknown time: ')
    assert line.endswith(f': ALTER ROLE "{thief}" NOLOGIN PASSWORD NULL')
