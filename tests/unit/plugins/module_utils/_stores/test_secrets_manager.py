# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    BINARY,
    DELETED,
    DENIED,
    MISSING,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager

Stubbed = Callable[[str], tuple[Any, Stubber]]
Moto = Callable[[str], tuple[Any, list[str]]]
BATCH, GET = "batch_get_secret_value", "get_secret_value"
V1, V2 = "1" * 32, "2" * 32


@pytest.fixture
def stub(stubbed: Stubbed) -> tuple[SecretsManager, Stubber]:
    client, stubber = stubbed("secretsmanager")
    return SecretsManager(client), stubber


@pytest.fixture
def live(moto: Moto) -> tuple[SecretsManager, Any, list[str]]:
    client, calls = moto("secretsmanager")
    return SecretsManager(client), client, calls


def test_every_version_of_every_page_the_oldest_first(stub: tuple[SecretsManager, Stubber]) -> None:
    store, stubber = stub
    asked = {"SecretId": "core", "IncludeDeprecated": True}

    def page(version: str, day: int, **extra: str) -> dict[str, Any]:
        return {"Versions": [{"VersionId": version, "CreatedDate": datetime(2026, 11, day, tzinfo=UTC)}], **extra}

    stubber.add_response("list_secret_version_ids", page(V2, 2, NextToken="more"), asked)
    stubber.add_response("list_secret_version_ids", page(V1, 1), {**asked, "NextToken": "more"})
    assert store.every_version("core") == [V1, V2]


def arn(name: str) -> str:
    return f"arn:aws:secretsmanager:eu-west-3:123456789012:secret:{name}-AbCdEf"


def secret(name: str, version: str = V1, stages: tuple[str, ...] = ("AWSCURRENT",), **extra: Any) -> dict[str, Any]:
    labels = {"VersionStages": list(stages)} if stages else {}
    value = extra or {"SecretString": f"canary-{name}"}
    return {"ARN": arn(name), "Name": name, "VersionId": version, **labels, **value}


def batch(*results: dict[str, Any], errors: tuple[tuple[str, str, str], ...] = ()) -> dict[str, Any]:
    return {
        "SecretValues": list(results),
        "Errors": [{"SecretId": name, "ErrorCode": code, "Message": message} for name, code, message in errors],
    }


def reading(name: str, version: str = V1) -> Reading:
    return Reading("secretsmanager", name, version, f"canary-{name}")


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (20, 1), (21, 2), (41, 3)])
def test_a_call_for_every_twenty(live: tuple[SecretsManager, Any, list[str]], count: int, calls: int) -> None:
    store, client, asked = live
    names = [f"app/production/s{number}" for number in range(count)]
    for name in names:
        client.create_secret(Name=name, SecretString=f"canary-{name}")
    asked.clear()
    contents = store.read([*names, names[0]])
    assert asked == ["BatchGetSecretValue"] * calls
    assert {name: item.value for name, item in contents.readings.items()} == {name: f"canary-{name}" for name in names}
    assert contents.failures == {}
    assert "canary" not in repr(contents)


def test_the_current_version_is_read_after_a_promotion(live: tuple[SecretsManager, Any, list[str]]) -> None:
    store, client, _asked = live
    first = client.create_secret(Name="core", SecretString="canary-1")["VersionId"]
    second = client.put_secret_value(SecretId="core", SecretString="canary-2", VersionStages=["AWSPENDING"])[
        "VersionId"
    ]
    assert store.read(["core"]).readings["core"].version == first
    assert store.read(["core"], stages={"core": "AWSPENDING"}).readings["core"].version == second
    client.update_secret_version_stage(
        SecretId="core", VersionStage="AWSCURRENT", MoveToVersionId=second, RemoveFromVersionId=first
    )
    core = store.read(["core"]).readings["core"]
    assert (core.version, core.value) == (second, "canary-2")
    pinned = store.read(["core"], pins={"core": first, "other": "x"}).readings
    assert list(pinned) == ["core"]
    assert pinned["core"].value == "canary-1"


def test_missing_binary_and_deleted_come_back_by_name(live: tuple[SecretsManager, Any, list[str]]) -> None:
    store, client, _asked = live
    client.create_secret(Name="text", SecretString="canary-text")
    client.create_secret(Name="binary", SecretBinary=b"canary")
    client.create_secret(Name="deleted", SecretString="canary")
    client.delete_secret(SecretId="deleted", RecoveryWindowInDays=7)
    contents = store.read(["text", "binary", "deleted", "none"])
    assert set(contents.readings) == {"text"}
    assert {name: failure.reason for name, failure in contents.failures.items()} == {
        "binary": BINARY,
        "deleted": DELETED,
        "none": MISSING,
    }


def test_a_secret_asked_by_its_arn_answers_under_it(live: tuple[SecretsManager, Any, list[str]]) -> None:
    store, client, _asked = live
    whole = client.create_secret(Name="core", SecretString="canary-core")["ARN"]
    assert list(store.read([whole]).readings) == [whole]


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", MISSING),
        ("AccessDeniedException", "User is not authorized", DENIED),
        (
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
            DELETED,
        ),
    ],
)
def test_part_of_a_batch_may_fail(stub: tuple[SecretsManager, Stubber], code: str, message: str, reason: str) -> None:
    store, stubber = stub
    stubber.add_response(BATCH, batch(secret("a"), errors=(("b", code, message),)), {"SecretIdList": ["a", "b"]})
    contents = store.read(["a", "b"])
    assert contents.readings == {"a": reading("a")}
    assert contents.failures["b"].reason == reason
    assert contents.failures["b"].detail == (message if reason == DENIED else "")


