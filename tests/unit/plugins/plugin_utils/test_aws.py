# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients that must not wait, and those of other regions."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._aws import AwsConnection


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
