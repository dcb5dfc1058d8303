# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values written to Vault by provision and set, killed before and after every write, and run again."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER
from ansible_collections.watchparty.secrets.plugins.module_utils._core.stores.vault import VAULT
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_making import DESCRIPTION, MakingVault
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import set_plan, undo
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.making_stores import MakingByName
from tests.fakes.memory_kv import MemoryKv
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._provision.test_apply import Killed, Killer
from tests.unit.plugins.plugin_utils._provision.values_world import GIVEN, World, catalog

SHOP = "app/test/shop"
PAIR = "app/test/pair"


def in_vault(document: dict[str, Any]) -> None:
    """All of the group core, and the pair, are in Vault; what else there is stays in AWS."""
    document["stores"] = {"vault": {"address": "https://vault.example.com", "auth": "token"}}
    for setting in document["settings"].values():
        if setting.pop("group", None):
            setting["vault"] = "app/{environment}/shop"
    place = {"vault": "app/{environment}/pair", "keys": ["username", "password"]}
    document["credentials"]["database"]["appears_in"][2] = place


CATALOG = catalog(in_vault)


class VaultWorld(World):
    def __init__(self) -> None:
        super().__init__(CATALOG)
        self.kv, aws = MemoryKv(), self.secrets
        self.secrets: Any = MakingByName({SECRETS_MANAGER: lambda: aws, VAULT: lambda: MakingVault(self.kv)})  # type: ignore[arg-type]

    def held(self, path: str) -> dict[str, Any]:
        held: dict[str, Any] = self.secret(f"vault:{path}") if path in self.kv.paths else {}
        return held

    def assert_whole(self) -> None:
        shop, pair = self.held(SHOP), self.held(PAIR)
        assert shop["URL"] == f"postgres://app_a:{pair['password']}@db/app"
        assert (pair["username"], shop["TOKEN"]) == ("app_a", "canary-token")
        assert self.parameter("KEY") == shop["KEY"]
        for path in (SHOP, PAIR):
            custom = self.kv.paths[path].custom
            assert (custom["Application"], custom["Environment"]) == ("app", "test")
            assert "values of its .env" in custom[DESCRIPTION]
        assert [path for path in self.kv.paths if "staged" in path] == []


def nothing(world: VaultWorld) -> None:
    del world


def begun(world: VaultWorld) -> None:
    """Somebody wrote a part of it by hand."""
    for path, text in ((SHOP, '{"NOTE": 1.10}'), (PAIR, '{"username": "app_a"}')):
        world.kv.write("post", f"data {path}", "", f'{{"options": {{"cas": 0}}, "data": {text}}}')


def writes_of(start: Any, act: Any) -> int:
    world = VaultWorld()
    start(world)
    world.kv.hook = killer = Killer()
    act(world)
    return killer.acts


def killed(start: Any, act: Any, at: int, *, after: bool) -> VaultWorld:
    world = VaultWorld()
    start(world)
    world.kv.hook = Killer(at, after=after)
    with pytest.raises(Killed):
        act(world)
    world.kv.hook = Hook()
    return world


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("start", [nothing, begun])
def test_provision_killed_at_every_write(start: Any, *, after: bool) -> None:
    """What was generated and written once is kept, and the run after the next one has nothing to do."""
    total = writes_of(start, VaultWorld.provision)
    assert total >= 6
    for at in range(1, total + 1):
        world = killed(start, VaultWorld.provision, at, after=after)
        before = {path: world.held(path) for path in (SHOP, PAIR)}
        world.provision()
        world.assert_whole()
        for path, held in before.items():
            assert held.items() <= world.held(path).items(), f"killed at {at}: {path} lost a value"
        assert world.provision() == []


def change(world: VaultWorld) -> list[str]:
    return world.process(planner=set_plan.plan).apply({"TOKEN": "canary-new"})


def test_undone() -> None:
    world = VaultWorld()
    world.provision()
    change(world)
    process = world.process()
    wanted = undo.wanted(process, ["TOKEN"], process.look())
    assert str(wanted.settings[0]).startswith("undo TOKEN: back to version ")
    process.planner = wanted.plan
    process.apply(wanted.values)
    world.assert_whole()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_set_killed_at_every_write(*, after: bool) -> None:
    total = writes_of(VaultWorld.provision, change)
    assert total == 2, "the value, and the id of its version"
    for at in range(1, total + 1):
        world = killed(VaultWorld.provision, change, at, after=after)
        former = world.held(SHOP)
        assert former["TOKEN"] == ("canary-token" if (at, after) == (1, False) else "canary-new")
        change(world)
        assert world.held(SHOP) == {**former, "TOKEN": "canary-new"}
        assert change(world) == []
        assert len(world.kv.paths[SHOP].versions) == 2, "no version was made twice"


def test_a_deleted_path_is_restored_when_it_was_killed_in_between() -> None:
    world = VaultWorld()
    world.provision()
    before = world.held(SHOP)
    world.kv.paths[SHOP].gone.add(1)
    world.kv.hook = Killer(1)
    with suppress(Killed):
        world.provision(GIVEN, restore=True)
    assert world.kv.paths[SHOP].gone == {1}
    world.kv.hook = Hook()
    world.provision(GIVEN, restore=True)
    assert world.held(SHOP) == before


def test_somebody_elses_key_survives() -> None:
    """They wrote between the look and our write, which the server refuses then."""
    world = VaultWorld()
    begun(world)

    class Writes(Hook):
        done = False

        def before(self, op: str, name: str) -> None:
            if (op, name) == ("post data", SHOP) and not self.done:
                self.done = True
                theirs = '{"options": {"cas": 1}, "data": {"NOTE": "theirs", "MORE": "also theirs"}}'
                world.kv.write("post", f"data {SHOP}", "", theirs)

    world.kv.hook = Writes()
    world.provision()
    world.assert_whole()
    assert (world.held(SHOP)["NOTE"], world.held(SHOP)["MORE"]) == ("theirs", "also theirs")
