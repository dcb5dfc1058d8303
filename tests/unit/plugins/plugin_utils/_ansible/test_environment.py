# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one read, against moto in this process, through the adapter that the plugins use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    HostError,
    JournalError,
    NoAccess,
    NotFound,
    WrongAccount,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import (
    Environment,
    ReadRequest,
    read,
)
from sandbox.seed import Journal

JOURNAL = Journal("app-journal", "app", "test")
CATALOG: dict[str, Any] = {
    "application": "app",
    "journal": {"s3": "app-journal"},
    "settings": {
        "KEY": {"group": "core", "required": True},
        "NOTE": {"group": "more"},
        "PORT": {"parameter": "X/PORT", "copies": [{"secret": "app/{environment}/core", "key": "PORT"}]},
    },
}
CLIENTS: dict[tuple[str, str | None], Any] = {}
"""Made by the adapter, once: each takes half a second, and moto forgets what they did after every test."""
ENTRY = {"rotation": "r1", "step": "deploy", "who": "ann@laptop", "at": "10:00"}


@dataclass
class Aws:
    """moto, seeded; and what it was asked."""

    calls: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    regions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.secrets = boto3.client("secretsmanager", region_name="eu-west-3")
        self.ssm = boto3.client("ssm", region_name="eu-west-3")
        self.first = self.secrets.create_secret(Name="app/test/core", SecretString='{"KEY": "canary-1", "PORT": "1"}')
        self.secrets.create_secret(Name="app/test/more", SecretString='{"NOTE": "canary-n"}')
        self.parameter("/app/test/X/PORT", "1")
        JOURNAL.make(self.client)

    def parameter(self, name: str, value: str) -> None:
        self.ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)

    def journal(self, number: int, **extra: Any) -> None:
        JOURNAL.add(self.client, number, {**ENTRY, **extra})

    @staticmethod
    def client(service: str) -> Any:
        return boto3.client(service, region_name="eu-west-3")

    def read(
        self, document: dict[str, Any] = CATALOG, *, region: str | None = "eu-west-3", **extra: Any
    ) -> Environment:
        connection = AwsConnection("test", {"region": region, "access_key": "testing", "secret_key": "testing"})
        make = connection.store_client

        def client(service: str) -> Any:
            made = CLIENTS.get((service, connection.region)) or make(service)
            self.regions.append(made.meta.region_name)
            made.meta.events.register("before-call.*.*", self._before, unique_id="test")
            CLIENTS[service, connection.region] = made
            return made

        connection.store_client = client  # type: ignore[method-assign]
        try:
            return read(ReadRequest(document=document, environment="test", **extra), connection)
        finally:
            for made in CLIENTS.values():
                made.meta.events.unregister("before-call.*.*", unique_id="test")

    def _before(self, model: Any, params: dict[str, Any], **_more: Any) -> None:
        self.calls.append(model.name)
        for name in self.refused:
            path = json.loads(params["body"]).get("Path") if params["body"] and model.name[:3] == "Get" else None
            if name in (model.name, path) or params["url"].endswith(f"/{name}"):
                raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no policy"}}, model.name)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Aws()


def with_environment(**extra: Any) -> dict[str, Any]:
    return {**CATALOG, "environments": {"test": extra}}


def test_one_read_of_each_store(aws: Aws) -> None:
    environment = aws.read()
    assert environment.resolution.problems == ()
    assert environment.resolution.values == {"KEY": "canary-1", "NOTE": "canary-n", "PORT": "1"}
    assert environment.journal.head == 0
    assert environment.warnings == ()
    assert aws.calls[0] == "GetObject"
    assert sorted(aws.calls[1:]) == ["BatchGetSecretValue", "GetParametersByPath"], "at once, in any order"
    assert "canary" not in repr(environment)


def test_a_store_that_the_catalog_does_not_use_is_not_asked(aws: Aws) -> None:
    aws.read({"application": "app", "settings": {"A": {"value": "x"}}}, journal="ignored")
    assert aws.calls == []


