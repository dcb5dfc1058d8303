# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application whose IAM user's access key rotates, on moto.

moto takes any key unless its authorization is switched on; GetCallerIdentity then still tells whose key it is. With
:func:`authorization` it refuses keys that it does not know or that are inactive, as AWS does.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from sandbox.aws import REGION, Moto
from sandbox.seed import Layout
from tests.integration import harness
from tests.integration.harness import Lab, Run

USER, OPERATOR = "shop-storage", "operator"
ROTATE = "playbooks/rotate.yml"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def new_user(moto: Moto, name: str = USER) -> Login:
    """A user with one key, that may do anything."""
    iam = moto.client("iam")
    iam.create_user(UserName=name, Path="/applications/")
    iam.put_user_policy(UserName=name, PolicyName="everything", PolicyDocument=json.dumps(EVERYTHING))
    return new_key(moto, name)


def new_key(moto: Moto, name: str = USER) -> Login:
    made = moto.client("iam").create_access_key(UserName=name)["AccessKey"]
    return Login(made["AccessKeyId"], made["SecretAccessKey"])


def keys(client: Any, name: str = USER) -> dict[str, str]:
    """The user's keys, and whether each is active."""
    access_key_metadata = client.list_access_keys(UserName=name)["AccessKeyMetadata"]
    return {item["AccessKeyId"]: item["Status"] for item in access_key_metadata}


def client_of(moto: Moto, service: str, login: Login) -> Any:
    return boto3.client(
        service,
        endpoint_url=moto.url,
        region_name=REGION,
        aws_access_key_id=login.username,
        aws_secret_access_key=login.password,
    )


@contextmanager
def authorization(url: str) -> Iterator[None]:
    """Inside, moto takes no key that it does not know, and no wrong signature."""
    _authorize_from(url, "0")
    try:
        yield
    finally:
        _authorize_from(url, "inf")


def _authorize_from(url: str, call: str) -> None:
    request = urllib.request.Request(
        url + "/moto-api/reset-auth", data=call.encode(), method="POST", headers={"Content-Type": "text/plain"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def prepare(lab: Lab, **options: Any) -> Login:
    """A host that was deployed to with a key; its id is in a parameter too."""
    credential = {
        "kind": "aws_access_key",
        "appears_in": [{"setting": "AWS_ACCESS_KEY_ID"}, {"setting": "AWS_SECRET_ACCESS_KEY"}],
        **options,
    }
    lab.catalog = harness.catalog(
        extra={
            "AWS_ACCESS_KEY_ID": {
                "group": "core",
                "sensitivity": "low",
                "copies": [{"parameter": "Storage/ACCESS_KEY_ID"}],
            },
            "AWS_SECRET_ACCESS_KEY": {"group": "core", "sensitivity": "high"},
        },
        credentials={"storage": credential},
    )
    lab.add_hosts(1)
    key = new_user(lab.moto)
    base = harness.layout()
    core = {
        **base.secrets["shop/production/core"],
        "AWS_ACCESS_KEY_ID": key.username,
        "AWS_SECRET_ACCESS_KEY": key.password,
    }
    parameters = {**base.parameters, "/shop/production/Storage/ACCESS_KEY_ID": ("String", str(key.username))}
    lab.seed(Layout({**base.secrets, "shop/production/core": core}, parameters))
    lab.moto.client("logs").create_log_group(logGroupName="/shop/audit")
    lab.deploy()
    return key


def rotate(lab: Lab, *arguments: str, environment: dict[str, str] | None = None) -> Run:
    chosen = ("-e", "rotation_credentials=storage", "-e", "rotation_force=true", *arguments)
    return lab.run(*chosen, playbook=ROTATE, environment=environment)


def in_use(lab: Lab) -> Login:
    """What the host's file holds."""
    values = lab.hosts[0].values()
    return Login(values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"])


def secret_names(client: Any) -> list[str]:
    pages = client.get_paginator("list_secrets").paginate()
    return sorted(item["Name"] for page in pages for item in page["SecretList"])


def own_secrets(moto: Moto) -> list[str]:
    """What a rotation keeps for itself."""
    return [name for name in secret_names(moto.client("secretsmanager")) if "-rotation" in name]
