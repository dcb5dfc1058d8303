# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients, those that must not wait, and those of other regions."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.module_utils._core.stores.vault import Vault
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import registry
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The options of each client that was made."""
    kept: list[dict[str, Any]] = []
    monkeypatch.setattr(AwsConnection, "client", lambda self, _service: kept.append(self.get_options()))
    return kept


def test_a_client_that_gives_up_soon_whatever_aws_config_says(made: list[dict[str, Any]]) -> None:
    options = {"region": "eu-west-3", "aws_config": {"read_timeout": 600, "user_agent_extra": "x"}}
    connection = AwsConnection("name", options)
    connection.bounded_client("cloudtrail", 8)
    connection.bounded_client("cloudtrail", 1)
    assert made[0]["aws_config"] == {
        "read_timeout": 2.0,
        "connect_timeout": 2.0,
        "retries": {"mode": "standard", "total_max_attempts": 2},
        "user_agent_extra": "x",
    }
    assert made[1]["aws_config"]["connect_timeout"] == 1.0
    assert connection.get_options() == options, "other clients are as before"


def test_another_region(made: list[dict[str, Any]]) -> None:
    connection = AwsConnection("name", {"region": "eu-west-3", "profile": "p"})
    connection.in_region("us-east-1").client("secretsmanager")
    assert made == [{"region": "us-east-1", "profile": "p"}]
    assert connection.get_options()["region"] == "eu-west-3"


OPTIONS = {"region": "eu-west-3", "access_key": "AKIAEXAMPLE", "secret_key": "none"}


def test_a_client_of_each_kind_shares_one_session() -> None:
    connection = AwsConnection("watchparty.secrets.some", OPTIONS)
    secrets, acting = connection.store_client("secretsmanager"), connection.acting_client("ssm")
    assert connection.store_client("secretsmanager") is secrets
    assert secrets.meta.region_name == acting.meta.region_name == "eu-west-3"
    assert secrets.meta.config.retries == {"mode": "adaptive", "total_max_attempts": 8}
    assert acting.meta.config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert secrets.meta.config.user_agent_extra.endswith("watchparty.secrets.some")
    assert list(connection._sessions) == [None]
    assert connection.in_region("us-east-1")._sessions is connection._sessions


def test_threads_and_regions_log_in_to_vault_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notifiers tell at once, and each may take its value from Vault."""
    logins: list[object] = []

    def connect(*_arguments: Any) -> object:
        time.sleep(0.2)
        logins.append(object())
        return logins[-1]

    monkeypatch.setattr(registry.outside_aws("vault"), "connect", connect)
    connection = AwsConnection("name", OPTIONS)
    with ThreadPoolExecutor(4) as pool:
        clients = list(pool.map(connection.store_client, ["vault"] * 4))
    clients.append(connection.client_in("vault", "us-east-1"))
    clients.append(connection.in_region("us-east-1").store_client("vault"))
    assert clients == logins * 6
    other = connection.in_region("us-east-1")
    other.servers = {"vault": Vault("https://another.example.com", "token")}
    assert other.store_client("vault") is logins[1]
    assert connection.store_client("vault") is logins[0]


def test_endpoint_certificates_and_credentials_are_the_options(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    given = {**OPTIONS, "endpoint_url": "http://127.0.0.1:9", "validate_certs": True, "aws_ca_bundle": str(bundle)}
    client = AwsConnection("name", given).client("ssm")
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client._request_signer._credentials.access_key == "AKIAEXAMPLE"
    assert client._endpoint.http_session._verify == str(bundle)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({**OPTIONS, "region": None}, "name: the AWS region is unknown. Set AWS_REGION, environments.<name>.region"),
        (
            {"region": "eu-west-3", "profile": "nobody"},
            "name: no client of ssm can be created: The config profile (nobody)",
        ),
        ({**OPTIONS, "endpoint_url": "no-url"}, "name: no client of ssm can be created: Invalid endpoint: no-url"),
    ],
)
def test_what_makes_no_client_is_reported(
    options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AnsibleActionFail, match=re.escape(message)):
        AwsConnection("name", options).client("ssm")
