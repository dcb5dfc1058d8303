# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an administrator's connection tells each libpq, so that no request for the password itself is answered."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import postgresql
from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import DatabaseError, parse_url
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import (
    connection as postgresql_connection,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.login_statements import Admin

URL = "postgresql://root:canary@db/postgres"
SCRAM = "require_auth=scram-sha-256"


def keywords(query: str, libpq: int, *, old_driver: bool = False) -> dict[str, Any]:
    """What the driver is given for an administrator's URL."""
    given: dict[str, Any] = {}

    def connect(**result: Any) -> Any:
        given.update(result)
        return SimpleNamespace(
            autocommit=False, cursor=lambda: SimpleNamespace(execute=lambda _text: None, description=None)
        )

    driver = SimpleNamespace(Error=RuntimeError, connect=connect)
    if old_driver:
        driver.extensions = SimpleNamespace(libpq_version=lambda: libpq)
    else:
        driver.pq = SimpleNamespace(version=lambda: libpq)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgresql_connection, "driver", lambda: driver)
        postgresql_connection.ServerConnection.administered(parse_url(f"{URL}?{query}", "admin_url"), timeout=5)
    return given


@pytest.mark.parametrize("old_driver", [False, True])
@pytest.mark.parametrize("query", ["", SCRAM])
def test_a_new_libpq_answers_scram_alone(query: str, old_driver: bool) -> None:
    """Also where the URL does not say so."""
    result = keywords(query, 160000, old_driver=old_driver)
    assert (result["require_auth"], result.get("channel_binding")) == (
        "scram-sha-256",
        None,
    )


def test_what_the_catalog_allows_beside_it_stays() -> None:
    assert keywords("require_auth=scram-sha-256%2Cnone", 180000)["require_auth"] == "scram-sha-256,none"


UNKNOWN = ['unrecognized configuration parameter "{}"', "unbekannter Konfigurationsparameter »{}«"]


@pytest.mark.parametrize("message", UNKNOWN)
def test_an_older_server_gets_only_settings_that_it_knows(message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever language it names the others."""
    options: list[str] = []

    def connect(**result: Any) -> Any:
        options.append(result["options"])
        for name in ("transaction_timeout", "idle_session_timeout"):
            if f" {name}=" in result["options"]:
                raise RuntimeError(f"FATAL:  {message.format(name)}")
        return SimpleNamespace(autocommit=False)

    driver = SimpleNamespace(Error=RuntimeError, connect=connect, pq=SimpleNamespace(version=lambda: 160000))
    monkeypatch.setattr(postgresql_connection, "driver", lambda: driver)
    postgresql_connection.ServerConnection.own_settings(parse_url(URL, "url"), label="url", timeout=5)
    assert len(options) == 3
    assert options[2] in options[1] in options[0]


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_an_older_one_binds_to_the_channel_instead(mode: str) -> None:
    result = keywords(f"sslmode={mode}", 130000)
    assert result["channel_binding"] == "require"
    assert "require_auth" not in result, "it would not know the word"


@pytest.mark.parametrize(
    ("query", "libpq"),
    [
        ("sslmode=prefer", 150000),
        ("", 150000),
        ("sslmode=disable", 130000),
        ("sslmode=verify-full", 120000),
        ("sslmode=verify-full&require_auth=scram-sha-256%2Cnone", 150000),
    ],
)
def test_where_that_is_impossible_nothing_is_sent(query: str, libpq: int) -> None:
    with pytest.raises(DatabaseError, match=r"the libpq of .* is version 1\d\. .* Upgrade psycopg\[binary\]") as caught:
        keywords(query, libpq)
    assert caught.value.reason == "old_libpq"


def test_the_hosts_own_authorities(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A driver from a wheel brings a TLS library that may look for them elsewhere."""
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(cafile=str(bundle)))
    assert keywords("sslmode=verify-full&sslrootcert=system", 160000)["sslrootcert"] == str(bundle)
    assert keywords("sslmode=verify-full&sslrootcert=/mine", 160000)["sslrootcert"] == "/mine"
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(cafile=None))
    monkeypatch.setattr(postgresql_connection.os.path, "isfile", lambda _path: False)
    with pytest.raises(DatabaseError, match=r"install ca-certificates, or name a file in server\.tls\.ca"):
        keywords("sslmode=verify-full&sslrootcert=system", 160000)


@pytest.mark.parametrize(
    "message",
    [
        'authentication method requirement "scram-sha-256" failed: server requested a cleartext password',
        "channel binding required, but server authenticated client without channel binding",
    ],
)
def test_a_server_that_asks_for_something_else_is_named_as_that(message: str) -> None:
    refusal = postgresql.refusal(message)
    assert (refusal.reason, refusal.proves_refusal, refusal.may_pass) == ("not_scram", False, False)
    text = str(postgresql.not_connected(refusal, parse_url(URL, "admin_url"), "admin_url"))
    assert "Set scram-sha-256 in its pg_hba.conf" in text
    assert "canary" not in text


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (
            "reads_sessions",
            "may not read the client addresses of sessions of role shop. Run as a superuser: GRANT pg_monitor TO",
        ),
        ("signals", "may not end sessions of role shop. Run as a superuser: GRANT pg_signal_backend TO"),
    ],
)
def test_an_administrator_without_a_right_is_refused(missing: str, message: str) -> None:
    admin = Admin("boss", 160000)
    postgresql_connection.may_end_sessions(admin, "shop")
    with pytest.raises(DatabaseError) as refused:
        postgresql_connection.may_end_sessions(admin._replace(**{missing: False}), "shop")
    assert str(refused.value) == f'administrator boss {message} "boss"'
    postgresql_connection.may_end_sessions(admin._replace(**{missing: False}, superuser=True), "shop")
