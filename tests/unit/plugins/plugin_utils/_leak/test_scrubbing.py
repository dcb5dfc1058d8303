# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is scrubbed, through moto in this process, and that nothing of it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import DENIED, Contents, Failure
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import sync
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import scrubbing
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.integration import github_server
from tests.integration.github_server import REPOSITORY, GitHub
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, CORE, KINDS, OLD_URL, TOKEN, World

OLD, NOW = "1" * 32, "2" * 32
LAST = "scrubbing does not undo earlier reads; a denied version stays in AWS until AWS removes it"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        made = boto3.client("secretsmanager", region_name="eu-west-3")
        made.create_secret(Name="core", SecretString="canary-1", ClientRequestToken=OLD)
        made.put_secret_value(SecretId="core", SecretString="canary-2", ClientRequestToken=NOW)
        yield made


def act(client: Any, world: World, **given: Any) -> dict[str, Any]:
    there = SimpleNamespace(store_client=lambda service: boto3.client(service, region_name="us-east-1"))
    connection: Any = SimpleNamespace(store_client=lambda _service: client, in_region=lambda _region: there)
    setting = RotationSetup(world.catalog, KINDS, world.rotator(), connection)
    args = {"secrets": {}, "parameters": [], "credentials": [], **given}
    return scrubbing.scrub(setting, setting.rotator.look(), **args)


def denied(client: Any) -> list[str]:
    (statement,) = json.loads(client.get_resource_policy(SecretId="core")["ResourcePolicy"])["Statement"]
    results: list[str] = statement["Condition"]["StringEquals"]["secretsmanager:VersionId"]
    return results


def test_secrets_and_parameters(client: Any) -> None:
    world = World()
    world.parameters.seed(TOKEN, "new-token")
    result = act(client, world, secrets={"core": [OLD]}, parameters=[TOKEN])
    assert result["scrubbed"] == [
        f"AWSPREVIOUS off version {OLD} of core",
        f"a policy of core denies version {OLD}",
        f"the history of parameter {TOKEN} holds only its present value",
    ]
    assert result["not_scrubbed"] == [LAST]
    assert denied(client) == [OLD]
    assert set(world.parameters._parameters[TOKEN].values[-100:]) == {"new-token"}


def test_what_a_host_still_lets_in_is_kept(client: Any) -> None:
    """It is needed once more, to try it there."""
    world = World()
    left = {"credential": "token", "act": "revoke", "due": "2026-11-25T15:00:00Z", "rotation": "r1"}
    rotator = world.rotator()
    held = {**left, "secrets": {"core": OLD}, "hosts": ["web2"]}
    rotator.append(rotator.look(), "r1", "closed", pending_tasks={"r1/token": held})
    result = act(client, world, secrets={"core": [OLD]})
    assert result["scrubbed"] == []
    held = "holds a value that is still authorized on web2; a run scrubs the version once they reject the value"
    message = f"version {OLD} of core {held}"
    assert result["not_scrubbed"] == [message, LAST]
    assert "ResourcePolicy" not in client.get_resource_policy(SecretId="core")
    rotator.append(rotator.look(), "r2", "closed", discharged=["r1/token"])
    act(client, world, secrets={"core": [OLD]})
    assert denied(client) == [OLD]


@pytest.mark.parametrize("act_left", ["confirm", "drop_fallback", "revoke"])
def test_what_an_open_pending_task_has_yet_to_read_is_kept(client: Any, act_left: str) -> None:
    """A denied version could not be tried, dropped or revoked any more, by anybody."""
    world = World()
    rotator = world.rotator()
    left = {"credential": "token", "act": act_left, "due": "2026-12-09T10:00:00Z", "rotation": "r1"}
    rotator.append(rotator.look(), "r1", "closed", pending_tasks={"r1/token": {**left, "secrets": {"core": OLD}}})
    result = act(client, world, secrets={"core": [OLD]}, credentials=["token"])
    assert result["scrubbed"] == []
    assert result["not_scrubbed"][0].startswith(f"version {OLD} of core holds ")
    assert "the same command" in result["not_scrubbed"][0]
    assert "ResourcePolicy" not in client.get_resource_policy(SecretId="core")
    rotator.append(rotator.look(), "r2", "closed", discharged=["r1/token"])
    act(client, world, secrets={"core": [OLD]})
    assert denied(client) == [OLD]


def test_what_cannot_be_is_reported(client: Any) -> None:
    result = act(client, World(), secrets={"gone": [OLD]}, parameters=["/app/test/GONE"])
    assert result["scrubbed"] == []
    secret, parameter, last = result["not_scrubbed"]
    assert secret.startswith("secret gone does not exist")
    assert parameter == "parameter /app/test/GONE does not exist, or may not be read"
    assert last == LAST


def test_nothing_is_asked_for(client: Any) -> None:
    assert act(client, World()) == {"scrubbed": [], "not_scrubbed": [LAST]}


