# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An account in this process, an inventory with two environments, and the short command on both."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.json_schema import problems
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.scripts.commands import main, schemas
from tests.unit.plugins.action.values_account import CATALOG

LOG_GROUP = "/app/audit"
AUDITED = {**CATALOG, "audit_log": {"log_group": LOG_GROUP}}
CANARY = "canary-3f9c1e"
"""In every value of the stores."""


@dataclass(frozen=True)
class Ran:
    """One call of the command."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        return json.loads(self.out)


def _schema(argv: tuple[str, ...], *, failed: bool) -> dict[str, Any]:
    name = "failure" if failed else "run" if "--host" in argv else schemas.ANSWERS.get(argv[0], "run")
    return {**schemas.DEFINITIONS[name], "$defs": schemas.DEFINITIONS}


def lose_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS cannot be reached, and is asked once."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(aws_errors.CLIENT_CONFIG, "retries", {"total_max_attempts": 1})


@dataclass(frozen=True)
class Lab:
    client: Callable[[str], Any]
    folder: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *argv: str) -> Ran:
        self.capture.readouterr()
        try:
            code = main.main(list(argv))
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = self.capture.readouterr()
        if "--json" in argv and out:
            assert problems(json.loads(out), _schema(argv, failed="error" in json.loads(out))) == []
        return Ran(code, out, err)

    def inventory(self, catalog: dict[str, Any] = CATALOG, **environments: str) -> None:
        """One host for each environment; without any, one host that declares none."""
        nowhere = {"ansible_host": "127.0.0.1", "ansible_port": 9}
        hosts = {host: {**nowhere, "app_environment": name} for host, name in environments.items()} or {"web1": nowhere}
        (self.folder / "hosts.yml").write_text(json.dumps({"app_hosts": {"hosts": hosts}}))
        (self.folder / "group_vars" / "all").mkdir(parents=True, exist_ok=True)
        (self.folder / "group_vars" / "all" / "catalog.yml").write_text(json.dumps({"secrets_catalog": catalog}))

    def audit_log(self) -> list[dict[str, Any]]:
        """Its records."""
        asked = {"logGroupName": LOG_GROUP, "logStreamName": "app/test"}
        return [json.loads(event["message"]) for event in self.client("logs").get_log_events(**asked)["events"]]

    def store(self, environment: str = "test", **values: str) -> None:
        content = json.dumps({name: f"{value}{CANARY}" for name, value in values.items()})
        secrets = self.client("secretsmanager")
        name = f"app/{environment}/core"
        try:
            secrets.create_secret(Name=name, SecretString=content)
        except secrets.exceptions.ResourceExistsException:
            secrets.put_secret_value(SecretId=name, SecretString=content)
