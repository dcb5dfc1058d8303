# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A twin in memory of Vault's KV engine, version 2, as its client shows it. A hook is called around each write."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import parse_secret
from tests.fakes.memory_stores import Hook


@dataclass
class _Path:
    versions: dict[int, str] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    custom: dict[str, str] = field(default_factory=dict)


class MemoryKv:
    """Paths with versions, compared by ``cas``; custom metadata by merge patches."""

    def __init__(self, hook: Hook | None = None) -> None:
        self.hook = hook or Hook()
        self.paths: dict[str, _Path] = {}

    def secret(self, kind: str, path: str) -> str:
        return f"{kind} {path}"

    def get(self, path: str, _what: str, *, version: str = "") -> tuple[int, Any]:
        kind, name = path.split(" ")
        held = self.paths.get(name)
        if held is None:
            return 404, {}
        return self._answer(*(self._data(held, version) if kind == "data" else (200, self._metadata(held))))

    @staticmethod
    def _answer(status: int, document: Any) -> tuple[int, Any]:
        return status, parse_secret(json.dumps({"data": document}))

    @staticmethod
    def _data(held: _Path, version: str) -> tuple[int, Any]:
        number = int(version or max(held.versions))
        if number not in held.versions:
            return 404, None
        text = None if number in held.gone else json.loads(held.versions[number])
        answer = {"data": text, "metadata": {"version": number, "custom_metadata": held.custom}}
        return (404 if text is None else 200), answer

    @staticmethod
    def _metadata(held: _Path) -> Any:
        versions = {
            str(number): {"deletion_time": "now" if number in held.gone else "", "destroyed": False}
            for number in held.versions
        }
        return {
            "custom_metadata": held.custom,
            "versions": versions,
            "current_version": max(held.versions),
            "created_time": "2026-11-25T15:00:00.123456789Z",
        }

    def write(self, method: str, path: str, _what: str, body: str, *, also: tuple[int, ...] = ()) -> tuple[int, Any]:
        del also
        kind, name = path.split(" ")
        self.hook.before(f"{method} {kind}", name)
        answer = self._patched(name, body) if method == "patch" else self._posted(kind, name, body)
        self.hook.after(f"{method} {kind}", name)
        return answer

    def _patched(self, name: str, body: str) -> tuple[int, Any]:
        if name not in self.paths:
            return 404, {}
        changes = {**self.paths[name].custom, **json.loads(body)["custom_metadata"]}
        self.paths[name].custom = {key: text for key, text in changes.items() if text is not None}
        return 204, {}

    def _posted(self, kind: str, name: str, body: str) -> tuple[int, Any]:
        if kind == "undelete":
            self.paths[name].gone -= set(json.loads(body)["versions"])
            return 204, {}
        assert kind == "data", kind
        held = self.paths.setdefault(name, _Path())
        number = max(held.versions, default=0)
        if json.loads(body)["options"]["cas"] != number:
            return 400, {"errors": ["check-and-set parameter did not match the current version"]}
        held.versions[number + 1] = body.partition('"data": ')[2][:-1]
        return self._answer(200, {"version": number + 1})

    def delete(self, path: str, _what: str) -> None:
        _kind, name = path.split(" ")
        self.hook.before("delete", name)
        self.paths.pop(name, None)
        self.hook.after("delete", name)