def test_a_mirror_is_named_with_what_to_do(client: Any) -> None:
    credentials = {**CATALOG["credentials"], "database": {**CATALOG["credentials"]["database"]}}
    credentials["database"]["appears_in"] = [{"setting": "URL"}, {"github": "DB_PASSWORD"}]
    extra = {"credentials": credentials, "github": {"repository": "example/app"}}
    world = World(catalog=catalog_parser.parse({**CATALOG, **extra}, "test"))
    message = (
        "GitHub's secret DB_PASSWORD may hold the leaked database: replace it by 'gh secret set DB_PASSWORD --repo "
        "example/app', which asks for the value"
    )
    assert act(client, world, credentials=["database", "django"])["not_scrubbed"] == [message, LAST]


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (
            {"github": "variable", "sensitivity": "medium"},
            "GitHub's variable URL may hold the leaked database: replace it by 'gh variable set URL ",
        ),
        ({"github_scope": "environment"}, "by 'gh secret set URL --repo example/app --env prod',"),
        ({"github_scope": "organization"}, "by 'gh secret set URL --org example --repos app,...',"),
    ],
    ids=["variable", "environment", "organization"],
)
def test_the_command_replaces_the_copy_where_it_lies(client: Any, over: dict[str, str], message: str) -> None:
    settings = {**CATALOG["settings"], "URL": {**CATALOG["settings"]["URL"], "github": "secret", **over}}
    extra = {"settings": settings, "github": {"repository": "example/app", "environment": "prod"}}
    world = World(catalog=catalog_parser.parse({**CATALOG, **extra}, "test"))
    answer = act(client, world, credentials=["database"])["not_scrubbed"]
    assert any(message in item for item in answer), answer


def test_replicas_are_looked_at_in_their_region(client: Any) -> None:
    client.replicate_secret_to_regions(SecretId="core", AddReplicaRegions=[{"Region": "us-east-1"}])
    result = act(client, World(), secrets={"core": [OLD]})
    assert result["not_scrubbed"][0].startswith("replica in us-east-1: AWS refused secretsmanager:GetResourcePolicy")


@pytest.mark.parametrize(
    ("declared", "answers", "message"),
    [
        (True, "i1", "holds the new value, sent at"),
        (True, "", "may hold the leaked database"),
        (False, "", "may hold the leaked database"),
    ],
    ids=["replaced because of it", "replaced, but not because of it", "no incident"],
)
def test_a_mirror_that_was_sent_the_new_value(
    client: Any, monkeypatch: pytest.MonkeyPatch, declared: bool, answers: str, message: str
) -> None:
    settings = {**CATALOG["settings"], "URL": {**CATALOG["settings"]["URL"], "github": "secret"}}
    monkeypatch.setenv("GITHUB_TOKEN", github_server.TOKEN)
    for name in ("GITHUB_TOKEN_FILE", "GITHUB_APP_ID"):
        monkeypatch.delenv(name, raising=False)
    with GitHub() as github:
        where = {"repository": REPOSITORY, "api_url": github.url}
        world = World(catalog=catalog_parser.parse({**CATALOG, "settings": settings, "github": where}, "test"))
        sync.GithubCopies(world.catalog, world.secrets, world.parameters).send({"URL": OLD_URL}, WritePermission)
        rotator = world.rotator()
        by = {"at": "2026-11-25T11:00:00Z", "who": "ann", "rotation": "r1", "incident": answers}
        extra = {"incident": {"id": "i1", "at": "2026-11-25T10:00:00Z", "who": "ann"}} if declared else {}
        rotator.append(rotator.look(), "r1", "closed", rotated={"database": by}, **extra)
        result = act(client, world, credentials=["database"])
        answer = result["scrubbed"] + result["not_scrubbed"]
        assert any(item.startswith("GitHub's") and message in item for item in answer), answer
        assert len([item for item in answer if item.startswith("GitHub's")]) == 1
        monkeypatch.setenv("GITHUB_TOKEN", "wrong")
        if message.startswith("holds"):
            untold, open_, _last = act(client, world, credentials=["database"])["not_scrubbed"]
            assert untold.startswith("it is unknown whether GitHub holds the new values: GitHub rejects")
            assert open_.startswith("GitHub's secret URL may hold the leaked database")


