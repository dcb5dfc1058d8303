# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation's mirror over stores in memory, and a GitHub that opens what it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, NoAccess, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import sync
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import token as github_token
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sent_records import SentStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import rollback as rotation_rollback
from tests.integration.github_server import REPOSITORY, TOKEN, GitHub
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CORE, OLD_URL, Meanwhile, World
from tests.unit.plugins.plugin_utils._rotation.test_github_copies import DOCUMENT


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    for name in ("GH_TOKEN", "GITHUB_TOKEN_FILE", "GITHUB_APP_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with GitHub() as server:
        yield server


@pytest.fixture
def world(github: GitHub) -> World:
    where = {"repository": REPOSITORY, "api_url": github.url}
    return World(catalog=catalog_parser.parse({**DOCUMENT, "github": where}, "test"))


def denied() -> None:
    raise Denied("AWS denies it", "words of AWS")


def mirror(world: World) -> sync.GithubCopies:
    made = sync.mirror(world.catalog, world.secrets, world.parameters)
    assert made is not None
    return made


def promoted(world: World) -> tuple[Any, str]:
    rotator: Any = world.begun("database")
    rotator.mirror = mirror(world)
    password = str(world.created(rotator).credentials["database"].password)
    rotator.advance("promote")
    assert rotator.promote().outcome == "done"
    return rotator, password


def refreshed(world: World, *names: str) -> list[str]:
    return list(sync.refreshed(world.catalog, names, (world.secrets, world.parameters)))


def test_without_a_token_or_a_repository_there_is_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    assert not github_token.has_token()
    assert sync.mirror(world.catalog, world.secrets, world.parameters) is None
    assert refreshed(world, "URL") == []
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    bare = World(catalog=catalog_parser.parse({**DOCUMENT, "github": {}}, "test"))
    assert sync.mirror(bare.catalog, bare.secrets, bare.parameters) is None
    without = sync.GithubCopies(bare.catalog, bare.secrets, bare.parameters)
    assert str(without.blocker(["URL"])).endswith(
        "(URL), and the catalog names no repository; add github: {repository: OWNER/NAME}"
    )
    with pytest.raises(RotationError, match="URL: the catalog names no repository"):
        without.send({"URL": "x"}, WritePermission)


def test_a_promotion_is_sent_and_recorded_by_what_it_promoted(world: World, github: GitHub) -> None:
    assert refreshed(world, "URL", "DATABASE_PASSWORD") == []
    _rotator, password = promoted(world)
    held = {"URL": f"postgres://app_b:{password}@db/app", "DATABASE_PASSWORD": password}
    assert github.repository.values == held
    records = SentStore(world.parameters, world.catalog.sent_path).read()
    identities = {target.name: sent.identity for target, sent in records.items()}
    assert identities["URL"] == f"secret {CORE} key URL@{world.labels()['AWSCURRENT']}"
    assert world.labels("copy-test")["AWSCURRENT"] in identities["DATABASE_PASSWORD"]
    assert password not in json.dumps(identities) + github.log()
    # What it sent is the present value, until the stores or somebody at GitHub change it.
    assert refreshed(world, "url", "DATABASE_PASSWORD") == ["DATABASE_PASSWORD", "URL"]
    github.put_by_hand("URL", "theirs")
    assert refreshed(world, "URL", "DATABASE_PASSWORD") == ["DATABASE_PASSWORD"]
    world.write("URL", "postgres://app_b:other@db/app")
    assert refreshed(world, "URL", "DATABASE_PASSWORD") == []


def test_rolled_back_the_former_values_are_there_again(world: World, github: GitHub) -> None:
    rotator, _password = promoted(world)
    rotator.advance("abort", reason="why")
    rotation_rollback.undo(rotator)
    assert github.repository.values == {"URL": OLD_URL, "DATABASE_PASSWORD": "old"}
    assert refreshed(world, "URL") == ["URL"]


def test_what_somebody_wrote_over_has_no_record(world: World, github: GitHub) -> None:
    mirror(world).send({"URL": "postgres://app_b:never-in-a-store@db/app"}, WritePermission)
    (record,) = SentStore(world.parameters, world.catalog.sent_path).read().values()
    assert record.identity == ""
    assert refreshed(world, "URL") == []


def test_a_record_that_cannot_be_written_takes_no_rotation_back(world: World, github: GitHub) -> None:
    records = SentStore(world.parameters, world.catalog.sent_path)
    world.parameters.hook = Meanwhile("create", f"{world.catalog.sent_path}/repository/secret/URL", denied)
    _rotator, password = promoted(world)
    assert github.repository.values["URL"] == f"postgres://app_b:{password}@db/app"
    assert [target.name for target in records.read()] == ["DATABASE_PASSWORD"]
    world.parameters.hook = Meanwhile("read", world.catalog.sent_path, denied)
    message = str(mirror(world).blocker(["URL"]))
    assert "the records of GitHub syncs below /app-github/test cannot be read" in message


def test_github_is_asked_beforehand_and_nothing_is_written(
    world: World, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mirror(world).blocker(["URL"]) is None
    assert github.writes() == []
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    message = str(mirror(world).blocker(["URL"]))
    assert message.startswith("GitHub holds it too (URL): GitHub rejects the token at secrets of repository")
    with pytest.raises(NoAccess):
        mirror(world).send({"URL": "x"}, WritePermission)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setitem(__import__("sys").modules, "nacl", None)
    assert "PyNaCl is not installed" in str(mirror(world).blocker(["URL"]))


def test_an_inventory_that_cannot_be_made_out(world: World) -> None:
    from ansible.errors import AnsibleError

    from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError

    class Broken(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise AnsibleError("'nothing' is undefined")

    settings = {"HOST": {"inventory": "ansible_host", "github": "secret"}}
    catalog = catalog_parser.parse({"application": "a", "github": {"repository": "o/r"}, "settings": settings}, "test")
    with pytest.raises(
        StoreError, match="variable ansible_host of host web1 cannot be evaluated: 'nothing' is undefined"
    ):
        sync.from_inventory(catalog, ["web1"], {"web1": Broken()})
