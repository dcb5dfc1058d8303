# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whoever may write one parameter, or has the application's password, tries to get the administrator's."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import main as django_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import main as postgresql_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import main as valkey_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import purge_main
from sandbox.process import wait_until
from sandbox.seed import Layout
from sandbox.valkey import ADMINISTRATOR, Valkey
from tests.hostile.fake_servers import REQUESTS, FakeServer, fake_postgresql, fake_valkey, posing_as_replica
from tests.integration import harness
from tests.integration.certificates import Authority
from tests.integration.harness import Lab
from tests.integration.valkey_lab import digests, new_password
from tests.modules import run_module

CANARY = "canary-of-the-administrator"


def caught(server: FakeServer, password: str = CANARY, user: str = "root") -> bool:
    """Whether the attacker has the password, or the hash from which PostgreSQL's MD5 lets anyone in."""
    inner = hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()
    hashed = hashlib.md5(inner.encode() + b"salt", usedforsecurity=False).hexdigest()
    received = server.received
    return password.encode() in received or hashed.encode() in received


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("request_", list(REQUESTS))
def test_a_server_that_asks_for_another_authentication(
    request_: str, driver: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if driver == "psycopg2":
        monkeypatch.setitem(sys.modules, "psycopg", None)
    with fake_postgresql(request_) as fake:
        url = f"postgresql://root:{CANARY}@{fake.place}/postgres"
        given = {"state": "checked", "admin_url": url, "login": "shop_b", "owner": "shop", "like": "shop_a"}
        result, output = run_module(postgresql_main.main, given, capsys)
        assert result["failed"]
        assert fake.clients
        assert not caught(fake)
        assert CANARY not in output


@pytest.mark.parametrize("request_", ["cleartext", "md5", "none"])
def test_the_same_to_an_older_libpq(
    request_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It knows no require_auth; channel binding has the same effect, even where the certificate is not verified."""
    monkeypatch.setattr(psycopg.pq, "version", lambda: 150000)
    with fake_postgresql(request_, Authority(tmp_path).certificate()) as fake:
        url = f"postgresql://root:{CANARY}@{fake.place}/postgres?sslmode=require"
        given = {"state": "checked", "admin_url": url, "login": "shop_b", "owner": "shop", "like": "shop_a"}
        result, _output = run_module(postgresql_main.main, given, capsys)
        assert result["reason"] == "not_scram", result
        assert b"root" in fake.received
        assert not caught(fake)


def database_lab(lab: Lab, url: str, **credential: Any) -> None:
    lab.catalog = harness.catalog(
        credentials={
            "database": {
                "kind": "postgresql_role",
                "admin": "database_admin",
                "appears_in": [{"setting": "DATABASE_URL"}],
            },
            "database_admin": {
                "kind": "external",
                "server": {"address": "db.example.com"},
                "appears_in": [{"secret": "shop/{environment}/database-admin", "keys": ["username", "password"]}],
                **credential,
            },
        },
    )
    _seed(lab, {"DATABASE_URL": url}, {"database-admin": {"username": "root", "password": CANARY}})


def _seed(lab: Lab, core: dict[str, str], secrets: dict[str, Any]) -> None:
    lab.add_hosts(1, rotation_python=sys.executable)
    base = harness.layout()
    held = {**base.secrets["shop/production/core"], **core}  # type: ignore[dict-item]
    extra = {f"shop/production/{name}": content for name, content in secrets.items()}
    lab.seed(Layout({**base.secrets, "shop/production/core": held, **extra}, base.parameters))
    lab.moto.client("logs").create_log_group(logGroupName="/shop/audit")


def rotate(lab: Lab, *arguments: str) -> harness.Run:
    return lab.run("-e", "rotation_force=true", *arguments, playbook="playbooks/rotate.yml")


@pytest.mark.parametrize(
    "written",
    ["{user}@{fake}/shop", "{user}@db.example.com/shop?host=127.0.0.1&port={port}"],
    ids=["its host", "its query"],
)
def test_a_database_url_that_leads_elsewhere(lab: Lab, written: str) -> None:
    with fake_postgresql("cleartext") as fake:
        url = "postgresql://" + written.format(user="shop_a:old-password", fake=fake.place, port=fake.port)
        database_lab(lab, url)
        run = rotate(lab, "-e", "rotation_credentials=database", "--check")
        assert run.code != 0
        assert not caught(fake)
        assert CANARY not in run.output
        assert fake.clients == 0
        declared = "credentials.database_admin.server declares db.example.com:5432"
        assert f"key DATABASE_URL) leads to {fake.place}, but {declared}" in run.text


def test_an_administrators_url_that_leads_elsewhere(lab: Lab) -> None:
    with fake_postgresql("cleartext") as fake:
        url = f"postgresql://root:{CANARY}@{fake.place}/postgres"
        database_lab(
            lab,
            "postgresql://shop_a:old-password@db.example.com:5432/shop",
            appears_in=[{"secret": "shop/{environment}/database-admin", "key": "url"}],
        )
        lab.moto.client("secretsmanager").put_secret_value(
            SecretId="shop/production/database-admin", SecretString=f'{{"url": "{url}"}}'
        )
        run = rotate(lab, "-e", "rotation_credentials=database", "--check")
        assert run.code != 0
        assert not caught(fake)
        assert fake.clients == 0
        assert f"key url leads to {fake.place}, but credentials.database_admin.server declares" in run.text


# --- Valkey ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Valkey]:
    with Valkey(password=new_password()) as item:
        yield item


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with fake_valkey() as fake_server:
        yield fake_server


def valkey(state: str, capsys: pytest.CaptureFixture[str], **params: Any) -> dict[str, Any]:
    return run_module(valkey_main.main, {"state": state, "known_addresses": ["127.0.0.1"], **params}, capsys)[0]


@pytest.mark.parametrize("state", ["checked", "open", "present", "usable", "sessions", "revoked"])
def test_a_client_that_poses_as_a_replica(
    state: str, server: Valkey, fake: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The application's password is enough to be listed in INFO."""
    new = new_password()
    login = server.url(password=server.password if state == "revoked" else new)
    if state in ("usable", "revoked"):
        valkey("present", capsys, admin_url=server.admin_url(), login_url=server.url(password=new))
    with posing_as_replica(server.port, server.password, fake):
        assert wait_until(lambda: f"port={fake.port}" in server.execute("INFO", "replication"), seconds=60)
        valkey(state, capsys, admin_url=server.admin_url(), login_url=login, gate="r-1")
        assert fake.clients == 0, fake.received
        assert not caught(fake, server._admin_password, ADMINISTRATOR)


def test_a_posing_replica_does_not_block_a_revocation(
    server: Valkey, fake: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = server.password, new_password()
    valkey("present", capsys, admin_url=server.admin_url(), login_url=server.url(password=new))
    with posing_as_replica(server.port, old, fake):
        assert wait_until(lambda: f"port={fake.port}" in server.execute("INFO", "replication"), seconds=60)
        result = valkey("revoked", capsys, admin_url=server.admin_url(), login_url=server.url(), end_sessions="all")
        assert not result.get("failed"), result
        assert len(digests(server)) == 1
        assert not server.accepts(old)


def test_a_server_that_names_other_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    """As a primary, a replica and a member of a cluster; and one that sends a key elsewhere."""
    with fake_valkey() as other:
        info = f"role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:{other.port}\r\ncluster_enabled:1\r\nrun_id:1\r\n"
        info += f"slave0:ip=127.0.0.1,port={other.port},state=online,offset=1,lag=0\r\n"
        nodes = f"{'0' * 40} {other.place}@1 slave - 0 0 1 connected\n"
        moved = f"-MOVED 1 {other.place}\r\n".encode()
        acl = "user default on nopass ~* +@all"
        answers = {
            "CLUSTER": b"$%d\r\n%s\r\n" % (len(nodes), nodes.encode()),
            "SET": moved,
            "CLIENT ID": b":7\r\n",
            "CLIENT LIST": b"$0\r\n\r\n",
            "ACL DRYRUN": b"+OK\r\n",
            "ACL LIST": b"*1\r\n$%d\r\n%s\r\n" % (len(acl), acl.encode()),
        }
        with fake_valkey(info, answers) as first:
            admin = f"redis://root:{CANARY}@{first.place}/0"
            for state in ("sessions", "usable"):
                result = valkey(state, capsys, admin_url=admin, login_url=f"redis://:canary-new@{first.place}/0")
                assert result["undeclared_nodes"] == [other.place], result
        assert CANARY.encode() in first.received
        assert other.clients == 0, other.received


def test_a_cache_url_that_leads_elsewhere(lab: Lab, server: Valkey, fake: FakeServer) -> None:
    lab.catalog = harness.catalog(
        extra={"CACHE_URL": {"group": "core", "schemes": ["redis"], "sensitivity": "high"}},
        credentials={
            "cache": {"kind": "valkey_user", "admin": "cache_admin", "appears_in": [{"setting": "CACHE_URL"}]},
            "cache_admin": {
                "kind": "external",
                "server": {"address": f"{server.host}:{server.port}"},
                "appears_in": [{"secret": "shop/{environment}/cache-admin", "keys": ["username", "password"]}],
            },
        },
    )
    admin = {"username": ADMINISTRATOR, "password": server._admin_password}
    _seed(lab, {"CACHE_URL": f"redis://:{quote(server.password)}@{fake.place}/0"}, {"cache-admin": admin})
    run = rotate(lab, "-e", "rotation_credentials=cache", "--check")
    assert run.code != 0
    assert fake.clients == 0, fake.received
    assert f"leads to {fake.place}, but credentials.cache_admin.server declares {server.host}:{server.port}" in run.text
    assert server._admin_password not in run.output


@contextmanager
def naming_another(role: str, host: str) -> Iterator[tuple[FakeServer, FakeServer]]:
    """A server that names another node, which an attacker runs, as its primary or as the owner of every slot."""
    with fake_valkey(host=host) as other:
        mode = b"cluster" if role == "a cluster" else b"standalone"
        hello = b"*4\r\n$4\r\nmode\r\n$%d\r\n%s\r\n$4\r\nrole\r\n$7\r\nreplica\r\n" % (len(mode), mode)
        slots = b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n%s\r\n:%d\r\n" % (host.encode(), other.port)
        info = f"role:slave\r\nmaster_host:{host}\r\nmaster_port:{other.port}\r\nrun_id:1\r\n"
        with fake_valkey(info, {"HELLO": hello, "CLUSTER SLOTS": slots}) as first:
            yield first, other


# An account of the server's own host can listen at another port.
OTHER_HOSTS = ["127.0.0.1", "127.0.0.2"]


@pytest.mark.parametrize("host", OTHER_HOSTS)
@pytest.mark.parametrize("nodes", [[], ["10.9.9.9:6379"]], ids=["none declared", "another declared"])
@pytest.mark.parametrize("role", ["a replica", "a cluster"])
def test_a_purge_at_a_server_that_names_other_nodes(
    role: str, nodes: list[str], host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever had the old password can make a server name his own (REPLICAOF, CLUSTER MEET)."""
    with naming_another(role, host) as (first, other):
        entry = {"name": "cache", "kind": "cache", "setting": "CACHE_URL", "keys": [":1:*"]}
        urls = {"CACHE_URL": f"redis://:{CANARY}@{first.place}/0"}
        given = {"chosen": [entry], "urls": urls, "nodes": {"CACHE_URL": nodes}}
        result, output = run_module(purge_main.main, given, capsys)
        assert f"names the node {other.place}, but the catalog does not declare it" in result["msg"]
        assert other.clients == 0
        assert CANARY not in output


@pytest.mark.parametrize("host", OTHER_HOSTS)
@pytest.mark.parametrize("role", ["a replica", "a cluster"])
def test_sessions_at_a_server_that_names_other_nodes(
    role: str, host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with naming_another(role, host) as (first, other):
        path = tmp_path / ".env"
        path.write_text(f"REDIS_URL=redis://:{CANARY}@{first.place}/0\n", encoding="utf-8")
        result, output = run_module(django_main.main, {"engine": "cache", "env_file": str(path)}, capsys)
        assert f"names the node {other.place}" in result["msg"]
        assert "cache_nodes" in result["msg"]
        assert other.clients == 0
        assert CANARY not in output
