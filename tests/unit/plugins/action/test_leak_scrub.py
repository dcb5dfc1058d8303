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

from ansible_collections.watchparty.secrets.plugins.action.leak_scrub import ActionModule
from ansible_collections.watchparty.secrets.plugins.module_utils import _catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _github_sync
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting
from tests.integration import github_server
from tests.integration.github_server import REPOSITORY, GitHub
from tests.unit.plugins.module_utils._rotations.rotator_world import CATALOG, KINDS, OLD_URL, TOKEN, World

OLD, NOW = "1" * 32, "2" * 32
LAST = "what somebody read is known to them; a denied version stays in AWS until AWS removes it"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        made = boto3.client("secretsmanager", region_name="eu-west-3")
        made.create_secret(Name="core", SecretString="canary-1", ClientRequestToken=OLD)
        made.put_secret_value(SecretId="core", SecretString="canary-2", ClientRequestToken=NOW)
        yield made


def act(client: Any, world: World, *, check: bool = False, **args: Any) -> dict[str, Any]:
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(check_mode=check)
    there = SimpleNamespace(store_client=lambda service: boto3.client(service, region_name="us-east-1"))
    connection: Any = SimpleNamespace(store_client=lambda _service: client, in_region=lambda _region: there)
    setting = Setting(world.catalog, KINDS, world.rotator(), connection)
    return action.answer(setting, {"secrets": {}, "parameters": [], "credentials": [], **args}, {})


def denied(client: Any) -> list[str]:
    (statement,) = json.loads(client.get_resource_policy(SecretId="core")["ResourcePolicy"])["Statement"]
    found: list[str] = statement["Condition"]["StringEquals"]["secretsmanager:VersionId"]
    return found


@pytest.mark.parametrize("versions", [[OLD], OLD], ids=["list", "one"])
def test_secrets_and_parameters(client: Any, versions: Any) -> None:
    world = World()
    found = act(client, world, secrets={"core": versions}, parameters=[TOKEN])
    assert found["changed"]
    assert found["scrubbed"] == [
        f"AWSPREVIOUS off version {OLD} of core",
        f"a policy of core denies version {OLD}",
        f"the history of parameter {TOKEN} holds its present value only",
    ]
    assert found["not_scrubbed"] == [LAST]
    assert denied(client) == [OLD]
    assert set(world.parameters._parameters[TOKEN].values[-100:]) == {"old-token"}


def test_what_cannot_be_is_told(client: Any) -> None:
    found = act(client, World(), secrets={"gone": [OLD]}, parameters=["/app/test/GONE"])
    assert (found["changed"], found["scrubbed"]) == (False, [])
    secret, parameter, last = found["not_scrubbed"]
    assert secret.startswith("secret gone is not there")
    assert parameter == "parameter /app/test/GONE: /app/test/GONE is not there, or may not be read"
    assert last == LAST


def test_a_drill_changes_nothing(client: Any) -> None:
    world = World()
    found = act(client, world, check=True, secrets={"core": [OLD]}, parameters=[TOKEN])
    assert (found["changed"], found["scrubbed"]) == (True, [])
    assert "ResourcePolicy" not in client.get_resource_policy(SecretId="core")
    assert client.describe_secret(SecretId="core")["VersionIdsToStages"][OLD] == ["AWSPREVIOUS"]
    assert world.token() == "old-token"


def test_nothing_is_asked_for(client: Any) -> None:
    assert act(client, World()) == {"changed": False, "scrubbed": [], "not_scrubbed": [LAST]}


def test_a_mirror_is_named_with_what_to_do(client: Any) -> None:
    credentials = {**CATALOG["credentials"], "database": {**CATALOG["credentials"]["database"]}}
    credentials["database"]["appears_in"] = [{"setting": "URL"}, {"github": "DB_PASSWORD"}]
    more = {"credentials": credentials, "github": {"repository": "example/app"}}
    world = World(catalog=_catalog.parse({**CATALOG, **more}, "test"))
    words = (
        "GitHub's secret DB_PASSWORD may hold the leaked database: replace it by 'gh secret set DB_PASSWORD --repo "
        "example/app', which asks for the value"
    )
    assert act(client, world, credentials=["database", "django"])["not_scrubbed"] == [words, LAST]


@pytest.mark.parametrize(
    ("over", "words"),
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
def test_the_command_replaces_the_copy_where_it_lies(client: Any, over: dict[str, str], words: str) -> None:
    settings = {**CATALOG["settings"], "URL": {**CATALOG["settings"]["URL"], "github": "secret", **over}}
    more = {"settings": settings, "github": {"repository": "example/app", "environment": "prod"}}
    world = World(catalog=_catalog.parse({**CATALOG, **more}, "test"))
    told = act(client, world, credentials=["database"])["not_scrubbed"]
    assert any(words in one for one in told), told


def test_replicas_are_looked_at_in_their_region(client: Any) -> None:
    client.replicate_secret_to_regions(SecretId="core", AddReplicaRegions=[{"Region": "us-east-1"}])
    found = act(client, World(), secrets={"core": [OLD]})
    assert found["not_scrubbed"][0].startswith("replica in us-east-1: AWS refused secretsmanager:GetResourcePolicy")


@pytest.mark.parametrize(
    ("incident", "rotated", "words"),
    [
        (
            {"id": "i1", "at": "2026-11-25T10:00:00Z", "who": "ann"},
            "2026-11-25T11:00:00Z",
            "holds the new value, sent at",
        ),
        (
            {"id": "i1", "at": "2026-11-25T10:00:00Z", "who": "ann"},
            "2026-11-25T09:00:00Z",
            "may hold the leaked database",
        ),
        (None, "2026-11-25T11:00:00Z", "may hold the leaked database"),
    ],
    ids=["replaced since", "replaced before", "no incident"],
)
def test_a_mirror_that_was_sent_the_new_value(
    client: Any, monkeypatch: pytest.MonkeyPatch, incident: Any, rotated: str, words: str
) -> None:
    settings = {**CATALOG["settings"], "URL": {**CATALOG["settings"]["URL"], "github": "secret"}}
    monkeypatch.setenv("GITHUB_TOKEN", github_server.TOKEN)
    for name in ("GITHUB_TOKEN_FILE", "GITHUB_APP_ID"):
        monkeypatch.delenv(name, raising=False)
    with GitHub() as github:
        where = {"repository": REPOSITORY, "api_url": github.url}
        world = World(catalog=_catalog.parse({**CATALOG, "settings": settings, "github": where}, "test"))
        _github_sync.Mirror(world.catalog, world.secrets, world.parameters).send({"URL": OLD_URL})
        rotator = world.rotator()
        by = {"at": rotated, "who": "ann", "rotation": "r1"}
        more = {"incident": incident} if incident else {}
        rotator.append(rotator.look(), "r1", "closed", rotated={"database": by}, **more)
        found = act(client, world, credentials=["database"])
        told = found["scrubbed"] + found["not_scrubbed"]
        assert any(one.startswith("GitHub's") and words in one for one in told), told
        assert len([one for one in told if one.startswith("GitHub's")]) == 1
        monkeypatch.setenv("GITHUB_TOKEN", "wrong")
        if words.startswith("holds"):
            untold, open_, _last = act(client, world, credentials=["database"])["not_scrubbed"]
            assert untold.startswith("whether GitHub holds the new values cannot be told: GitHub does not accept")
            assert open_.startswith("GitHub's secret URL may hold the leaked database")
