# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of actions that write values share: an account in this process, and a task that runs in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader
from moto import mock_aws

from sandbox.moto_mends import allow_plain_http
from sandbox.seed import Journal

REGION = "eu-west-3"
CORE = "app/test/core"
JOURNAL = Journal("app-journal", "app", "test")
CATALOG: dict[str, Any] = {
    "application": "app",
    "journal": {"s3": JOURNAL.bucket},
    "settings": {
        "TOKEN": {"group": "core", "required": True},
        "LEVEL": {"parameter": "LEVEL", "sensitivity": "low", "initial": "info"},
        "MODE": {"value": "plain"},
        "KEY": {"group": "core", "example": "placeholder"},
    },
    "credentials": {
        "token": {"kind": "external", "provider_url": "https://example.com/keys", "appears_in": [{"setting": "TOKEN"}]},
        "key": {"kind": "django_secret_key", "appears_in": [{"setting": "KEY"}]},
    },
}
Act = Callable[..., dict[str, Any]]


def run(action: Any, *, check: bool = False, diff: bool = True, variables: Any = None, **args: Any) -> dict[str, Any]:
    task: Any = SimpleNamespace(args=args, async_val=0, check_mode=check, diff=diff, action="x", delegate_to=None)
    connection = connection_loader.get("local", PlayContext(), "/dev/null")
    templar: Any = SimpleNamespace(template=lambda text: text)
    result: dict[str, Any] = action(task, connection, PlayContext(), DataLoader(), templar, None).run(
        task_vars=variables or {}
    )
    return result


@contextmanager
def account(monkeypatch: pytest.MonkeyPatch, *, journal: bool = True) -> Iterator[Callable[[str], Any]]:
    """Clients of an account that holds nothing but its key and an empty journal."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", REGION)
    allow_plain_http()
    with mock_aws():
        kms = boto3.client("kms", region_name=REGION)
        kms.create_alias(AliasName="alias/app-test", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])

        def client(service: str) -> Any:
            return boto3.client(service, region_name=REGION)

        if journal:
            JOURNAL.make(client)
        yield client
