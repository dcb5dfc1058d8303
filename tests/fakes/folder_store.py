# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A store that is no product's: each secret is a JSON file of a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

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


class FolderStore(VersionedStore):
    """Has single acts only."""

    name = "folder"
    settling = Settling(sleep=lambda _seconds: None)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @staticmethod
    def connect(server: Path, _credentials: Callable[[], Any]) -> Path:
        """The client: here the folder itself."""
        return server

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
