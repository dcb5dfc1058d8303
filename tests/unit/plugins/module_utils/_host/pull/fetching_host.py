# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that fetches for itself, and the stores it reads, against moto in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess
from ansible_collections.watchparty.secrets.plugins.module_utils._host.pull.fetch import (
    FetchRequest,
    FetchResult,
    fetch,
)
from sandbox.seed import Journal
from tests import state

JOURNAL = Journal("app-journal", "app", "test")
CATALOG: dict[str, Any] = {
    "application": "app",
    "journal": {"s3": JOURNAL.bucket},
    "settings": {
        "KEY": {"group": "core", "required": True},
        "PORT": {"parameter": "X/PORT", "type": "integer"},
    },
}
CLIENTS: dict[str, Any] = {}
CANARY = "canary-of-the-first-generation"
OTHER = "canary-of-the-second-generation"


@dataclass
class Host:
    """One host: its file, its clock, and the way to moto."""

    directory: Path
    catalog: Any = field(default_factory=lambda: CATALOG)
    gone: int = 0
    """How many connections fail from now on."""
    slept: list[float] = field(default_factory=list)
    regions: list[str | None] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.directory / ".env"

    @property
    def mark(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(state.mark(self.path).read_text())
        return result

    def values(self) -> dict[str, str]:
        return dotenv.from_dotenv(self.path.read_text())

    def connect(self, region: str | None) -> Callable[[str], Any]:
        self.regions.append(region)
        if self.gone:
            self.gone -= 1
            raise NoAccess("AWS could not be reached")
        return lambda service: CLIENTS.setdefault(service, boto3.client(service, region_name="eu-west-3"))

    def fetch(self, *, check: bool = False, **extra: Any) -> FetchResult:
        wanted = FetchRequest(**{"environment": "test", "path": str(self.path), "patience": 0, **extra})
        outcome = fetch(
            wanted,
            lambda: self.catalog,
            self.connect,
            check=check,
            sleep=self.slept.append,
            clock=lambda: float(sum(self.slept)),
        )
        assert "canary" not in "\n".join(outcome.messages)
        return outcome


def store(value: str) -> str:
    manager = CLIENTS.setdefault("secretsmanager", boto3.client("secretsmanager", region_name="eu-west-3"))
    text = json.dumps({"KEY": value})
    if not manager.list_secrets()["SecretList"]:
        return str(manager.create_secret(Name="app/test/core", SecretString=text)["VersionId"])
    return str(manager.put_secret_value(SecretId="app/test/core", SecretString=text)["VersionId"])


def parameter(name: str, value: str) -> None:
    CLIENTS["ssm"].put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-west-3")


def journal(number: int, **extra: Any) -> None:
    entry = {"rotation": "r1", "step": "deploy", "who": "ann@laptop", "at": "10:00", **extra}
    JOURNAL.add(client, number, entry)
