# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An administrator at a server with TLS: what is verified, and what an older libpq does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sandbox.postgres import Postgres
from tests.integration.certificates import Authority
from tests.integration.postgresql_login.shop import Call

VERIFIED = "sslmode=verify-full&require_auth=scram-sha-256"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def encrypted(authority: Authority) -> Iterator[Postgres]:
    with Postgres() as server:
        certificate = Path(server.directory) / "server.pem"
        certificate.touch(mode=0o600)
        certificate.write_bytes(authority.certificate().read_bytes())
        if server.user:
            os.chown(certificate, server.user.uid, server.user.gid)
        for name in ("ssl_cert_file", "ssl_key_file"):
            server.execute(f"ALTER SYSTEM SET {name} = '{certificate}';")
        server.execute("ALTER SYSTEM SET ssl = on;")
        server.execute("SELECT pg_reload_conf();")
        server.create_master()
        yield server


def sessions(call: Call, url: str, query: str) -> dict[str, object]:
    return call(state="sessions", admin_url=f"{url}?{query}", login="nobody")


def test_a_verified_server(encrypted: Postgres, authority: Authority, call: Call) -> None:
    url = encrypted.admin_url_of()
    result = sessions(call, url, f"{VERIFIED}&sslrootcert={authority.cafile}")
    assert result.get("sessions") == [], result


def test_another_authority(encrypted: Postgres, tmp_path: Path, call: Call) -> None:
    other = Authority(tmp_path, "other")
    url = encrypted.admin_url_of()
    for query in (f"{VERIFIED}&sslrootcert={other.cafile}", f"{VERIFIED}&sslrootcert=system"):
        result = sessions(call, url, query)
        assert (result["failed"], result["reason"]) == (True, "tls"), result


def test_another_name(encrypted: Postgres, authority: Authority, call: Call) -> None:
    url = encrypted.admin_url_of().replace("127.0.0.1", "localhost")
    result = sessions(call, url, f"{VERIFIED}&sslrootcert={authority.cafile}")
    assert (result["failed"], result["reason"]) == (True, "tls"), result
    weaker = VERIFIED.replace("verify-full", "verify-ca")
    assert sessions(call, url, f"{weaker}&sslrootcert={authority.cafile}").get("sessions") == []


def test_an_older_libpq_binds_to_the_channel(
    encrypted: Postgres, authority: Authority, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psycopg.pq, "version", lambda: 150000)
    result = sessions(call, encrypted.admin_url_of(), f"{VERIFIED}&sslrootcert={authority.cafile}")
    assert result.get("sessions") == [], result
