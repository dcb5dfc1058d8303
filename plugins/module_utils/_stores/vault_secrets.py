# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets of a KV engine, version 2, of Vault or OpenBao as a store of versions with ids and labels.

KV numbers the versions of a path, and every reader gets the highest one. So a staged version waits at a path of its
own, ``PATH-staged/ID``. Its promotion is a write to PATH with ``cas`` set to the version that the plan read: the server
refuses the write if another version is current by then.

Custom metadata of PATH holds the labels, and the id of each version number. Before the write, it gets the number that
the id will have. After a killed run, the next run compares the contents to find out whether the write arrived. It
overwrites no id of another writer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from re import ASCII, fullmatch
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    CURRENT,
    DELETED,
    DENIED,
    MISSING,
    PREVIOUS,
    Contents,
    Description,
    Failure,
    Reading,
    StoredVersion,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import as_json, parse_secret
from ansible_collections.watchparty.secrets.plugins.module_utils._core.stores.vault import VAULT, VAULT_PREFIX
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import vault_client
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form, VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parallel_calls import in_threads
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import Settling
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_client import CONNECTIONS, VaultClient

T = TypeVar("T")
LABEL, VERSION, PENDING = "watchparty-label-", "watchparty-version-", "watchparty-pending-"
"""Prefixes of the keys in custom metadata. KV accepts 64 keys."""
KEPT_IDS = 20
"""Version numbers whose ids are kept. KV keeps ten versions by default."""


@dataclass(frozen=True)
class _Version:
    """The answer to a read of one path."""

    number: int
    text: Optional[str]
    """The content. None if the version is deleted or destroyed."""
    custom: Mapping[str, str]
    written: str


