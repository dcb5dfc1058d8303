# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans, writes and reads the ``.env.enc`` on the controller."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import encrypted_env, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.encrypted_env import EncryptedEnv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    EncryptedEnvError,
    NoAccess,
    SecretsError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import env_keys
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.env_keys import KmsKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.paths import full_path

MODE = 0o644
"""Mode of a new file, which holds nothing secret to readers of the repository."""
REPLACE = "To replace the file without reading it: -e encrypt_new_key=true"


@dataclass(frozen=True)
class EncryptedEnvPlan:
    """Changes of a write. ``file_key`` is None if the file gets a new one."""

    values: Mapping[str, str] = field(repr=False)
    context: Mapping[str, str]
    journal: int
    previous: Mapping[str, str] | None = field(default=None, repr=False)
    """None if there is no file, or it is not read."""
    file_key: bytes | None = field(default=None, repr=False)
    wrapped_key: bytes | None = field(default=None, repr=False)
    """The wrapped key that stays. None if KMS must wrap the file key anew."""
    previous_journal: int | None = None
    """Journal number of the previous file. Hosts that accepted a higher one refuse the file until it is raised."""
    previous_written_at: str = ""

    @property
    def added(self) -> list[str]:
        return sorted(set(self.values) - set(self.previous or {}))

    @property
    def removed(self) -> list[str]:
        return sorted(set(self.previous or {}) - set(self.values))

    @property
    def updated(self) -> list[str]:
        previous = self.previous or {}
        return sorted(name for name in previous if name in self.values and previous[name] != self.values[name])

    @property
    def changed(self) -> bool:
        return self.wrapped_key is None or self.previous != self.values or self.previous_journal != self.journal


def path_of(catalog: Catalog, path: str | None) -> str:
    """Raises EncryptedEnvError if neither the catalog nor the operator names a file."""
    declared = catalog.encrypted_env.file if catalog.encrypted_env else None
    if not (path or declared):
        raise EncryptedEnvError(
            f"No file: the catalog has no encrypted_env.file for {catalog.environment}; add it there"
        )
    return full_path(path or str(declared))


def is_present(catalog: Catalog, path: str | None) -> bool:
    """Whether there is a file to renew. A declared file may be kept elsewhere."""
    return bool(path or catalog.encrypted_env) and os.path.lexists(path_of(catalog, path))


def is_behind(catalog: Catalog, journal: int) -> bool:
    """Whether the file here has a lower journal number, or cannot be read. Decrypts nothing."""
    if not is_present(catalog, None):
        return False
    try:
        return _parsed(path_of(catalog, None)).journal < journal
    except SecretsError:
        return True


def kms_keys(catalog: Catalog, connection: AwsConnection) -> KmsKeys:
    def client(region: str) -> Any:
        return (connection.in_region(region) if region else connection).store_client("kms")

    return env_keys.kms_keys(catalog, client)


def plan(
    present: bytes | None,
    path: str,
    values: Mapping[str, str],
    catalog: Catalog,
    journal: int,
    keys: KmsKeys,
    *,
    new_key: bool,
) -> EncryptedEnvPlan:
    """Asks KMS once if the present file is read. Raises SecretsError."""
    context = encrypted_env.context_of(catalog)
    if present is None or new_key:
        return EncryptedEnvPlan(values, context, journal)
    try:
        file = encrypted_env.parsed(present, path)
        _require_same_environment(file, context)
        key = env_keys.unwrapped(keys, file.wrapped_key, file.context, path)
        previous = encrypted_env.opened(file, key.file_key)
    except NoAccess:
        raise
    except SecretsError as error:
        raise EncryptedEnvError(f"{error}. {REPLACE}") from None
    if file.journal > journal:
        raise EncryptedEnvError(
            f"{path}: another run wrote it with a newer journal (number {file.journal}; this run read number "
            f"{journal}). Run again. If somebody restored an older journal, see docs/runbooks/lost-journal.md"
        )
    stays = file.context == context and key.is_wrapped_by(keys)
    wrapped_key = file.wrapped_key if stays else None
    return EncryptedEnvPlan(
        values, context, journal, previous, key.file_key, wrapped_key, file.journal, file.written_at
    )


def _require_same_environment(file: EncryptedEnv, context: Mapping[str, str]) -> None:
    """Ignores the file's catalog, because the write will replace it by the present one."""
    encrypted_env.require_context(file, {**context, "catalog": file.context["catalog"]})


def content(planned: EncryptedEnvPlan, keys: KmsKeys) -> bytes:
    """The new file. Asks KMS if the wrapped key is new. Raises SecretsError."""
    file_key = planned.file_key or env_keys.new_file_key()
    return encrypted_env.written(
        planned.values,
        context=planned.context,
        journal=planned.journal,
        written_at=_written_at(planned.previous_written_at),
        file_key=file_key,
        wrapped_key=planned.wrapped_key or env_keys.wrapped(keys, planned.context, file_key),
    )


def _written_at(previous: str) -> str:
    """The present time, but later than ``previous``: clocks differ, and hosts refuse a file that is not later."""
    now = timestamps.stamp_of(time.time())
    return now if now > previous else timestamps.stamp_of(timestamps.seconds_of(previous) + 1)


@dataclass(frozen=True)
class HeldFile:
    """A file whose directory is open, and locked for a write."""

    at: safe_files.OpenPath
    found: atomic_file.Present | None

    def write(self, new: bytes) -> None:
        """Replaces the file in one step, after removing the leftovers of a killed run."""
        atomic_file.remove_temporary(self.at)
        mode = self.found.mode if self.found else MODE
        atomic_file.write(self.at, new, atomic_file.filled(atomic_file.Ownership(None, None, mode), self.found))


@contextmanager
def held(path: str, *, write: bool) -> Iterator[HeldFile]:
    """Raises HostError for a link and for an irregular file."""
    with safe_files.place(path) as at:
        if not write:
            yield HeldFile(at, atomic_file.present(at))
            return
        with atomic_file.lock(at):
            yield HeldFile(at, atomic_file.present(at))


def read(path: str, catalog: Catalog, keys: KmsKeys) -> tuple[EncryptedEnv, dict[str, str]]:
    """The file and its values, by one call to KMS. Raises SecretsError."""
    file = _parsed(path)
    context = encrypted_env.context_of(catalog)
    encrypted_env.require_context(file, context)
    key = env_keys.unwrapped(keys, file.wrapped_key, context, path)
    return file, encrypted_env.opened(file, key.file_key)


def _parsed(path: str) -> EncryptedEnv:
    with held(path, write=False) as file:
        if file.found is None:
            raise EncryptedEnvError(
                f"{path}: does not exist; give another path, or write it: ansible-playbook "
                "watchparty.secrets.env_encrypt"
            )
        return encrypted_env.parsed(file.found.content, path)


def diff(planned: EncryptedEnvPlan, path: str) -> dict[str, str]:
    """Only names: no value and no encrypted form."""
    before = sorted(planned.previous or {})
    touched = set(planned.values) if planned.file_key is None else {*planned.added, *planned.updated}
    after = [
        f"{name}=(encrypted anew)" if name in touched else f"{name}=(encrypted)" for name in sorted(planned.values)
    ]
    return {
        "before_header": path,
        "after_header": path,
        "before": "".join(f"{name}=(encrypted)\n" for name in before),
        "after": "".join(f"{line}\n" for line in after),
    }
