# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookups of one process share clients, and with them connections and credentials."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.lookup import env, parameters, secret
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import aws_connection, lookup_base

LOOKUPS: dict[str, Any] = {
    module.__name__.rpartition(".")[2]: module.LookupModule for module in (env, parameters, secret)
}
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(["key", "version_stage", "version_id", "profile", "access_key", "secret_key", "session_token"]),
    **dict.fromkeys(["endpoint_url", "aws_config", "aws_ca_bundle"]),
    **dict.fromkeys(["on_missing", "on_denied"], "error"),
    "validate_certs": True,
    "debug_botocore_endpoint_logs": False,
    "recursive": True,
    "shortnames": False,
    "key_case": None,
    "unique": True,
    "decrypt": True,
}
CATALOG: dict[str, Any] = {
    "application": "shop",
    "contacts": {"security": "security@example.com"},
    "audit_log": {"log_group": "/shop/audit"},
    "settings": {"MODE": {"value": "fixed"}, "NAME": {"group": "core"}},
    "environments": {"production": {"region": "eu-west-3"}, "staging": {"region": "us-east-1"}},
}


class Session:
    """Makes clients that know no secret, and keeps where they are."""

    made: list[tuple[str, str | None]] = []
    sessions = 0

    def __init__(self, _profile: str | None) -> None:
        Session.sessions += 1

    def client(self, service: str, *, region_name: str | None, **_options: Any) -> Any:
        Session.made.append((service, region_name))
        return Client()


class Client:
    meta = SimpleNamespace(events=SimpleNamespace(register_first=lambda *_given: None))

    def batch_get_secret_value(self, **_asked: Any) -> dict[str, Any]:
        return {"SecretValues": [], "Errors": []}

    def get_secret_value(self, **_asked: Any) -> dict[str, Any]:
        return {"Name": "any", "VersionId": "v1", "VersionStages": ["AWSCURRENT"], "SecretString": '{"a": 1, "b": 2}'}

    def get_paginator(self, _operation: str) -> Any:
        return self

    def paginate(self, **_asked: Any) -> Iterator[dict[str, Any]]:
        yield {"Parameters": []}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup_base, "_shared", {})
    monkeypatch.setattr(aws_connection.boto3_sessions, "session", Session)
    monkeypatch.setattr(Session, "made", [])
    monkeypatch.setattr(Session, "sessions", 0)
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_REGION", "eu-west-3")


def ask(name: str, *terms: str, **options: Any) -> Any:
    plugin = LOOKUPS[name]()
    plugin.ansible_name = f"watchparty.secrets.{name}"
    plugin.set_options = lambda **_given: None
    given = {**DEFAULTS, "region": os.environ.get("AWS_REGION"), **options}
    plugin.get_options = lambda: given
    plugin.get_option = given.__getitem__
    plugin._templar = SimpleNamespace(template=lambda value: value)
    return plugin.run(list(terms), variables={})


def test_one_client_whatever_else_is_asked() -> None:
    assert [ask("secret", "any", key=key) for key in ("a", "b")] == [[1], [2]]
    ask("secret", "any", "another", on_missing="skip")
    assert Session.made == [("secretsmanager", "eu-west-3")]


def test_lookups_of_other_names_share_credentials() -> None:
    ask("secret", "any")
    ask("parameters", "/shop", on_missing="skip")
    assert Session.made == [("secretsmanager", "eu-west-3"), ("ssm", "eu-west-3")]
    assert Session.sessions == 1


def test_other_options_are_another_client() -> None:
    ask("secret", "any")
    ask("secret", "any", region="us-east-1")
    ask("secret", "any", access_key="x", secret_key="y")
    assert [region for _service, region in Session.made] == ["eu-west-3", "us-east-1", "eu-west-3"]


def test_another_environment_is_another_session(monkeypatch: pytest.MonkeyPatch) -> None:
    ask("secret", "any")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/another")
    ask("secret", "any")
    assert Session.sessions == 2


def test_a_forked_process_makes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that write into one connection would read each other's answers."""
    ask("secret", "any")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    ask("secret", "any")
    assert Session.sessions == len(Session.made) == 2


def test_each_environment_is_read_in_its_own_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    assert ask("env", "production", "staging", catalog=CATALOG) == [{"MODE": "fixed"}] * 2
    assert {region for _service, region in Session.made} == {"eu-west-3", "us-east-1"}
