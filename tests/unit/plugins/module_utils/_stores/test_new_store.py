# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A store is one class: a dummy, with single acts only, passes what every store of secrets does.

The test classes are those of test_versioned, which are of Secrets Manager and its twin there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    CURRENT,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import VersionedStore
from tests.fakes.folder_store import FolderStore
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