class VaultSecrets(VersionedStore):
    name = VAULT
    settling = Settling(seconds=0.0)
    connect = staticmethod(vault_client.connect)

    def __init__(self, client: VaultClient) -> None:
        self._client = client

    def side_by_side(self, acts: Sequence[Callable[[], T]]) -> List[T]:
        return in_threads(acts, workers=CONNECTIONS)

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Optional[Mapping[str, str]] = None,
        stages: Optional[Mapping[str, str]] = None,
    ) -> Contents:
        contents = Contents()
        acts = [partial(self._read, name, pins or {}, stages or {}) for name in dict.fromkeys(names)]
        for part in self.side_by_side(acts):
            contents |= part
        return contents

    def _read(self, name: str, pins: Mapping[str, str], stages: Mapping[str, str]) -> Contents:
        try:
            version = pins.get(name)
            if version is None and stages.get(name, CURRENT) != CURRENT:
                version = self.describe(name).stages.get(stages[name])
                if version is None:
                    return self._failed(name, MISSING, f"no version has the label {stages[name]}")
            return self._current(name) if version is None else self._pinned(name, version)
        except Denied as error:
            return self._failed(name, DENIED, str(error))
        except NotFound as error:
            return self._failed(name, MISSING, str(error))

    def _failed(self, name: str, reason: str, detail: str = "") -> Contents:
        return Contents({}, {name: Failure(self.name, name, reason, detail)})

    def _current(self, name: str) -> Contents:
        content = self._data(name)
        if content is None:
            return self._failed(name, MISSING)
        if content.text is None:
            return self._failed(name, DELETED, f"restore it by 'bao kv undelete -versions={content.number}'")
        version = self._id(name, content.custom, content.number)
        return Contents({name: Reading(self.name, name, version, content.text, written=content.written)})

    def _pinned(self, name: str, version: str) -> Contents:
        """The version with this id: the staged one, or after its promotion the number that has the id."""
        if _is_number(version):
            content = self._data(name, version)
        else:
            content = self._staged(name, version)
            if content is None:
                number = self._number(self._metadata(name), version)
                content = self._data(name, number) if number else None
        if content is None or content.text is None:
            return self._failed(name, MISSING if content is None else DELETED, f"version {version}")
        return Contents({name: Reading(self.name, name, version, content.text, written=content.written)})

    def _id(self, name: str, custom: Mapping[str, str], number: int) -> str:
        """The id of a version, or its number if no writer of this collection named it.

        A pending id counts only if the version has the staged content.
        """
        settled = custom.get(f"{VERSION}{number}", "")
        pending = [
            key[len(PENDING) :] for key, text in custom.items() if key.startswith(PENDING) and text == str(number)
        ]
        content = self._data(name, str(number)) if pending and not settled else None
        for version in pending if content else ():
            staged = self._staged(name, version)
            if staged and content and staged.text == content.text:
                return version
        return settled or str(number)

    @staticmethod
    def _number(metadata: Mapping[str, Any], version: str) -> str:
        """The number of a version by its id. Empty if it was never promoted."""
        if _is_number(version):
            return version
        custom = metadata["custom_metadata"]
        numbers = [
            key[len(VERSION) :] for key, identity in custom.items() if key.startswith(VERSION) and identity == version
        ]
        return numbers[0] if numbers else ""

    # Reads

    def _data(self, name: str, number: str = "") -> Optional[_Version]:
        return self._answered(path_of(name), f"secret {name}", number)

    def _staged(self, name: str, version: str) -> Optional[_Version]:
        content = self._answered(_staging(name, version), f"version {version} of secret {name}")
        return content if content and content.text is not None else None

    def _answered(self, path: str, subject: str, number: str = "") -> Optional[_Version]:
        query: Dict[str, Any] = {"version": number} if number else {}
        status, answer = self._client.get(self._client.secret("data", path), f"reading {subject}", **query)
        data: Any = answer.get("data")
        if status == 404 and data is None:
            return None
        try:
            metadata, content = data["metadata"], data["data"]
            custom = metadata["custom_metadata"] or {}
            text = None if content is None else as_json(dict(**content))
            labels = {str(key): str(value) for key, value in custom.items()}
            return _Version(int(metadata["version"]), text, labels, _seconds(metadata.get("created_time")))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise StoreError(_NO_KV.format(subject)) from None

    def _metadata(self, name: str) -> Dict[str, Any]:
        """The checked metadata of a secret. Raises NotFound."""
        status, answer = self._client.get(
            self._client.secret("metadata", path_of(name)), f"reading the versions of {name}"
        )
        if status == 404:
            raise NotFound(f"secret {name} does not exist")
        try:
            data = answer["data"]
            versions = {int(number): version for number, version in data["versions"].items()}
            return {
                "custom_metadata": {str(key): str(value) for key, value in (data["custom_metadata"] or {}).items()},
                "gone": {number: bool(item["deletion_time"] or item["destroyed"]) for number, item in versions.items()},
                "current": int(data["current_version"]),
                "created": _seconds(data.get("created_time")),
                "written": {number: _seconds(item.get("created_time")) for number, item in versions.items()},
            }
        except (AttributeError, KeyError, TypeError, ValueError):
            raise StoreError(_NO_KV.format(f"the versions of {name}")) from None

    def describe(self, name: str) -> Description:
        metadata = self._metadata(name)
        stages, deleted = self._stages(name, metadata), metadata["gone"].get(metadata["current"], False)
        return Description(name=name, stages=stages, deleted=deleted, arn=path_of(name), created=metadata["created"])

    def _stages(self, name: str, metadata: Mapping[str, Any]) -> Dict[str, str]:
        custom, current = metadata["custom_metadata"], metadata["current"]
        stages = {key[len(LABEL) :]: version for key, version in custom.items() if key.startswith(LABEL)}
        if current:
            stages[CURRENT] = self._id(name, custom, current)
        earlier = [number for number, is_gone in metadata["gone"].items() if number < current and not is_gone]
        if earlier:
            stages[PREVIOUS] = self._id(name, custom, max(earlier))
        return stages

    def list_versions(self, name: str) -> List[StoredVersion]:
        metadata = self._metadata(name)
        custom, stages = metadata["custom_metadata"], self._stages(name, metadata)
        numbers = [number for number in sorted(metadata["gone"]) if not metadata["gone"][number]]
        written = {self._id(name, custom, number): metadata["written"][number] for number in numbers}
        for key, version in custom.items():
            if key.startswith(LABEL):
                written.setdefault(version, "")
        return [
            StoredVersion(version, moment, tuple(label for label, holder in stages.items() if holder == version))
            for version, moment in written.items()
        ]

    def staged(self, name: str) -> List[str]:
        path = self._client.secret("metadata", f"{path_of(name)}-staged")
        status, answer = self._client.get(path, f"listing the staged versions of secret {name}", list="true")
        try:
            keys = [] if status == 404 else answer["data"]["keys"]
            return sorted(key for key in keys if fullmatch(r"[\w-]{1,64}", key, ASCII))
        except (KeyError, TypeError):
            raise StoreError(_NO_KV.format(f"the staged versions of {name}")) from None

    # Writes

    def _create(self, name: str, content: str, version: str, form: Form) -> None:
        try:
            number = self._write(path_of(name), name, content, 0)
        except Conflict:
            raise AlreadyExists(f"secret {name} already exists") from None
        self._patch(name, {f"{VERSION}{number}": version})

    def _put(self, name: str, content: str, version: str, label: str) -> Sequence[str]:
        try:
            self._write(_staging(name, version), name, content, 0)
        except Conflict:
            raise AlreadyExists(f"version {version} of secret {name} already exists") from None
        try:
            self._patch(name, {LABEL + label: version})
        except NotFound:
            self._remove(name, version)
            raise
        return [label]

    def _move(self, name: str, label: str, *, to: Optional[str], off: Optional[str]) -> None:
        if label == CURRENT:
            try:
                self._swap(name, str(to), off)
            except Conflict as error:  # promote() finds out whether it is a conflict
                raise StoreError(str(error)) from None
            return
        custom = self._metadata(name)["custom_metadata"]
        if custom.get(LABEL + label) != off and (off is not None or LABEL + label in custom):
            if to is None and off is not None:  # an earlier run may have been killed here
                self._forget(name, off)
            raise StoreError(f"secret {name}: somebody moved {label} off version {off}; {_AGAIN}")
        self._patch(name, {LABEL + label: to})
        if to is None and off is not None:
            self._forget(name, off)

    def _swap(self, name: str, to: str, off: Optional[str]) -> None:
        """Writes the content of version ``to`` as the next version, if ``off`` is still current."""
        metadata, staged = self._metadata(name), self._pinned(name, to).readings.get(name)
        if staged is None:
            raise StoreError(f"secret {name} has no version {to} to promote")
        base = self._base(name, metadata, off)
        self._patch(name, {PENDING + to: str(base + 1)})
        self._write(path_of(name), name, staged.value, base)
        settled = {f"{VERSION}{base + 1}": to, PENDING + to: None}
        self._patch(name, {**settled, **dict.fromkeys(self._oldest(metadata))})

    def _base(self, name: str, metadata: Mapping[str, Any], version: Optional[str]) -> int:
        """The number of the current version, or 0. Raises Conflict if the current version is not ``version``."""
        current: int = metadata["current"]
        ids = (str(current), self._id(name, metadata["custom_metadata"], current)) if current else (None,)
        if version not in ids:
            raise Conflict(f"secret {name}: the current version is not {version}, so somebody else wrote it; {_AGAIN}")
        return current

    @staticmethod
    def _oldest(metadata: Mapping[str, Any]) -> List[str]:
        numbers = [int(key[len(VERSION) :]) for key in metadata["custom_metadata"] if key.startswith(VERSION)]
        return [f"{VERSION}{number}" for number in sorted(numbers)[:-KEPT_IDS]]

    def _forget(self, name: str, version: str) -> None:
        """Removes a staged version without labels. The promoted copy stays.

        If several labels are removed in parallel, the last removal sees that none is left.
        """
        custom = self._metadata(name)["custom_metadata"]
        labels = [key for key, holder in custom.items() if key.startswith(LABEL) and holder == version]
        if labels or _is_number(version):
            return
        number = custom.get(PENDING + version, "")
        if number:
            is_ours = number.isdigit() and self._id(name, custom, int(number)) == version
            self._patch(name, {**({f"{VERSION}{number}": version} if is_ours else {}), PENDING + version: None})
        self._remove(name, version)

    def _remove(self, name: str, version: str) -> None:
        path = self._client.secret("metadata", _staging(name, version))
        self._client.delete(path, f"removing version {version} of secret {name}")

    def _write(self, path: str, name: str, content: str, base: int) -> int:
        """Writes a version. Returns its number. Raises Conflict if another version than ``base`` is current."""
        parse_secret(content)
        body = f'{{"options": {{"cas": {base}}}, "data": {content}}}'
        subject = f"writing secret {name}"
        status, answer = self._client.write("post", self._client.secret("data", path), subject, body, also=(400,))
        if status == 400:
            if "check-and-set" in json.dumps(answer):
                raise Conflict(f"secret {name}: the current version is not {base}, so somebody else wrote it; {_AGAIN}")
            raise StoreError(
                f"{subject} was refused with HTTP 400; check that stores.vault.mount is a KV engine of version 2"
            )
        try:
            return int(answer["data"]["version"])
        except (KeyError, TypeError, ValueError):
            raise StoreError(_NO_KV.format(subject)) from None

    def _patch(self, name: str, custom: Mapping[str, Optional[str]]) -> None:
        body = json.dumps({"custom_metadata": custom})
        subject = f"writing the metadata of secret {name}"
        status, _answer = self._client.write("patch", self._client.secret("metadata", path_of(name)), subject, body)
        if status == 404:
            raise NotFound(f"secret {name} does not exist")

    def destroy(self, name: str, versions: Sequence[str]) -> List[str]:
        metadata = self._metadata(name)
        numbers = [
            number
            for number in metadata["gone"]
            for version in versions
            if version in (str(number), self._id(name, metadata["custom_metadata"], number))
        ]
        if metadata["current"] in numbers:
            raise StoreError(f"version {metadata['current']} of secret {name} is its current version; rotate it first")
        if numbers:
            path, body = self._client.secret("destroy", path_of(name)), json.dumps({"versions": sorted(numbers)})
            self._client.write("post", path, f"destroying versions of secret {name}", body)
        return [f"version {number} of secret {name} is destroyed" for number in sorted(numbers)]

    def _delete(self, name: str) -> None:
        self._client.delete(self._client.secret("metadata", path_of(name)), f"deleting secret {name}")


_AGAIN = "find the other writer, then run the same command again"
_NO_KV = "Vault's answer to {0} is not a secret of a KV engine of version 2. Correct stores.vault.mount"


def _is_number(version: str) -> bool:
    """Whether this is a number of KV. An id of this collection is longer, but may consist of digits, too."""
    return version.isdigit() and len(version) < 16


def _seconds(moment: Any) -> str:
    """Vault's time (2018-03-22T02:36:43.986212308Z) to the second. Empty for any other text."""
    match = fullmatch(r"([\d-]{10}T[\d:]{8})(\.\d+)?Z", str(moment), ASCII)
    return f"{match[1]}Z" if match else ""


def path_of(name: str) -> str:
    return name[len(VAULT_PREFIX) :] if name.startswith(VAULT_PREFIX) else name


def _staging(name: str, version: str) -> str:
    return f"{path_of(name)}-staged/{version}"
