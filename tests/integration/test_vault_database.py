# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A login that a real OpenBao makes at a real PostgreSQL: rotated, killed, leaked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import vault_client
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_leases import DatabaseLeases
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from sandbox.postgres import Postgres
from sandbox.process import wait_until
from tests.integration.chaos import COMMAND, Chaos
from tests.integration.leak_lab import prepare, respond
from tests.integration.rotation_lab import OWNER, RotationLab, rotation_lab
from tests.integration.vault_lab import VaultLab, with_database_engine

pytestmark = pytest.mark.servers
ONE = (*COMMAND, "-e", "rotation_credentials=database")


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultLab]:
    with VaultLab(tmp_path_factory.mktemp("vault")) as started:
        yield started


@pytest.fixture
def postgres(vault: VaultLab) -> Iterator[Postgres]:
    with Postgres() as server:
        server.create_logins(OWNER, OWNER)
        with_database_engine(vault, server.admin_url(), OWNER)
        yield server


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, object], vault: VaultLab) -> Iterator[RotationLab]:
    """The worked example: its stores stay AWS's, and its database's login is Vault's."""
    with rotation_lab(connection, hosts=1) as started:
        with_database_engine(vault, started.postgres.admin_url(), OWNER)
        started.catalog["stores"]["vault"] = vault.settings(**vault.approle())
        prepare(started)
        with started.with_catalog(database={"kind": "vault_database", "options": {"role": "web"}}):
            yield started


def roles(postgres: Postgres) -> list[str]:
    """Those that the engine made."""
    return postgres.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%' ORDER BY 1;").split()


def test_leases_of_a_real_server(postgres: Postgres, vault: VaultLab) -> None:
    """What the twin in memory is like: a lease ends with its token, can be ended twice, and not be renewed then."""
    client = vault_client.connect(vault.vault(**vault.approle()))
    leases = DatabaseLeases(client, "database", "web")
    assert leases.denied() == []
    made = leases.make(fresh=WritePermission())
    assert postgres.accepts(str(made.login.username), str(made.login.password), OWNER)
    assert leases.extended(made.lease, 10**9, fresh=WritePermission()) > 29 * 86400
    for _time in range(2):
        leases.end(made.lease, fresh=WritePermission())
        assert roles(postgres) == []
    with pytest.raises(NotFound, match="has ended"):
        leases.extended(made.lease, 10**6, fresh=WritePermission())
    by_root = {"auth": "token", "token_file": str(vault.private("root", vault.server.root_token))}
    root = vault_client.connect(vault.vault(**by_root))
    with pytest.raises(NotFound, match=r"no role database/creds/other"):
        DatabaseLeases(root, "database", "other").make(fresh=WritePermission())
    lost = leases.make(fresh=WritePermission())
    vault.server.request("POST", "auth/token/revoke-accessor", {"accessor": lost.lease.accessor})
    assert wait_until(lambda: roles(postgres) == [], seconds=30)
    nothing = vault.token_file(policies=["default"])
    bare = vault_client.connect(vault.vault(auth="token", token_file=str(nothing)))
    assert len(DatabaseLeases(bare, "database", "web").denied()) == 5


@pytest.mark.slow
def test_from_the_first_login_to_a_leak(lab: RotationLab, vault: VaultLab) -> None:
    old, here, runs, passwords = lab.values(), Chaos(lab), [], []
    runs.append(lab.rotate(*ONE, "--check", "--diff", "-vvvv"))
    assert runs[0].code == 0, runs[0].output
    assert roles(lab.postgres) == []

    # No lease is known of the login that was there before: a rotation stops before its end, on the new value.
    runs.append(lab.rotate(*ONE, "-vvvv"))
    assert f"The journal has no lease of login {OWNER}_a, because no rotation made" in runs[-1].text, runs[-1].output
    first = lab.values()
    assert roles(lab.postgres) == [first.database[0]]
    lab.postgres.execute(f"ALTER ROLE {OWNER}_a NOLOGIN; {_ends(f'{OWNER}_a')}")
    runs.append(lab.rotated(*ONE, "-vvvv"))
    assert lab.values() == first
    lab.assert_hosts_run_on_it()
    lease = lab.journal_state().rotated["database"].lease
    assert lease["id"].startswith("database/creds/web/")

    # A login that was made and not kept ends with its token; the run that goes on has another one.
    assert here.kill("CreateSecret watchparty-rotation-logins/production/*/database#1", *ONE) is not None
    assert len(roles(lab.postgres)) == 2
    assert here.kill("Vault post sys/leases/revoke#1", *ONE) is not None
    runs.append(lab.rotated(*ONE, "-vvvv"))
    second = lab.values()
    assert second.database[0] in roles(lab.postgres)
    assert first.database[0] not in roles(lab.postgres)
    assert len(roles(lab.postgres)) == 2, "the lost one, for an hour"
    lab.assert_hosts_run_on_it()
    lab.assert_closed()

    runs.append(respond(lab, "-e", "leak_credentials=database", "-vvvv"))
    assert runs[-1].code == 0, runs[-1].output
    third = lab.values()
    assert not lab.postgres.accepts(*second.database, OWNER)
    assert lab.postgres.accepts(*third.database, OWNER)
    assert second.database[0] not in roles(lab.postgres)
    lab.assert_hosts_run_on_it()
    passwords += [values.database[1] for values in (old, first, second, third)]
    assert not [word for word in passwords for run in runs if word in run.output]


def _ends(login: str) -> str:
    return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{login}';"
