# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Vault's KV engine as a store of versions, on a real OpenBao: what every store of secrets does, and what it adds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Conflict, NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import CURRENT
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import vault_client
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import Settling
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_making import MakingVault
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_secrets import (
    PENDING,
    VERSION,
    VaultSecrets,
)
from tests.integration.vault_lab import VaultLab
from tests.unit.plugins.module_utils._stores import test_versioned as contract
from tests.unit.plugins.module_utils._stores.test_versioned import (  # noqa: F401  (collected here, too)
    OURS,
    V1,
    V2,
    TestCreate,
    TestDelete,
    TestRead,
    core,
    test_every_version_is_listed_without_labels_too,
    value,
)

pytestmark = pytest.mark.servers
_FOLDERS = count()


class PlainText(VaultSecrets):
    """The tests of all stores write plain texts, and KV holds objects."""

    settling = Settling(sleep=lambda _seconds: None)

    def _write(self, path: str, name: str, content: str, base: int) -> int:
        return super()._write(path, name, json.dumps({"content": content}), base)

    def _answered(self, path: str, subject: str, number: str = "") -> Any:
        version = super()._answered(path, subject, number)
        if version is None or version.text is None:
            return version
        return replace(version, text=json.loads(version.text)["content"])


class Making(PlainText, MakingVault):
    """As playbooks write values that nothing stages."""


class Side:
    """The store, below a path that no other test uses, and what happens to it behind our back."""

    ACTS = {"CreateSecret": "_create", "PutSecretValue": "_put", "UpdateSecretVersionStage": "_move", "patch": "_patch"}

    def __init__(self, lab: VaultLab, store: type[VaultSecrets] = PlainText) -> None:
        self.lab, self.folder = lab, f"watchparty/t{next(_FOLDERS)}"
        self.store = store(_Below(lab.vault(), self.folder))
        self.store._client.login()

    def write(self, name: str, content: str, version: str) -> None:
        number = self.lab.put(f"{self.folder}/{name}", content=content)
        self.store._patch(name, {f"{VERSION}{number}": version})

    def schedule_deletion(self, name: str) -> None:
        self.lab.server.request("DELETE", f"secret/data/{self.folder}/{name}")

    def meanwhile(self, operation: str, act: Callable[[], Any]) -> None:
        self._before_next(operation, lambda _call: act())

    def twice(self, operation: str) -> None:
        self._before_next(operation, lambda call: call())

    def _before_next(self, operation: str, act: Callable[[Callable[[], Any]], Any]) -> None:
        method = getattr(self.store, self.ACTS[operation])

        def once(*args: Any, **options: Any) -> Any:
            setattr(self.store, method.__name__, method)
            act(lambda: method(*args, **options))
            return method(*args, **options)

        setattr(self.store, method.__name__, once)