def test_the_account_is_asked_first(aws: Aws) -> None:
    aws.read(with_environment(expected_account_id="123456789012"))
    assert aws.calls[0] == "GetCallerIdentity"
    aws.calls.clear()
    with pytest.raises(WrongAccount, match="expects 999999999999"):
        aws.read(with_environment(expected_account_id="999999999999"))
    assert aws.calls == ["GetCallerIdentity"], "nothing is read from another account"


@pytest.mark.parametrize(("given", "expected"), [(None, "eu-west-3"), ("eu-north-1", "eu-north-1")])
def test_the_region_of_the_catalog_is_the_last_resort(aws: Aws, given: str | None, expected: str) -> None:
    aws.read(with_environment(region="eu-west-3"), region=given)
    assert set(aws.regions) == {expected}


def test_a_snapshot_carries_the_journals_number(aws: Aws) -> None:
    aws.journal(4)
    aws.journal(5, step="closed")
    environment = aws.read()
    assert (environment.journal.head, environment.journal.rotation, environment.warnings) == (5, None, ())


def test_an_open_rotation_that_prescribes_nothing_stops_a_deploy_and_nothing_else(aws: Aws) -> None:
    aws.journal(1, step="plan")
    with pytest.raises(JournalError, match=r"rotation r1 of ann@laptop .* has no snapshot for hosts yet"):
        aws.read()
    assert aws.calls == ["GetObject"], "no value was read"
    environment = aws.read(journal="optional")
    assert environment.warnings == ("rotation r1 of ann@laptop (since 10:00, at step plan) is open",)
    assert aws.read(journal="ignored").warnings == ()


def test_a_rotation_is_not_warned_of_itself(aws: Aws) -> None:
    aws.journal(1, prescribes={"secrets": {"app/test/core": aws.first["VersionId"]}})
    assert aws.read(rotation="r1").warnings == ()
    assert len(aws.read(rotation="r2").warnings) == len(aws.read().warnings) == 1


def test_an_open_rotation_prescribes_the_versions(aws: Aws) -> None:
    aws.secrets.put_secret_value(SecretId="app/test/core", SecretString='{"KEY": "canary-2", "PORT": "2"}')
    aws.parameter("/app/test/X/PORT", "2")
    prescribed = {"secrets": {"app/test/core": aws.first["VersionId"]}, "parameters": {"/app/test/X/PORT": 1}}
    aws.journal(1, prescribes=prescribed)
    environment = aws.read()
    assert environment.resolution.values == {"KEY": "canary-1", "NOTE": "canary-n", "PORT": "1"}
    assert environment.resolution.problems == ()


def test_between_two_promotions_the_primary_wins(aws: Aws) -> None:
    aws.parameter("/app/test/X/PORT", "2")
    assert len(aws.read().resolution.problems) == 1
    aws.journal(1, step="promote", prescribes={"secrets": {"app/test/core": aws.first["VersionId"]}})
    environment = aws.read()
    assert environment.resolution.problems == ()
    assert any("rotation r1" in line and "this run uses" in line for line in environment.warnings)


