# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS is sent when something is made, against moto; and what its refusals become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.provisioning_interfaces import (
    LABEL,
    Change,
    change,
    is_key,
    tier_for,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.aws_stores import (
    DESCRIBED_AT_ONCE,
    MakingParameters,
    MakingSecrets,
    require_key,
)

Moto = Callable[[str], tuple[Any, list[str]]]
V1, V2, V3 = ("1" * 32, "2" * 32, "3" * 32)
FORM = Form("words", "alias/app-test", {"Application": "app"}, ("eu-west-1",))


@pytest.fixture
def secrets(moto: Moto) -> tuple[MakingSecrets, Any]:
    client, _asked = moto("secretsmanager")
    return MakingSecrets(client), client


@pytest.fixture
def parameters(moto: Moto) -> tuple[MakingParameters, Any]:
    client, _asked = moto("ssm")
    return MakingParameters(client), client


def test_a_secret_is_made_in_its_form_and_only_once(secrets: tuple[MakingSecrets, Any]) -> None:
    store, _client = secrets
    assert store.kept("core") is None
    for _at in range(2):
        store.make("core", "canary", version=V1, form=FORM)
    kept = store.kept("core")
    assert kept is not None
    assert (kept.form.description, kept.form.key, kept.form.tags) == ("words", "alias/app-test", {"Application": "app"})
    assert kept.form.replicas == ("eu-west-1",)
    assert change(kept.form, FORM).messages == []
    with pytest.raises(AlreadyExists, match="another writer created secret core") as caught:
        store.make("core", "canary-2", version=V2, form=FORM)
    assert "canary" not in str(caught.value)


def test_a_secret_without_a_value_gets_its_first_version(secrets: tuple[MakingSecrets, Any]) -> None:
    store, client = secrets
    client.create_secret(Name="core")
    store.merge("core", "canary", version=V1, instead_of=None)
    assert store.read(["core"]).readings["core"].value == "canary"
    assert LABEL not in store.describe("core").stages
    with pytest.raises(Conflict):
        store.merge("core", "other", version=V2, instead_of=None)


def test_a_secret_gets_what_it_lacks(secrets: tuple[MakingSecrets, Any]) -> None:
    store, client = secrets
    client.create_secret(Name="core", SecretString="x", Tags=[{"Key": "Mine", "Value": "1"}])
    kept = store.kept("core")
    assert kept is not None
    wanted = change(kept.form, FORM)
    assert wanted.messages == ["description", "key alias/app-test", "tag Application", "replica in eu-west-1"]
    store.reform("core", wanted)
    kept = store.kept("core")
    assert kept is not None
    assert kept.form.tags == {"Mine": "1", "Application": "app"}
    assert change(kept.form, FORM).messages == []
    assert store.read(["core"]).readings["core"].value == "x"


def test_a_merge_replaces_only_what_it_was_made_from(secrets: tuple[MakingSecrets, Any]) -> None:
    store, _client = secrets
    store.make("core", "one", version=V1, form=Form())
    store.merge("core", "two", version=V2, instead_of=V1)
    assert store.read(["core"]).readings["core"].value == "two"
    assert LABEL not in store.describe("core").stages
    with pytest.raises(Conflict):
        store.merge("core", "three", version=V3, instead_of=V1)
    assert LABEL not in store.describe("core").stages
    assert store.read(["core"]).readings["core"].value == "two"


def test_a_deletion_can_be_undone(secrets: tuple[MakingSecrets, Any]) -> None:
    store, client = secrets
    store.make("core", "one", version=V1, form=Form())
    with pytest.raises(StoreError, match="7 to 30 days, not for 3"):
        store.schedule_deletion("core", days=3)
    assert store.schedule_deletion("core", days=7)
    assert not store.schedule_deletion("core", days=7)
    assert "DeletedDate" in client.describe_secret(SecretId="core")
    kept = store.kept("core")
    assert kept is not None
    assert kept.deleted
    with pytest.raises(StoreError):
        store.make("core", "two", version=V2, form=Form())
    assert store.restore("core")
    assert not store.restore("core")
    assert store.read(["core"]).readings["core"].value == "one"
    assert not store.schedule_deletion("none", days=7)
    with pytest.raises(NotFound, match="secret none does not exist"):
        store.restore("none")


@pytest.mark.parametrize(("secure", "kind"), [(True, "SecureString"), (False, "String")])
def test_a_parameter_is_made_in_its_form_and_only_once(
    parameters: tuple[MakingParameters, Any], secure: bool, kind: str
) -> None:
    store, client = parameters
    for _at in range(2):
        store.make("/p/A", "canary", secure=secure, form=FORM)
    parameter = client.describe_parameters()["Parameters"][0]
    assert (parameter["Type"], parameter["Description"], parameter["Version"]) == (kind, "words", 1)
    assert parameter.get("KeyId") == ("alias/app-test" if secure else None)
    tags = client.list_tags_for_resource(ResourceType="Parameter", ResourceId="/p/A")["TagList"]
    assert tags == [{"Key": "Application", "Value": "app"}]
    with pytest.raises(AlreadyExists, match="another writer created parameter /p/A") as caught:
        store.make("/p/A", "canary-2", secure=secure, form=FORM)
    assert "canary" not in str(caught.value)


