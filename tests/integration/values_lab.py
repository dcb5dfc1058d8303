# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An account that nothing is in yet but its key, and a catalog of which every kind of value is part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox.aws import ACCOUNT, REGION
from tests.integration.harness import ENVIRONMENT, Lab, Run, catalog

PROVISION = "playbooks/provision_values.yml"
SET = "playbooks/set.yml"
IMPORT = "playbooks/import.yml"
CORE = "shop/{environment}/core"
READS = {
    "GetBucketPolicy",
    "GetBucketVersioning",
    "GetCallerIdentity",
    "GetObject",
    "GetParametersByPath",
    "GetPublicAccessBlock",
    "GetParameter",
    "GetParameters",
    "DescribeParameters",
    "BatchGetSecretValue",
    "GetSecretValue",
    "DescribeSecret",
    "DescribeKey",
    "DescribeLogGroups",
    "ListTagsForResource",
    "ListTagsLogGroup",
}


def shop(**over: Any) -> dict[str, Any]:
    """The catalog: generated, asked for, derived, copied, composed and literal values."""
    environment = {"region": REGION, "expected_account_id": ACCOUNT}
    return catalog(
        settings={
            "SECRET_KEY": {"group": "core", "required": True, "copies": [{"parameter": "App/SECRET_KEY"}]},
            "SECRET_KEY_FALLBACKS": {"group": "core", "type": "list"},
            "API_TOKEN": {"group": "core", "required": True},
            "DATABASE_URL": {
                "group": "core",
                "schemes": ["postgresql"],
                "copies": [{"parameter": "DB/URL"}],
                "required": True,
                "initial": "postgresql://shop_a:{password}@db.example.com:5432/shop",
            },
            "CACHE_URL": {
                "group": "core",
                "schemes": ["rediss"],
                "initial": "rediss://:{password}@cache.example.com/0",
            },
            "BROKER_URL": {
                "group": "core",
                "schemes": ["rediss"],
                "initial": "rediss://:{password}@cache.example.com/1",
            },
            "ALLOWED_HOSTS": {
                "parameter": "App/ALLOWED_HOSTS",
                "type": "host_list",
                "required": True,
                "sensitivity": "low",
            },
            "GENERATION": {"parameter": "App/GENERATION", "sensitivity": "low", "initial": "1"},
            "MAIL_USER": {"parameter": "Mail/USER", "sensitivity": "medium"},
            "MAIL_PASSWORD": {"group": "integrations", "required": {"when": "MAIL_USER"}},
            "MODE": {"value": "production"},
        },
        secrets={"all-in-one": {"environment": "production"}},
        aws={"owner": "platform@example.com", "tags": {"CostCenter": "42"}},
        credentials={
            "django_key": {"kind": "django_secret_key", "max_age_days": 90, "appears_in": [{"setting": "SECRET_KEY"}]},
            "database": {
                "kind": "postgresql_role",
                "max_age_days": 30,
                "appears_in": [
                    {"setting": "DATABASE_URL"},
                    {"secret": "all-in-one", "keys": ["username", "password"]},
                ],
            },
            "cache": {
                "kind": "valkey_user",
                "appears_in": [
                    {"setting": "CACHE_URL"},
                    {"setting": "BROKER_URL"},
                    {"secret": "shop/{environment}/cache-token"},
                ],
            },
            "admin": {
                "kind": "external",
                "appears_in": [{"secret": "shop/{environment}/admin", "keys": ["username", "password"]}],
            },
            "partner": {"kind": "external", "appears_in": [{"setting": "API_TOKEN"}]},
        },
        environments={"production": environment, "staging": environment},
        **over,
    )


ANSWERS = {
    "API_TOKEN": "api-token-of-the-partner",
    "ALLOWED_HOSTS": "shop.example.com",
    "admin": {"username": "root", "password": "admin-password-of-somebody"},
}


class Account:
    """What is in the account, by the API and not by the code under test."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        lab.catalog = shop()
        for environment in (ENVIRONMENT, "staging"):
            self.make_key(environment)

    def make_key(self, environment: str) -> None:
        client = self.lab.moto.client("kms")
        key = client.create_key()["KeyMetadata"]["KeyId"]
        client.create_alias(AliasName=f"alias/shop-{environment}", TargetKeyId=key)

    def file(self, values: Mapping[str, Any] | None = None, *, name: str = "values.yml") -> Path:
        path = self.lab.directory / name
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(dict(ANSWERS if values is None else values)), encoding="utf-8")
        return path

    def provision(self, *arguments: str, environment: str = ENVIRONMENT, values: bool = True) -> Run:
        given = ("-e", f"provision_values_file={self.file()}") if values else ()
        return self.lab.run("-e", f"app_environment={environment}", *given, *arguments, playbook=PROVISION)

    def provisioned(self, *arguments: str, environment: str = ENVIRONMENT) -> Run:
        run = self.provision(*arguments, environment=environment)
        assert run.code == 0, run.output
        return run

    def secret(self, name: str) -> Any:
        answer = self.lab.moto.client("secretsmanager").get_secret_value(SecretId=name, VersionStage="AWSCURRENT")
        text = answer["SecretString"]
        return json.loads(text) if text.startswith("{") else text

    def parameter(self, name: str) -> str:
        answer = self.lab.moto.client("ssm").get_parameter(Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])

    def state(self) -> dict[str, Any]:
        """Everything in the stores: a secret with its versions, a parameter with number and type."""
        manager, ssm = self.lab.moto.client("secretsmanager"), self.lab.moto.client("ssm")
        result: dict[str, Any] = {}
        for item in manager.list_secrets(IncludePlannedDeletion=True)["SecretList"]:
            if "DeletedDate" in item:
                result[item["Name"]] = "deleted"
                continue
            result[item["Name"]] = (self.secret(item["Name"]), sorted(item["SecretVersionsToStages"]))
        for page in ssm.get_paginator("get_parameters_by_path").paginate(
            Path="/shop", Recursive=True, WithDecryption=True
        ):
            result.update(
                {
                    parameter["Name"]: (parameter["Value"], parameter["Version"], parameter["Type"])
                    for parameter in page["Parameters"]
                }
            )
        return result

    def assert_complete(self, environment: str = ENVIRONMENT) -> dict[str, Any]:
        """Every value is there, and equal wherever it appears; what is there."""
        from urllib.parse import urlsplit

        core = self.secret(f"shop/{environment}/core")
        assert len(core["SECRET_KEY"]) == 64
        assert self.parameter(f"/shop/{environment}/App/SECRET_KEY") == core["SECRET_KEY"]
        assert self.parameter(f"/shop/{environment}/DB/URL") == core["DATABASE_URL"]
        database, cache = urlsplit(core["DATABASE_URL"]), urlsplit(core["CACHE_URL"])
        assert (database.username, database.hostname) == ("shop_a", "db.example.com")
        assert len(database.password or "") == len(cache.password or "") == 32
        assert database.password != cache.password
        assert urlsplit(core["BROKER_URL"]).password == cache.password
        assert self.secret(f"shop/{environment}/cache-token") == cache.password
        if environment == ENVIRONMENT:
            assert self.secret("all-in-one") == {"username": "shop_a", "password": database.password}
        assert self.secret(f"shop/{environment}/admin") == ANSWERS["admin"]
        assert core["API_TOKEN"] == ANSWERS["API_TOKEN"]
        assert self.parameter(f"/shop/{environment}/App/ALLOWED_HOSTS") == ANSWERS["ALLOWED_HOSTS"]
        assert self.parameter(f"/shop/{environment}/App/GENERATION") == "1"
        return core