class TestOverlay:
    """Parameters are written at the promotion; until then their new texts come from the rotation's own secret."""

    OWN = "app-rotation/test/r1"

    def stage(self, aws: Aws, *phases: dict[str, str]) -> str:
        document = {"phases": phases}
        return str(aws.secrets.create_secret(Name=self.OWN, SecretString=json.dumps(document))["VersionId"])

    def prescribe(self, aws: Aws, version: str, phase: int = 1, **extra: Any) -> None:
        staged = aws.secrets.put_secret_value(
            SecretId="app/test/core", SecretString='{"KEY": "canary-2", "PORT": "2"}', VersionStages=["r1-1"]
        )
        overlay = {"secret": self.OWN, "version": version, "phase": phase}
        prescribed = {"secrets": {"app/test/core": staged["VersionId"]}, "overlay": overlay, **extra}
        aws.journal(1, prescribes=prescribed)

    @pytest.mark.parametrize(("phase", "port"), [(1, "2"), (2, "3")])
    def test_the_texts_of_its_phase(self, aws: Aws, phase: int, port: str) -> None:
        own = self.stage(aws, {"/app/test/X/PORT": "2"}, {"/app/test/X/PORT": "3"})
        self.prescribe(aws, own, phase)
        environment = aws.read()
        assert environment.resolution.values["PORT"] == port
        assert environment.contents.readings["/app/test/X/PORT"].version == f"{own}/{phase}"
        assert environment.resolution.values["KEY"] == "canary-2"
        assert aws.ssm.get_parameter(Name="/app/test/X/PORT")["Parameter"]["Version"] == 1, "nothing was written"
        assert "canary" not in repr(environment)

    def test_each_phase_is_a_snapshot_of_its_own(self, aws: Aws) -> None:
        own = self.stage(aws, {"/app/test/X/PORT": "2"}, {"/app/test/X/PORT": "2"})
        resolutions = []
        for phase in (1, 2):
            overlay = {"secret": self.OWN, "version": own, "phase": phase}
            aws.journal(phase, prescribes={"secrets": {"app/test/core": aws.first["VersionId"]}, "overlay": overlay})
            resolutions.append(aws.read().resolution)
        assert resolutions[0].values == resolutions[1].values
        assert resolutions[0].snapshot_id != resolutions[1].snapshot_id

    def test_a_parameter_that_is_not_read_is_not_added(self, aws: Aws) -> None:
        self.prescribe(aws, self.stage(aws, {"/app/test/X/PORT": "2", "/app/test/OTHER": "canary"}))
        assert "/app/test/OTHER" not in aws.read().contents.readings

    def test_what_is_kept_unencrypted_is_still_reported(self, aws: Aws) -> None:
        aws.ssm.delete_parameter(Name="/app/test/X/PORT")
        aws.ssm.put_parameter(Name="/app/test/X/PORT", Value="1", Type="String")
        self.prescribe(aws, self.stage(aws, {"/app/test/X/PORT": "2"}))
        assert aws.read().contents.readings["/app/test/X/PORT"].plain

    @pytest.mark.parametrize("on_missing", ["skip", "warn", "error"])
    def test_a_secret_of_its_own_that_is_gone_stops_a_deploy(self, aws: Aws, on_missing: str) -> None:
        own = self.stage(aws, {"/app/test/X/PORT": "2"})
        self.prescribe(aws, own)
        aws.secrets.delete_secret(SecretId=self.OWN, ForceDeleteWithoutRecovery=True)
        message = (
            rf"needs versions that cannot be read: secret {self.OWN}: missing.*rotate, or add -e rotation_abort=true"
        )
        with pytest.raises(JournalError, match=message):
            aws.read(on_missing=on_missing)

    def test_another_version_of_it_does_not_do(self, aws: Aws) -> None:
        self.stage(aws, {"/app/test/X/PORT": "2"})
        self.prescribe(aws, "0" * 32)
        with pytest.raises(JournalError, match=f"cannot be read: secret {self.OWN}"):
            aws.read()


@pytest.mark.parametrize("journal", ["required", "optional", "ignored"])
def test_a_denied_journal(aws: Aws, journal: str) -> None:
    aws.refused = {JOURNAL.key}
    if journal == "required":
        with pytest.raises(NoAccess, match=r"allow s3:GetObject on it. .* \(no policy\)"):
            aws.read(journal=journal)
        return
    environment = aws.read(journal=journal)
    assert environment.resolution.values["KEY"] == "canary-1"
    assert len(environment.warnings) == (1 if journal == "optional" else 0)


