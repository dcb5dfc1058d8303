# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS is sent when something is written, and what its refusals become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import Settling
from tests.fakes.one_by_one import one_by_one

Stubbed = Callable[[str], tuple[Any, Stubber]]
V1, V2 = "1" * 32, "2" * 32
ARN = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:core-AbCdEf"
STAGED = {"SecretId": "core", "SecretString": "canary-2", "ClientRequestToken": V2, "VersionStages": ["ours"]}
MOVED = {"SecretId": "core", "VersionStage": "AWSCURRENT", "MoveToVersionId": V2, "RemoveFromVersionId": V1}
LABELS = {"AWSCURRENT": V1, "ours": V2}
DELETED = "You can't perform this operation on the secret because it was marked for deletion."


@pytest.fixture
def secret(stubbed: Stubbed) -> tuple[SecretsManager, Stubber]:
    client, stubber = stubbed("secretsmanager")
    return SecretsManager(client), stubber


@pytest.fixture
def parameter(stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch) -> tuple[ParameterStore, Stubber]:
    # The stub answers in one order, and threads ask in any.
    monkeypatch.setattr(ParameterStore, "side_by_side", staticmethod(one_by_one))
    client, stubber = stubbed("ssm")
    return ParameterStore(client), stubber


def described(stubber: Stubber, labels: dict[str, str], **extra: Any) -> None:
    versions: dict[str, list[str]] = {}
    for label, version in labels.items():
        versions.setdefault(version, []).append(label)
    answer = {"ARN": ARN, "Name": "core", "VersionIdsToStages": versions, **extra}
    stubber.add_response("describe_secret", answer, {"SecretId": "core"})


def looked(stubber: Stubber, value: str = "canary-1", version: int = 1, **extra: Any) -> None:
    filters = {"ParameterFilters": [{"Key": "Name", "Option": "Equals", "Values": ["/p/A"]}]}
    result = {"Name": "/p/A", "Type": "SecureString", "Version": version, **extra}
    # An empty page with a token is not an end.
    stubber.add_response("describe_parameters", {"Parameters": [], "NextToken": "1"}, filters)
    stubber.add_response("describe_parameters", {"Parameters": [result]}, {**filters, "NextToken": "1"})
    stubber.add_response(
        "get_parameter",
        {"Parameter": {"Name": "/p/A", "Type": "SecureString", "Value": value, "Version": version}},
        {"Name": "/p/A", "WithDecryption": True},
    )


