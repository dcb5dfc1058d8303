# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A store is one class: a dummy in a folder of files, with single acts only, passes what every store of secrets does.

The test classes are those of test_versioned, which are of Secrets Manager and its twin there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    CURRENT,
    DELETED,
    MISSING,
    PREVIOUS,
    Contents,
    Description,
    Failure,
    Reading,
    StoredVersion,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form, VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import Settling
from tests.unit.plugins.module_utils._stores.test_versioned import (  # noqa: F401  (collected here, too)
    TestCreate,
    TestDelete,
    TestDescribe,
    TestDiscard,
    TestPromote,
    TestRead,
    TestStage,
    core,
    test_every_version_is_listed_without_labels_too,
)


class FolderStore(VersionedStore):
    """Each secret is a JSON file."""

    name = "folder"
    settling = Settling(sleep=lambda _seconds: None)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Mapping[str, str] | None = None,
        stages: Mapping[str, str] | None = None,
    ) -> Contents:
        contents = Contents()
        for name in names:
            contents |= self._read(name, (pins or {}).get(name), (stages or {}).get(name, CURRENT))
        return contents

    def _read(self, name: str, version: str | None, label: str) -> Contents:
        secret = self.load(name)
        if secret["deleted"]:
            return Contents({}, {name: Failure(self.name, name, DELETED)})
        version = version or secret["stages"].get(label)
        if version not in secret["contents"]:
            return Contents({}, {name: Failure(self.name, name, MISSING)})
        return Contents({name: Reading(self.name, name, version, secret["contents"][version])})

    def describe(self, name: str) -> Description:
        secret = self._existing(name)
        arn = str(self._folder / name)
        return Description(name, secret["stages"], secret["rotates"], secret["deleted"], arn)

    def list_versions(self, name: str) -> list[StoredVersion]:
        secret = self._existing(name)
        stages = secret["stages"].items()
        return [StoredVersion(key, "", [label for label, at in stages if at == key]) for key in secret["contents"]]

    def _create(self, name: str, content: str, version: str, form: Form) -> None:
        secret = self.load(name)
        if secret["contents"]:
            raise AlreadyExists(f"secret {name} is there")
        self.save(name, {**secret, "contents": {version: content}, "stages": {CURRENT: version}})

    def _put(self, name: str, content: str, version: str, label: str) -> Sequence[str]:
        secret = self._existing(name)
        if version in secret["contents"]:
            raise AlreadyExists(f"secret {name} has a version {version}")
        secret["contents"][version] = content
        self.label(name, secret, label, version)
        return [label]

    def _move(self, name: str, label: str, *, to: str | None, off: str | None) -> None:
        secret = self._existing(name)
        if to is not None and to not in secret["contents"]:
            raise NotFound(f"secret {name} has no version {to}")
        if secret["stages"].get(label) != off:
            raise StoreError(f"secret {name}: {label} is not on {off}")
        self.label(name, secret, label, to)

    def _delete(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def load(self, name: str) -> dict[str, Any]:
        path = self._folder / name
        empty = {"contents": {}, "stages": {}, "deleted": False, "rotates": False}
        return {**empty, **(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})}

    def save(self, name: str, secret: Mapping[str, Any]) -> None:
        (self._folder / name).write_text(json.dumps(secret), encoding="utf-8")

    def label(self, name: str, secret: dict[str, Any], label: str, version: str | None) -> None:
        former = secret["stages"].pop(label, None)
        if label == CURRENT and former:
            secret["stages"][PREVIOUS] = former
        if version:
            secret["stages"][label] = version
        self.save(name, secret)

    def _existing(self, name: str) -> dict[str, Any]:
        secret = self.load(name)
        if not secret["contents"]:
            raise NotFound(f"secret {name} is not there")
        return secret


class Folder:
    """The dummy, and what happens to it behind our back."""

    ACTS = {"CreateSecret": "_create", "PutSecretValue": "_put", "UpdateSecretVersionStage": "_move"}

    def __init__(self, folder: Path) -> None:
        self.store = FolderStore(folder)

    def write(self, name: str, content: str, version: str) -> None:
        secret = self.store.load(name)
        secret["contents"][version] = content
        self.store.label(name, secret, CURRENT, version)

    def schedule_deletion(self, name: str) -> None:
        self.store.save(name, {**self.store.load(name), "deleted": True})

    def switch_rotation_on(self, name: str) -> None:
        self.store.save(name, {**self.store.load(name), "rotates": True})

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


@pytest.fixture
def secrets(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_what_a_store_of_secrets_gives() -> None:
    """The steps in CONTRIBUTING.md name these."""
    acts = {"read", "describe", "list_versions", "_create", "_put", "_move", "_delete"}
    assert set(VersionedStore.__abstractmethods__) == acts