def test_a_missing_secret(aws: Aws) -> None:
    aws.secrets.delete_secret(SecretId="app/test/more", ForceDeleteWithoutRecovery=True)
    assert aws.read().warnings == ("secret app/test/more: missing",)
    assert aws.read(on_missing="skip").warnings == ()
    assert aws.read(on_missing="skip").resolution.problems == ()
    with pytest.raises(NotFound, match="secret app/test/more: missing; create it, or set on_missing"):
        aws.read(on_missing="error")


def test_a_missing_secret_that_is_required_is_a_problem_however_tolerant(aws: Aws) -> None:
    aws.secrets.delete_secret(SecretId="app/test/core", RecoveryWindowInDays=7)
    problems = aws.read(on_missing="skip").resolution.problems
    assert problems == (
        (
            "KEY: is missing; secret app/test/core is scheduled for deletion; "
            "restore it: aws secretsmanager restore-secret --secret-id app/test/core"
        ),
    )


def test_a_denied_path(aws: Aws) -> None:
    aws.refused = {"/app/test"}
    message = "parameters below /app/test: denied (no policy)"
    assert aws.read().resolution.problems == (
        f"{message}; allow the role in use to read it: ansible-playbook watchparty.secrets.provision --tags access",
    )
    assert aws.read(on_denied="warn").resolution.problems == ()
    assert message in aws.read(on_denied="warn").warnings
    assert message not in aws.read(on_denied="skip").warnings


def test_a_denied_batch_stops_everything(aws: Aws) -> None:
    aws.refused = {"BatchGetSecretValue"}
    with pytest.raises(NoAccess, match="AWS denies secretsmanager:BatchGetSecretValue"):
        aws.read(on_denied="skip")


def test_given_names_take_the_place_of_the_catalogs(aws: Aws) -> None:
    aws.secrets.create_secret(Name="elsewhere", SecretString='{"KEY": "canary-e"}')
    aws.parameter("/other/X/PORT", "9")
    environment = aws.read(secret_ids=("elsewhere",), ssm_path="/other/")
    assert environment.resolution.values == {"KEY": "canary-e", "PORT": "9"}
    assert environment.resolution.problems == ()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], str]:
    def write(content: bytes) -> str:
        path = tmp_path / ".env"
        path.write_bytes(content)
        return str(path)

    return write


def test_a_file_is_asked_in_place_of_the_stores(aws: Aws, file: Callable[[bytes], str]) -> None:
    environment = aws.read(file=file(b"KEY=canary\nOTHER=x\n"))
    assert environment.resolution.values == {"KEY": "canary"}
    assert environment.resolution.unknown == ("OTHER",)
    assert environment.resolution.snapshot_id == "file"
    assert environment.resolution.problems == ()
    assert [line.partition(";")[0] for line in aws.read(file=file(b"")).resolution.problems] == ["KEY: is missing"]
    assert aws.calls == []


def test_a_file_that_cannot_be_read_is_named(aws: Aws, file: Callable[[bytes], str], tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"/none: cannot be read: No such file"):
        aws.read(file=str(tmp_path / "none"))
    with pytest.raises(HostError, match="is not UTF-8"):
        aws.read(file=file(b"KEY=\xff"))


def test_a_file_as_its_readers_read_it(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("KEY='two words'\nNOTE=\"-----BEGIN canary\nline\"\n", encoding="utf-8")
    connection = AwsConnection("test", {})
    resolution = read(ReadRequest(CATALOG, "test", file=str(path)), connection).resolution
    assert resolution.values["KEY"] == "two words"
    (message,) = resolution.undeliverable
    assert message.startswith("NOTE: its value cannot be read back exactly by django_environ")
    path.write_text("KEY='two words'\n", encoding="utf-8")
    resolution = read(
        ReadRequest({**CATALOG, "readers": ["docker_run"]}, "test", file=str(path)), connection
    ).resolution
    assert resolution.values["KEY"] == "'two words'"
