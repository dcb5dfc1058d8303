# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records of values that were sent to GitHub, one parameter each.

A record has version ids, or a value of low sensitivity. No digest of a value is kept.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AlreadyExists, NoAccess, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.numbered_versions import NumberedStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sync_plan import GithubTarget, Sent


class SentStore:
    def __init__(self, parameters: NumberedStore, path: str) -> None:
        self._parameters, self._path = parameters, path
        self._versions: dict[str, int] = {}

    def read(self) -> dict[GithubTarget, Sent]:
        """Raises :class:`NoAccess` if the records cannot be read."""
        contents = self._parameters.read([self._path])
        for failure in contents.failures.values():
            raise NoAccess(
                f"the records of GitHub syncs below {self._path} cannot be read; allow ssm:GetParametersByPath on "
                f"that path ({failure.detail})"
            )
        self._versions = {reading.name: int(reading.version) for reading in contents.readings.values()}
        return dict(self._parsed(reading) for reading in contents.readings.values())

    def write(self, target: GithubTarget, sent: Sent) -> None:
        """Raises :class:`Conflict` if another run writes the same record at this moment."""
        name = self._name(target)
        # Parameter Store refuses a value with ``{{``.
        text = json.dumps({"identity": sent.identity, "updated_at": sent.updated_at}).replace("{{", "{\\u007b")
        if name not in self._versions:
            try:
                self._parameters.create(name, text)
                self._versions[name] = 1
                return
            except AlreadyExists:  # the list may not show it yet
                self._parameters.settling.until(self.read, lambda _found: name in self._versions)
                self._versions.setdefault(name, 1)
        self._versions[name] = self._parameters.overwrite(name, text, instead_of=self._versions[name])

    def forget(self, target: GithubTarget) -> None:
        self._parameters.delete([self._name(target)])
        self._versions.pop(self._name(target), None)

    def _name(self, target: GithubTarget) -> str:
        return f"{self._path}/{target.scope}/{target.kind}/{target.name}"

    def _parsed(self, reading: Reading) -> tuple[GithubTarget, Sent]:
        parts = reading.name[len(self._path) + 1 :].split("/")
        try:
            scope, kind, name = parts
            parsed: Any = json.loads(reading.value)
            return GithubTarget(kind, scope, name), Sent(str(parsed["identity"]), str(parsed["updated_at"]))
        except (ValueError, KeyError, TypeError):
            raise StoreError(
                f"parameter {reading.name} is not a record of a GitHub sync, but lies below the path of these records. "
                "Move it to another path"
            ) from None