class _Below(vault_client.VaultClient):
    def __init__(self, vault: Any, folder: str) -> None:
        super().__init__(vault)
        self._folder = folder

    def secret(self, kind: str, path: str) -> str:
        return super().secret(kind, f"{self._folder}/{path}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultLab]:
    with VaultLab(tmp_path_factory.mktemp("vault")) as started:
        yield started


@pytest.fixture
def secrets(lab: VaultLab) -> Side:
    return Side(lab)


class TestStage(contract.TestStage):
    @pytest.mark.parametrize("version", [V2])
    def test_an_id_that_other_content_has(self, core: Any, version: str) -> None:  # noqa: F811
        super().test_an_id_that_other_content_has(core, version)

    def test_an_id_stays_taken_when_its_labels_are_gone(self, core: Any) -> None:  # noqa: F811
        """Not in KV: the staged value goes with its last label, and what is staged anew is seen by its content."""
        core.stage("core", "canary-2", version=V2, label=OURS)
        core.discard("core", version=V2, labels=[OURS])
        core.stage("core", "canary-2", version=V2, label=OURS)
        assert value(core, pins={"core": V2}) == "canary-2"


class TestPromote(contract.TestPromote):
    def test_a_version_without_labels_can_be_promoted(self, core: Any) -> None:  # noqa: F811
        core.discard("core", version=V2, labels=[OURS])
        with pytest.raises(NotFound, match="stage it again"):
            core.promote("core", to=V2, instead_of=V1)
        assert value(core) == "canary-1"


class TestDiscard(contract.TestDiscard):
    def test_only_these_labels_of_only_this_version(self, core: Any) -> None:  # noqa: F811
        core.discard("core", version=V2, labels=["AWSPENDING", OURS, "run-3", "nowhere"])
        assert core.describe("core").stages == {"AWSCURRENT": V1, "run-3": contract.V3}
        assert timestamps.moment(core.describe("core").created)
        assert core.read(["core"], pins={"core": V2}).is_missing("core"), "a staged value goes with its last label"


class TestKills:
    """A process ends between any two of a promotion's requests, and another one goes on."""

    @pytest.fixture(autouse=True)
    def _staged(self, core: Any) -> None:  # noqa: F811
        core.stage("core", "canary-2", version=V2, label=OURS)

    @pytest.mark.parametrize("act", range(3))
    def test_the_same_again_completes_it(self, lab: VaultLab, secrets: Side, act: int) -> None:
        self._killed(lab, secrets, act)
        assert secrets.store.read(["core"]).readings["core"].version == (V2 if act == 2 else V1)
        secrets.store.promote("core", to=V2, instead_of=V1)
        assert secrets.store.describe("core").stages[CURRENT] == V2
        secrets.store.discard("core", version=V2, labels=[OURS])
        assert value(secrets.store, pins={"core": V2}) == "canary-2"
        assert lab.metadata(f"{secrets.folder}/core")["current_version"] == 2

    def _killed(self, lab: VaultLab, secrets: Side, act: int) -> None:
        killed = Side(lab)
        killed.store._client._folder = secrets.folder
        calls = count()
        write = killed.store._client.write

        def ending(*args: Any, **more: Any) -> Any:
            if next(calls) == act:
                raise KeyboardInterrupt
            return write(*args, **more)

        killed.store._client.write = ending  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            killed.store.promote("core", to=V2, instead_of=V1)

    def test_a_rollback_goes_on_from_it(self, lab: VaultLab, secrets: Side) -> None:
        """Killed between the write and its last patch: what is current has its id, and another can follow it."""
        self._killed(lab, secrets, 2)
        secrets.store.stage("core", "canary-1", version=contract.V3, label="abort")
        secrets.store.promote("core", to=contract.V3, instead_of=V2)
        for version, label in ((V2, OURS), (contract.V3, "abort")):
            secrets.store.discard("core", version=version, labels=[label])
        assert secrets.store.describe("core").stages == {"AWSCURRENT": contract.V3, "AWSPREVIOUS": V2}
        assert not [key for key in lab.metadata(f"{secrets.folder}/core")["custom_metadata"] if PENDING in key]

    def test_a_value_that_the_operator_sets_goes_on_from_it(self, lab: VaultLab, secrets: Side) -> None:
        self._killed(lab, secrets, 2)
        making = Side(lab, Making)
        making.store._client._folder = secrets.folder  # type: ignore[attr-defined]
        making.store.merge("core", "canary-3", version=contract.V3, instead_of=V2)  # type: ignore[attr-defined]
        assert secrets.store.describe("core").stages[CURRENT] == contract.V3
        with pytest.raises(Conflict, match="the current version is not"):
            making.store.merge("core", "canary-4", version=V1, instead_of=V2)  # type: ignore[attr-defined]

    def test_what_leaked_is_destroyed_after_it(self, lab: VaultLab, secrets: Side) -> None:
        self._killed(lab, secrets, 2)
        lab.put(f"{secrets.folder}/core", content="canary-theirs")
        assert secrets.store.destroy("core", [V2]) == ["version 2 of secret core is destroyed"]

    def test_what_somebody_wrote_after_the_kill_is_not_taken_for_ours(self, lab: VaultLab, secrets: Side) -> None:
        lab.server.request(
            "PATCH", f"secret/metadata/{secrets.folder}/core", {"custom_metadata": {f"{PENDING}{V2}": "2"}}
        )
        lab.put(f"{secrets.folder}/core", content="canary-theirs")
        assert secrets.store.read(["core"]).readings["core"].version == "2"
        with pytest.raises(Conflict, match=r"AWSCURRENT\. The label is on version 2, but"):
            secrets.store.promote("core", to=V2, instead_of=V1)
        secrets.store.discard("core", version=V2, labels=[OURS])
        assert secrets.store.read(["core"], pins={"core": V2}).is_missing("core")
        assert value(secrets.store) == "canary-theirs"


def test_staged_versions_are_listed_until_they_go(core: Any) -> None:  # noqa: F811
    assert core.staged("core") == []
    core.stage("core", "canary-2", version=V2, label=OURS)
    assert core.staged("core") == [V2]
    core.discard("core", version=V2, labels=[OURS])
    assert core.staged("core") == []


def test_a_write_compares_on_the_server(lab: VaultLab, secrets: Side, core: Any) -> None:  # noqa: F811
    """The promotion read the version before somebody wrote: only ``cas`` can tell."""
    core.stage("core", "canary-2", version=V2, label=OURS)
    patch = core._patch

    def late(*args: Any) -> None:
        patch(*args)
        lab.put(f"{secrets.folder}/core", content="canary-theirs")

    core._patch = late
    with pytest.raises(StoreError, match="the current version is not 1, so somebody else wrote it"):
        core._swap("core", V2, V1)
    assert value(core) == "canary-theirs"


def test_our_own_write_that_arrived_late_is_ours(lab: VaultLab, secrets: Side, core: Any) -> None:  # noqa: F811
    """A killed run's write, right before that of the run which goes on."""
    core.stage("core", "canary-2", version=V2, label=OURS)
    secrets.meanwhile("patch", lambda: lab.put(f"{secrets.folder}/core", content="canary-2"))
    core.promote("core", to=V2, instead_of=V1)
    core.discard("core", version=V2, labels=[OURS])
    assert core.describe("core").stages[CURRENT] == V2
    assert lab.metadata(f"{secrets.folder}/core")["current_version"] == 2


def test_the_id_of_another_writer_stays(lab: VaultLab, secrets: Side, core: Any) -> None:  # noqa: F811
    """It wrote between our look and our first patch, and gave its version an id."""
    core.stage("core", "canary-2", version=V2, label=OURS)
    secrets.meanwhile("patch", lambda: secrets.write("core", "canary-theirs", contract.V3))
    with pytest.raises(Conflict, match=f"AWSCURRENT. The label is on version {contract.V3}"):
        core.promote("core", to=V2, instead_of=V1)
    assert core.describe("core").stages[CURRENT] == contract.V3
    core.discard("core", version=V2, labels=[OURS])
    assert core.describe("core").stages[CURRENT] == contract.V3
    assert not [key for key in lab.metadata(f"{secrets.folder}/core")["custom_metadata"] if PENDING in key]


def test_what_is_destroyed_is_gone_and_the_current_version_stays(lab: VaultLab, secrets: Side, core: Any) -> None:  # noqa: F811
    core.stage("core", "canary-2", version=V2, label=OURS)
    core.promote("core", to=V2, instead_of=V1)
    with pytest.raises(StoreError, match="version 2 of secret core is its current version; rotate it first"):
        core.destroy("core", [V1, V2])
    assert value(core, pins={"core": V1}) == "canary-1"
    for _time in range(2):
        assert core.destroy("core", [V1]) == ["version 1 of secret core is destroyed"]
    assert not core.read(["core"], pins={"core": V1}).readings
    (version,) = core.list_versions("core")
    assert version.id == V2
    assert timestamps.moment(version.created)
    assert value(core) == "canary-2"


def test_an_id_is_found_when_somebody_wrote_over_it_before_it_was_confirmed(
    lab: VaultLab,
    secrets: Side,
    core: Any,  # noqa: F811
) -> None:
    core.stage("core", "canary-2", version=V2, label=OURS)
    path = f"secret/metadata/{secrets.folder}/core"
    lab.server.request("PATCH", path, {"custom_metadata": {f"{PENDING}{V2}": "2"}})
    lab.put(f"{secrets.folder}/core", content="canary-2")
    lab.put(f"{secrets.folder}/core", content="canary-theirs")
    core.discard("core", version=V2, labels=[OURS])
    assert value(core, pins={"core": V2}) == "canary-2"
    assert [path for path in lab.everything(f"{secrets.folder}/") if "staged" in path] == []


def test_a_staged_value_goes_when_its_run_was_killed_between_the_label_and_it(
    lab: VaultLab,
    secrets: Side,
    core: Any,  # noqa: F811
) -> None:
    core.stage("core", "canary-2", version=V2, label=OURS)
    lab.server.request(
        "PATCH", f"secret/metadata/{secrets.folder}/core", {"custom_metadata": {f"watchparty-label-{OURS}": None}}
    )
    core.discard("core", version=V2, labels=[OURS])
    assert core.read(["core"], pins={"core": V2}).is_missing("core")
    assert [path for path in lab.everything(f"{secrets.folder}/") if "staged" in path] == []