def test_a_parameter_gets_what_it_lacks_and_keeps_the_rest(parameters: tuple[MakingParameters, Any]) -> None:
    store, client = parameters
    tags = [{"Key": "Mine", "Value": "1"}, {"Key": "Owner", "Value": "x"}]
    for name, kind in (("/p/A", "SecureString"), ("/p/B", "String")):
        client.put_parameter(Name=name, Value=f"canary{name}", Type=kind, AllowedPattern="^can.*")
        client.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=tags)
    kept = store.kept(["/p/A", "/p/B", "/p/NONE"])
    assert set(kept) == {"/p/A", "/p/B"}
    assert kept["/p/A"].form == Form("", "alias/aws/ssm", {"Mine": "1", "Owner": "x"})
    assert kept["/p/B"].form.key is None
    wanted = change(kept["/p/A"].form, Form("words", "alias/app-test", {"Owner": "me"}))
    assert wanted.messages == ["description", "key alias/app-test", "tag Owner"]
    store.reform("/p/A", wanted)
    store.reform("/p/B", Change(tags={"Owner": "me"}))
    assert store.kept(["/p/A"])["/p/A"].form == Form("words", "alias/app-test", {"Mine": "1", "Owner": "me"})
    result = {parameter["Name"]: parameter for parameter in client.describe_parameters()["Parameters"]}
    assert (result["/p/A"]["Version"], result["/p/A"]["Type"], result["/p/A"]["Tier"]) == (
        2,
        "SecureString",
        "Standard",
    )
    assert result["/p/A"]["AllowedPattern"] == "^can.*"
    assert result["/p/B"]["Version"] == 1
    assert {name: reading.value for name, reading in store.read(["/p"]).readings.items()} == {
        "/p/A": "canary/p/A",
        "/p/B": "canary/p/B",
    }


def test_more_parameters_than_one_question_takes(parameters: tuple[MakingParameters, Any]) -> None:
    store, client = parameters
    names = [f"/p/A{number}" for number in range(DESCRIBED_AT_ONCE + 1)]
    for name in names:
        client.put_parameter(Name=name, Value="x", Type="String")
    assert list(store.kept(names)) == names


def test_what_somebody_wrote_in_the_moment_of_a_reform_is_put_back(parameters: tuple[MakingParameters, Any]) -> None:
    store, client = parameters
    client.put_parameter(Name="/p/A", Value="canary-old", Type="SecureString")
    look = store._look

    def theirs_follows(name: str) -> Any:
        result = look(name)
        store._look = look  # type: ignore[method-assign]
        client.put_parameter(Name="/p/A", Value="canary-theirs", Type="SecureString", Overwrite=True)
        return result

    store._look = theirs_follows  # type: ignore[method-assign]
    with pytest.raises(
        Conflict, match="somebody wrote at the same moment; the other writer's value was restored"
    ) as caught:
        store.reform("/p/A", Change(key="alias/app-test"))
    assert "canary" not in str(caught.value)
    assert store.read(["/p"]).readings["/p/A"].value == "canary-theirs"
    assert store.kept(["/p/A"])["/p/A"].form.key == "alias/app-test"


def test_tiers(parameters: tuple[MakingParameters, Any]) -> None:
    store, client = parameters
    assert tier_for("x" * 5000, advanced=False) == "Standard"
    assert tier_for("x", advanced=True) == "Standard"
    with pytest.raises(StoreError, match="4,096"):
        store.make("/p/A", "x" * 5000, secure=True, form=Form())
    store.make("/p/A", "x" * 5000, secure=True, form=Form(), tier=tier_for("x" * 5000, advanced=True))
    assert client.describe_parameters()["Parameters"][0]["Tier"] == "Advanced"


def test_keys(moto: Moto) -> None:
    assert is_key("arn:aws:kms:eu-west-3:1:alias/app-test", "alias/app-test")
    assert not is_key(None, "alias/app-test")
    assert not is_key("alias/other-app-test", "alias/app-test")
    client, _asked = moto("kms")
    with pytest.raises(
        NotFound,
        match=r"alias/app-test does not exist. Create it by "
        r"ansible-playbook watchparty.secrets.provision --tags access",
    ):
        require_key(client, "alias/app-test")
    key = client.create_key()["KeyMetadata"]["KeyId"]
    client.create_alias(AliasName="alias/app-test", TargetKeyId=key)
    require_key(client, "alias/app-test")
    client.disable_key(KeyId=key)
    with pytest.raises(StoreError, match="is Disabled; run 'aws kms enable-key --key-id "):
        require_key(client, "alias/app-test")
