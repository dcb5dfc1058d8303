# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets whose group is mirrored, and what tests do to them and to the parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.aws import REGION
from tests.integration.harness import ENVIRONMENT, Lab, Run

MIRROR = "playbooks/mirror.yml"
CORE = f"shop/{ENVIRONMENT}/core"
PATH = f"/shop/{ENVIRONMENT}"
MIRRORED = [f"{PATH}/App/SECRET_KEY", *(f"{PATH}/shared/{key}" for key in ("API_TOKEN", "DATABASE_URL", "SECRET_KEY"))]
WRITES = {"PutParameter", "DeleteParameters", "PutSecretValue", "UpdateSecret", "AddTagsToResource"}
FULL = {"groups": {"core": "shared"}}


@pytest.fixture
def mirror_lab(lab: Lab) -> Lab:
    lab.add_hosts()
    lab.catalog["mirror"] = dict(FULL)
    lab.seed()
    lab.moto.client("kms").create_alias(
        AliasName=f"alias/shop-{ENVIRONMENT}",
        TargetKeyId=lab.moto.client("kms").create_key()["KeyMetadata"]["KeyId"],
    )
    return lab


def mirror(lab: Lab, *arguments: str, code: int = 0) -> Run:
    run = lab.run(*arguments, playbook=MIRROR)
    assert (run.code != 0) == (code != 0), run.output
    return run


def writes(run: Run) -> list[str]:
    return [operation for operation in run.operations if operation in WRITES]


def parameters(lab: Lab, region: str = REGION) -> dict[str, dict[str, Any]]:
    pages = (
        lab.moto.client("ssm", region)
        .get_paginator("get_parameters_by_path")
        .paginate(Path=PATH, Recursive=True, WithDecryption=True)
    )
    return {one["Name"]: one for page in pages for one in page["Parameters"]}


def values(lab: Lab) -> dict[str, str]:
    return {name: one["Value"] for name, one in parameters(lab).items()}


def secret(lab: Lab) -> dict[str, str]:
    found: dict[str, str] = json.loads(
        lab.moto.client("secretsmanager").get_secret_value(SecretId=CORE)["SecretString"]
    )
    return found


def change(lab: Lab, **keys: str | None) -> None:
    content = {name: text for name, text in {**secret(lab), **keys}.items() if text is not None}
    lab.moto.client("secretsmanager").put_secret_value(SecretId=CORE, SecretString=json.dumps(content))


def edit(lab: Lab, name: str, value: str) -> None:
    lab.moto.client("ssm").put_parameter(Name=name, Value=value, Overwrite=True)