class TestSecret:
    @pytest.mark.parametrize(
        ("form", "sent"),
        [
            (Form("what for"), {"Description": "what for"}),
            (
                Form(key="alias/app-test", tags={"Application": "app"}),
                {"KmsKeyId": "alias/app-test", "Tags": [{"Key": "Application", "Value": "app"}]},
            ),
        ],
    )
    def test_creation_carries_the_version_id_and_the_form(
        self, secret: tuple[SecretsManager, Stubber], form: Form, sent: dict[str, Any]
    ) -> None:
        store, stubber = secret
        asked = {"Name": "core", "SecretString": "canary", "ClientRequestToken": V1, **sent}
        stubber.add_response("create_secret", {"ARN": ARN, "Name": "core", "VersionId": V1}, asked)
        store.create("core", "canary", version=V1, form=form)

    def test_a_key_that_is_not_there_is_no_name_that_is_taken(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        stubber.add_client_error("create_secret", "ResourceNotFoundException", "Alias alias/app-test is not found.")
        with pytest.raises(NotFound, match="Alias alias/app-test is not found"):
            store.create("core", "canary", version=V1, form=Form(key="alias/app-test"))

    def test_staging_carries_the_version_id_and_one_label(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        stubber.add_response("put_secret_value", {"VersionId": V2, "VersionStages": ["ours"]}, STAGED)
        store.stage("core", "canary-2", version=V2, label="ours")

    def test_staging_again_names_the_version_that_has_the_label(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        stubber.add_response("put_secret_value", {"VersionId": V2}, STAGED)
        described(stubber, {"AWSCURRENT": V1, "ours": V1})
        stubber.add_response("update_secret_version_stage", {}, {**MOVED, "VersionStage": "ours"})
        store.stage("core", "canary-2", version=V2, label="ours")

    def test_a_version_that_arrived_although_aws_says_it_is_taken(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        stubber.add_client_error("put_secret_value", "ResourceExistsException", "in use")
        result = {"ARN": ARN, "Name": "core", "VersionId": V2, "SecretString": "canary-2"}
        stubber.add_response("get_secret_value", result, {"SecretId": "core", "VersionId": V2})
        described(stubber, LABELS)
        store.stage("core", "canary-2", version=V2, label="ours")

    def test_promotion_names_the_version_to_leave(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        described(stubber, LABELS)
        stubber.add_response("update_secret_version_stage", {}, MOVED)
        store.promote("core", to=V2, instead_of=V1)

    def test_a_label_that_was_nowhere_has_none_to_leave(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        described(stubber, LABELS)
        asked = {"SecretId": "core", "VersionStage": "AWSPENDING", "MoveToVersionId": V2}
        stubber.add_response("update_secret_version_stage", {}, asked)
        store.promote("core", to=V2, instead_of=None, label="AWSPENDING")

    def test_a_version_without_labels_is_asked_for_by_its_id(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        described(stubber, {"AWSCURRENT": V1})
        result = {
            "ARN": ARN,
            "Name": "core",
            "VersionId": V2,
            "SecretString": "canary-2",
        }
        stubber.add_response("get_secret_value", result, {"SecretId": "core", "VersionId": V2})
        stubber.add_response("update_secret_version_stage", {}, MOVED)
        store.promote("core", to=V2, instead_of=V1)

    # AWS refuses, and names the version that has it.
    def test_somebody_took_the_label_in_the_same_moment(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        described(stubber, LABELS)
        stubber.add_client_error("update_secret_version_stage", "InvalidParameterException", "is currently attached")
        described(stubber, {**LABELS, "AWSPENDING": "3" * 32})
        with pytest.raises(
            Conflict, match=f"AWSPENDING. The label is on version {'3' * 32}, but should be on no version"
        ):
            store.promote("core", to=V2, instead_of=None, label="AWSPENDING")

    def test_another_refusal_of_a_promotion_stays_what_it_is(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        store.settling = Settling(patience=0)
        described(stubber, LABELS)
        stubber.add_client_error("update_secret_version_stage", "LimitExceededException", "too many labels")
        described(stubber, LABELS)
        with pytest.raises(
            StoreError, match=r"UpdateSecretVersionStage on secret core: LimitExceeded.*too many labels"
        ):
            store.promote("core", to=V2, instead_of=V1)

    def test_another_refusal_of_a_discard_stays_what_it_is(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        store.settling = Settling(patience=0)
        asked = {"SecretId": "core", "VersionStage": "ours", "RemoveFromVersionId": V2}
        stubber.add_client_error(
            "update_secret_version_stage", "InvalidRequestException", "managed by rds", expected_params=asked
        )
        described(stubber, LABELS)
        with pytest.raises(StoreError, match="managed by rds"):
            store.discard("core", version=V2, labels=["ours"])

    def test_a_name_that_is_still_being_deleted(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        message = "You can't create this secret because a secret with this name is already scheduled for deletion."
        stubber.add_client_error("create_secret", "InvalidRequestException", message)
        stubber.add_client_error("get_secret_value", "InvalidRequestException", DELETED)
        with pytest.raises(AlreadyExists, match="still being deleted"):
            store.create("core", "canary", version=V1)

    # moto goes on writing to a secret that is scheduled for deletion.
    def test_staging_in_a_secret_that_is_scheduled_for_deletion(self, secret: tuple[SecretsManager, Stubber]) -> None:
        store, stubber = secret
        stubber.add_client_error("put_secret_value", "InvalidRequestException", DELETED)
        with pytest.raises(NotFound, match=r"secret core does not exist .* marked for deletion"):
            store.stage("core", "canary-2", version=V2, label="ours")

    def test_a_secret_that_cannot_be_deleted_is_not_taken_for_gone(
        self, secret: tuple[SecretsManager, Stubber]
    ) -> None:
        store, stubber = secret
        message = "You can't delete secret core that still has replica regions [eu-west-1]"
        stubber.add_client_error("delete_secret", "InvalidRequestException", message)
        with pytest.raises(StoreError, match="still has replica regions"):
            store.delete("core")

    @pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidRequestException"])
    def test_a_secret_that_is_gone_is_deleted(self, secret: tuple[SecretsManager, Stubber], code: str) -> None:
        store, stubber = secret
        asked = {"SecretId": "core", "ForceDeleteWithoutRecovery": True}
        stubber.add_client_error("delete_secret", code, DELETED, expected_params=asked)
        store.delete("core")

    @pytest.mark.parametrize(
        ("operation", "act"),
        [
            ("describe_secret", lambda store: store.describe("core")),
            ("create_secret", lambda store: store.create("core", "canary-2", version=V2)),
            ("put_secret_value", lambda store: store.stage("core", "canary-2", version=V2, label="ours")),
            ("delete_secret", lambda store: store.delete("core")),
            ("describe_secret", lambda store: store.promote("core", to=V2, instead_of=V1)),
            ("describe_secret", lambda store: store.discard("core", version=V2, labels=["ours"])),
        ],
    )
    def test_each_call_may_be_denied(self, secret: tuple[SecretsManager, Stubber], operation: str, act: Any) -> None:
        store, stubber = secret
        stubber.add_client_error(operation, "AccessDeniedException", "AWS says so")
        name = "".join(part.capitalize() for part in operation.split("_"))
        with pytest.raises(Denied, match=f"allow secretsmanager:{name} on it"):
            act(store)

    @pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "InvalidParameterException"])
    def test_no_refusal_repeats_the_value(self, secret: tuple[SecretsManager, Stubber], code: str) -> None:
        store, stubber = secret
        for operation in ("create_secret", "put_secret_value"):
            stubber.add_client_error(operation, code, "AWS says that canary-2 is not to its taste")
        with pytest.raises(StoreError) as created:
            store.create("core", "canary-2", version=V2)
        with pytest.raises(StoreError) as staged:
            store.stage("core", "canary-2", version=V2, label="ours")
        assert "canary" not in str(created.value) + str(staged.value)

    @pytest.mark.parametrize(
        ("act", "looks"),
        [
            (lambda store: store.promote("core", to=V2, instead_of=V1), True),
            (lambda store: store.discard("core", version=V2, labels=["ours"]), False),
        ],
    )
    def test_a_denied_move_is_no_conflict(
        self, secret: tuple[SecretsManager, Stubber], act: Any, *, looks: bool
    ) -> None:
        store, stubber = secret
        if looks:
            described(stubber, LABELS)
        stubber.add_client_error("update_secret_version_stage", "AccessDeniedException", "no policy")
        with pytest.raises(Denied, match="secretsmanager:UpdateSecretVersionStage"):
            act(store)


class TestParameter:
    def test_what_a_parameter_is_stays(self, parameter: tuple[ParameterStore, Stubber]) -> None:
        store, stubber = parameter
        kept = {
            "KeyId": "alias/app",
            "Tier": "Advanced",
            "Description": "what for",
            "AllowedPattern": "^canary",
            "DataType": "text",
        }
        looked(stubber, **kept, Policies=[], LastModifiedUser="arn:aws:iam::123456789012:user/ada")
        stubber.add_response(
            "put_parameter",
            {"Version": 2, "Tier": "Advanced"},
            {"Name": "/p/A", "Value": "canary-2", "Overwrite": True, "Type": "SecureString", **kept},
        )
        assert store.overwrite("/p/A", "canary-2", instead_of=1) == 2

    def test_creation_never_overwrites(self, parameter: tuple[ParameterStore, Stubber]) -> None:
        store, stubber = parameter
        asked = {"Name": "/j/1", "Value": "entry", "Type": "String", "Tier": "Standard"}
        stubber.add_response("put_parameter", {"Version": 1}, asked)
        store.create("/j/1", "entry")

    def test_deletion_goes_ten_a_call(self, parameter: tuple[ParameterStore, Stubber]) -> None:
        store, stubber = parameter
        names = [f"/j/{number}" for number in range(12)]
        for part in (names[:10], names[10:]):
            stubber.add_response("delete_parameters", {"InvalidParameters": part}, {"Names": part})
        store.delete(names)

    @pytest.mark.parametrize(
        ("code", "kind", "message"),
        [
            ("AccessDeniedException", Denied, "allow ssm:PutParameter on it"),
            ("TooManyUpdates", Conflict, "another writer changes parameter /p/A"),
            ("ParameterMaxVersionLimitExceeded", StoreError, "unlabel-parameter-version"),
            ("ParameterPatternMismatchException", StoreError, r"ParameterPatternMismatchException: AWS says \*\*\*"),
            ("ValidationException", StoreError, "its message is not shown, because it"),
            ("InvalidKeyId", StoreError, "InvalidKeyId"),
        ],
    )
    def test_a_write_may_be_refused(
        self, parameter: tuple[ParameterStore, Stubber], code: str, kind: Any, message: str
    ) -> None:
        store, stubber = parameter
        looked(stubber)
        stubber.add_client_error("put_parameter", code, "AWS says canary-2")
        with pytest.raises(kind, match=message) as error:
            store.overwrite("/p/A", "canary-2", instead_of=1)
        assert "canary" not in str(error.value)

    @pytest.mark.parametrize(
        ("operation", "act"),
        [
            ("DescribeParameters", lambda store: store.overwrite("/p/A", "canary", instead_of=1)),
            ("PutParameter", lambda store: store.create("/p/A", "entry")),
            ("DeleteParameters", lambda store: store.delete(["/p/A"])),
        ],
    )
    def test_each_call_may_be_denied(self, parameter: tuple[ParameterStore, Stubber], operation: str, act: Any) -> None:
        store, stubber = parameter
        method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation)[1:]
        stubber.add_client_error(method, "AccessDeniedException", "no policy")
        with pytest.raises(Denied, match=f"allow ssm:{operation} on it"):
            act(store)

    def test_a_denied_read(self, parameter: tuple[ParameterStore, Stubber]) -> None:
        store, stubber = parameter
        stubber.add_response("describe_parameters", {"Parameters": []})
        stubber.add_client_error("get_parameter", "AccessDeniedException", "no policy")
        with pytest.raises(Denied, match="allow ssm:GetParameter on it"):
            store.overwrite("/p/A", "canary", instead_of=1)
