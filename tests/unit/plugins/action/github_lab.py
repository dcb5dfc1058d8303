# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One catalog with its stores in this process, and its repository on loopback, for tests of what is sent there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.action import github_actions_secrets as action
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from sandbox.seed import Journal
from tests.integration.github_server import REPOSITORY, TOKEN, GitHub

JOURNAL = Journal("app-journal", "app", "test")
REGION, CORE, RECORDS = "eu-west-3", "app/test/core", "/app-github/test"
URL = "postgresql://app:canary-database@db.example.com/app"
HOSTS = {"web1": {"ansible_host": "10.0.0.1", "dir": "/srv"}, "web2": {"ansible_host": "10.0.0.2", "dir": "/srv"}}


def hostvars(hosts: Mapping[str, Mapping[str, Any]]) -> HostVars:
    """As a task has them, with an environment from -e that hides each host's own."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[])
    for name, variables in hosts.items():
        inventory._inventory.add_host(name)
        for key, value in variables.items():
            inventory._inventory.set_variable(name, key, value)
    manager = VariableManager(loader=loader, inventory=inventory)
    manager._extra_vars = {"app_environment": "test"}
    return HostVars(inventory=inventory, variable_manager=manager, loader=loader)


class Lab:
    """One catalog, its stores and its repository."""

    def __init__(self, github: GitHub) -> None:
        self.github = github
        self.hosts: dict[str, Any] = {name: dict(entry) for name, entry in HOSTS.items()}
        self.document: dict[str, Any] = {
            "application": "app",
            "journal": {"s3": JOURNAL.bucket},
            "github": {"repository": REPOSITORY, "api_url": github.url, "environment": "prod"},
            "settings": {
                "KEY": {"group": "core", "github": "secret"},
                "URL": {"group": "core", "type": "url", "github": "secret"},
                "COUNT": {"parameter": "COUNT", "sensitivity": "low", "github": "variable"},
                "PLAIN": {"value": "plain", "github": "secret"},
                "HOST": {"inventory": "ansible_host", "github": "secret"},
                "OTHER": {"group": "core"},
            },
            "credentials": {"deploy": {"kind": "external", "appears_in": [{"github": "DEPLOY"}]}},
        }
        self.secrets = boto3.client("secretsmanager", region_name=REGION)
        self.ssm = boto3.client("ssm", region_name=REGION)
        self.s3 = boto3.client("s3", region_name=REGION)
        JOURNAL.make(self.client)
        content = {"KEY": "canary-key-1", "URL": URL, "OTHER": "canary-other"}
        self.secrets.create_secret(Name=CORE, SecretString=json.dumps(content))
        self.ssm.put_parameter(Name="/app/test/COUNT", Type="String", Value="1")

    def client(self, service: str) -> Any:
        return {"secretsmanager": self.secrets, "ssm": self.ssm, "s3": self.s3}[service]

    def setting(self, name: str, **over: Any) -> None:
        self.document["settings"][name] = {**self.document["settings"].get(name, {}), **over}

    def put(self, **keys: str) -> None:
        content = {**json.loads(self.secrets.get_secret_value(SecretId=CORE)["SecretString"]), **keys}
        self.secrets.put_secret_value(SecretId=CORE, SecretString=json.dumps(content))

    def run(self, *, check: bool = False, answers: dict[str, str] | None = None, **args: Any) -> dict[str, Any]:
        made = action.ActionModule.__new__(action.ActionModule)
        made._task = SimpleNamespace(check_mode=check)
        made._loader = DataLoader()
        made._templar = SimpleNamespace(template=lambda text: text)
        specs = action.ActionModule.options
        options = {name: item.get("default") for name, item in specs.items()}
        own = {"catalog": self.document, "environment": "test", "region": REGION, "hosts": list(self.hosts)}
        variables = {"hostvars": hostvars(self.hosts), "asked": {"answers": answers or {}}}
        result: dict[str, Any] = made.result({**options, **own, **args}, variables)
        assert "canary" not in json.dumps(result), "a value is in the result"
        assert "canary" not in json.dumps(self.records()), "a value is in the records"
        assert "canary" not in self.github.log(), "a value was sent unsealed"
        return result

    def settle(self) -> None:
        """Everything is sent, and a second run says so."""
        self.run(answers={"DEPLOY": "canary-deploy"}, values_from="asked")
        assert self.run()["changed"] is False

    def records(self) -> dict[str, Any]:
        pages = self.ssm.get_paginator("get_parameters_by_path").paginate(Path=RECORDS, Recursive=True)
        result = {
            parameter["Name"].removeprefix(RECORDS): parameter["Value"]
            for page in pages
            for parameter in page["Parameters"]
        }
        return {name: json.loads(text) for name, text in result.items()}

    def why(self, result: dict[str, Any], name: str) -> tuple[str, str]:
        (item,) = [item for item in result["plan"] if item["name"] == name]
        return item["act"], item["why"]


@contextmanager
def github_lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "GH_TOKEN", "GITHUB_TOKEN_FILE", "GITHUB_APP_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with mock_aws(), GitHub() as github:
        made = Lab(github)
        # Making a client takes longer than all that a test does with it.
        monkeypatch.setattr(AwsConnection, "store_client", lambda _self, service: made.client(service))
        yield made