class TestEveryVersionThatHoldsIt:
    """Not only the version that was planned from: others hold the leaked value too, some without labels."""

    SPENT, COMING, NEWEST = "3" * 32, "4" * 32, "5" * 32

    @staticmethod
    def core(url: str, **extra: str) -> str:
        return json.dumps({"URL": url, "KEY": "canary-key", "FALLBACKS": "", **extra})

    @pytest.fixture
    def held(self, client: Any) -> World:
        """The leaked password in three versions, two of them without labels; the last one has a new one."""
        leaked, other = "postgres://app_a:canary-leaked@db/app", "postgres://app_a:canary-other@db/app"
        client.create_secret(Name=CORE, SecretString=self.core(leaked), ClientRequestToken=OLD)
        client.put_secret_value(SecretId=CORE, SecretString=self.core(other), ClientRequestToken=NOW)
        client.put_secret_value(
            SecretId=CORE, SecretString=self.core(other, NOTE=f"was {leaked}"), ClientRequestToken=self.SPENT
        )
        client.put_secret_value(SecretId=CORE, SecretString=self.core(leaked), ClientRequestToken=self.COMING)
        new = self.core("postgres://app_b:canary-new@db/app")
        client.put_secret_value(SecretId=CORE, SecretString=new, ClientRequestToken=self.NEWEST)
        world = World()
        world.secrets = SecretsManager(client)  # type: ignore[assignment]
        return world

    def denied(self, client: Any) -> list[str]:
        (statement,) = json.loads(client.get_resource_policy(SecretId=CORE)["ResourcePolicy"])["Statement"]
        results: list[str] = statement["Condition"]["StringEquals"]["secretsmanager:VersionId"]
        return results

    def test_is_denied(self, client: Any, held: World) -> None:
        result = act(client, held, secrets={CORE: [self.COMING]}, credentials=["database"])
        assert self.denied(client) == [OLD, self.SPENT, self.COMING], "the one with another password stays readable"
        assert result["scrubbed"] == [
            f"AWSPREVIOUS off version {self.COMING} of {CORE}",
            f"a policy of {CORE} denies version {OLD}",
            f"a policy of {CORE} denies version {self.SPENT}",
            f"a policy of {CORE} denies version {self.COMING}",
        ]
        assert result["not_scrubbed"] == [LAST]
        assert "canary" not in json.dumps(result)

    def test_loses_its_labels(self, client: Any, held: World) -> None:
        client.update_secret_version_stage(SecretId=CORE, VersionStage="theirs", MoveToVersionId=OLD)
        act(client, held, secrets={CORE: [self.COMING]}, credentials=["database"])
        labels = client.describe_secret(SecretId=CORE)["VersionIdsToStages"]
        assert {version: stages for version, stages in labels.items() if stages} == {self.NEWEST: ["AWSCURRENT"]}

    def test_again_denies_and_reads_nothing_more(self, client: Any, held: World) -> None:
        act(client, held, secrets={CORE: [self.COMING]}, credentials=["database"])
        result = act(client, held, secrets={CORE: [self.COMING]}, credentials=["database"])
        assert result["scrubbed"] == []
        assert self.denied(client) == [OLD, self.SPENT, self.COMING]

    def test_what_an_open_rotation_reads_is_left(self, client: Any, held: World) -> None:
        rotator = held.rotator()
        plan = {"credentials": {}, "secrets": {CORE: OLD}, "phases": 1}
        rotator.append(rotator.look(), "r9", "plan", plan=plan, prescribes={"secrets": {CORE: self.SPENT}})
        result = act(client, held, secrets={CORE: [self.COMING]}, credentials=["database"])
        assert self.denied(client) == [self.COMING]
        assert (
            f"version {OLD} of {CORE} may hold a leaked value, and the open rotation still needs that version"
        ) in result["not_scrubbed"]

    def test_a_value_that_is_in_use_is_none(self, client: Any, held: World) -> None:
        """Every version holds the signing key, which nothing has replaced."""
        act(client, held, secrets={CORE: [self.COMING]}, credentials=["database", "django"])
        assert NOW not in self.denied(client)

    def test_a_short_one_is_compared_whole(self, client: Any, held: World) -> None:
        for version, pin in (
            (NOW.replace("2", "6"), "1234"),
            (NOW.replace("2", "7"), "1234"),
            (NOW.replace("2", "8"), "9"),
        ):
            client.put_secret_value(
                SecretId=CORE,
                SecretString=self.core("postgres://app_b:canary-new@db/app", KEY=pin, NOTE="12345"),
                ClientRequestToken=version,
            )
        act(client, held, secrets={CORE: ["7" * 32]}, credentials=["django"])
        assert self.denied(client) == ["6" * 32, "7" * 32]

    def test_what_cannot_be_read_is_reported(self, client: Any, held: World) -> None:
        held.secrets.read = refusing(held.secrets.read, OLD)  # type: ignore[method-assign]
        result = act(client, held, secrets={CORE: [self.COMING]}, credentials=["database"])
        message = f"version {OLD} of secret {CORE}: denied; it is unknown whether it holds a leaked value"
        assert message in result["not_scrubbed"]
        assert self.denied(client) == [self.SPENT, self.COMING]


def refusing(read: Any, version: str) -> Any:
    """A store's reading, but for one version."""

    def asked(names: Any, *, pins: Any = None, stages: Any = None) -> Contents:
        if version in (pins or {}).values():
            return Contents({}, {name: Failure("secretsmanager", name, DENIED) for name in names})
        contents: Contents = read(names, pins=pins, stages=stages)
        return contents

    return asked
