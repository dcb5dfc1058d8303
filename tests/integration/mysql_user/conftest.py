# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A MariaDB server, and an application with two users there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import BUILT_IN
from sandbox.binaries import find_mariadb
from sandbox.mariadb import MariaDB
from sandbox.process import SandboxError
from tests.integration.certificates import Authority
from tests.integration.mysql_user.world import OLD, MysqlShop, Programs
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS


@pytest.fixture(scope="package")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="package")
def server(authority: Authority) -> Iterator[MariaDB]:
    try:
        find_mariadb()
    except SandboxError as error:
        pytest.skip(f"not tested: users of MariaDB; {error}")
    with MariaDB(certificate=authority.certificate()) as made:
        made.execute("CREATE DATABASE app")
        yield made


@pytest.fixture
def maria(server: MariaDB) -> Iterator[MariaDB]:
    """With the two users: app_a logs in, app_b never did."""
    server.execute(
        f"CREATE USER app_a@'127.%' IDENTIFIED BY '{OLD}', app_a@'10.%' IDENTIFIED BY '{OLD}'",
        "CREATE USER app_b@'127.%', app_b@'10.%' ACCOUNT LOCK",
        *(f"GRANT ALL ON app.* TO {user}@'{host}'" for user in ("app_a", "app_b") for host in ("127.%", "10.%")),
    )
    try:
        yield server
    finally:
        users = server.execute("SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.user WHERE User LIKE 'app%'")
        server.execute(*(f"DROP USER {user}" for (user,) in users))


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setitem(KINDS, "mysql_user", BUILT_IN["mysql_user"].kind)
    return Programs(monkeypatch)


@pytest.fixture
def shop(maria: MariaDB, programs: Programs) -> Iterator[MysqlShop]:
    shop = MysqlShop(maria, programs)
    yield shop
    assert "canary" not in str(shop.world.journal.read().lines), "the journal holds no value"