def test_what_failed_for_a_while_is_asked_once_more(stub: tuple[SecretsManager, Stubber]) -> None:
    store, stubber = stub
    errors = (("a", "InternalServiceError", "x"), ("b", "ThrottlingException", "x"))
    stubber.add_response(BATCH, batch(errors=errors), {"SecretIdList": ["a", "b"]})
    stubber.add_response(GET, secret("a"), {"SecretId": "a"})
    stubber.add_client_error(GET, "AccessDeniedException", "no policy", expected_params={"SecretId": "b"})
    contents = store.read(["a", "b"])
    assert contents.readings == {"a": reading("a")}
    assert (contents.failures["b"].reason, contents.failures["b"].detail) == (DENIED, "no policy")


def test_what_fails_again_stops_the_read(stub: tuple[SecretsManager, Stubber]) -> None:
    store, stubber = stub
    stubber.add_response(BATCH, batch(errors=(("a", "DecryptionFailure", "x"),)))
    stubber.add_client_error(GET, "DecryptionFailure", "KMS is away")
    with pytest.raises(StoreError, match=r"AWS refused secretsmanager:GetSecretValue on secret a: DecryptionFailure"):
        store.read(["a"])


def test_an_answer_that_leaves_names_out_is_completed(stub: tuple[SecretsManager, Stubber]) -> None:
    store, stubber = stub
    stubber.add_response(BATCH, {**batch(secret("a")), "NextToken": "more"}, {"SecretIdList": ["a", "b", "c"]})
    stubber.add_response(GET, secret("b"), {"SecretId": "b"})
    stubber.add_client_error(GET, "ResourceNotFoundException", "gone", expected_params={"SecretId": "c"})
    contents = store.read(["a", "b", "c"])
    assert contents.readings == {"a": reading("a"), "b": reading("b")}
    assert contents.failures["c"].reason == MISSING


@pytest.mark.parametrize("stages", [(), ("AWSPREVIOUS",)])
def test_a_version_that_is_not_current_is_asked_for_by_label(
    stub: tuple[SecretsManager, Stubber], stages: tuple[str, ...]
) -> None:
    store, stubber = stub
    stubber.add_response(BATCH, batch(secret("a", V1, stages)))
    stubber.add_response(GET, secret("a", V2), {"SecretId": "a", "VersionStage": "AWSCURRENT"})
    assert store.read(["a"]).readings == {"a": reading("a", V2)}


def test_a_secret_without_a_current_version_is_missing(stub: tuple[SecretsManager, Stubber]) -> None:
    store, stubber = stub
    stubber.add_response(BATCH, batch(secret("a", V1, ())))
    stubber.add_client_error(GET, "ResourceNotFoundException", "no value for staging label: AWSCURRENT")
    failure = store.read(["a"]).failures["a"]
    assert failure.reason == MISSING
    assert "AWSCURRENT" in failure.detail


def test_pins_and_labels_are_asked_one_by_one(stub: tuple[SecretsManager, Stubber]) -> None:
    store, stubber = stub
    stubber.add_response(BATCH, batch(secret("a")), {"SecretIdList": ["a"]})
    stubber.add_response(GET, secret("b", V2), {"SecretId": "b", "VersionId": V2})
    stubber.add_response(GET, secret("c", V2), {"SecretId": "c", "VersionStage": "AWSPENDING"})
    contents = store.read(["a", "b", "c"], pins={"b": V2}, stages={"c": "AWSPENDING"})
    assert contents.readings == {"a": reading("a"), "b": reading("b", V2), "c": reading("c", V2)}


def test_a_pinned_version_that_is_gone_is_never_answered_by_another(stub: tuple[SecretsManager, Stubber]) -> None:
    store, stubber = stub
    stubber.add_client_error(GET, "ResourceNotFoundException", f"can't find version {V2}")
    contents = store.read(["a"], pins={"a": V2})
    assert contents.readings == {}
    assert contents.failures["a"].reason == MISSING
    assert V2 in contents.failures["a"].detail


def test_a_batch_that_fails_as_a_whole(stub: tuple[SecretsManager, Stubber]) -> None:
    store, stubber = stub
    stubber.add_client_error(BATCH, "AccessDeniedException", "aws says")
    with pytest.raises(Denied, match="AWS denies secretsmanager:BatchGetSecretValue on a, b"):
        store.read(["a", "b"])


def test_nothing_asked_no_call(stub: tuple[SecretsManager, Stubber]) -> None:
    store, _stubber = stub
    assert store.read([]).readings == {}


def test_a_new_version_keeps_the_date_of_creation(stub: tuple[SecretsManager, Stubber]) -> None:
    store, stubber = stub
    made, changed = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 6, 7, tzinfo=UTC)
    stubber.add_response("describe_secret", {"Name": "core", "CreatedDate": made, "LastChangedDate": changed})
    assert store.describe("core").created == "2026-01-02T03:04:05Z"
