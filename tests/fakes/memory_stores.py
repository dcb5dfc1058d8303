# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Twins of the stores in memory, for tests and simulations: what AWS does, without AWS.

A hook is called around every single act, so that a simulation can pause a controller, kill it or lose an answer there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Denied,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
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
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import numbered_versions
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form, VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import JournalStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import Settling
from tests.fakes.one_by_one import one_by_one

T = TypeVar("T")
SECURE = "SecureString"


class Hook:
    """Is called around every act of a twin; ``op`` names the act, as the methods that begin with an underscore do.

    What it raises leaves the store as it is at that moment: before the act, or after it with the answer lost.
    """

    def before(self, op: str, name: str) -> None:
        """Called before an act. Raising :class:`Denied` in a read makes it a failure of that name."""

    def after(self, op: str, name: str) -> bool | None:
        """Called after an act. True repeats it, as a client does whose answer was lost."""

    def age(self, op: str, name: str) -> int:
        """How many ticks ago the state is that a read answers with. Writes are decided on the newest state."""
        return 0

    def tick(self) -> int:
        """The present time."""
        return 0

    def horizon(self) -> int:
        """How many ticks ago the oldest state is that a read may answer with."""
        return 0


KEPT_STATES = 32
"""Former states of one name that a twin keeps for stale reads."""


class _Hooked:
    settling = Settling(sleep=lambda _seconds: None)
    side_by_side = staticmethod(one_by_one)

    def __init__(self, hook: Hook | None = None) -> None:
        self.hook = hook or Hook()
        self._former: dict[str, list[tuple[int, Any]]] = {}
        """By name, its former states, each with the time when it was replaced."""

    def _keep(self, name: str, state: Any) -> None:
        """Called before a change; ``state`` is None where there is nothing of that name."""
        if self.hook.horizon():
            states = self._former.setdefault(name, [])
            states.append((self.hook.tick(), state and state.copy()))
            del states[:-KEPT_STATES]

    def _seen(self, op: str, name: str, state: Any) -> Any:
        """What a read of ``name`` answers with, where ``state`` is the newest."""
        age = self.hook.age(op, name) if name in self._former else 0
        if age <= 0:
            return state
        at = self.hook.tick() - age
        return next((former for until, former in self._former[name] if until > at), state)

    def _act(self, op: str, name: str, act: Callable[[], T]) -> T:
        self.hook.before(op, name)
        result = act()
        while self.hook.after(op, name):
            result = act()
        return result


class MemoryJournal(_Hooked, JournalStore):
    """The journal's twin."""

    where = "memory"

    def __init__(
        self, hook: Hook | None = None, *, application: str = "app", environment: str = "test", made: bool = True
    ) -> None:
        _Hooked.__init__(self, hook)
        JournalStore.__init__(self, application, environment, sleep=lambda _seconds: None)
        self.stored: bytes | None = self.content(Journal()) if made else None
        self.written = 0

    def seed(self, *lines: str) -> None:
        """Stores these entries as anybody else would, past the hook."""
        self.stored = self.content(Journal(lines=lines))
        self.written += 1

    def entries(self) -> Sequence[str]:
        """What is stored, past the hook."""
        return self._lines(self.stored or b"")

    def _load(self) -> tuple[bytes, str]:
        def act() -> tuple[bytes, str]:
            if self.stored is None:
                raise NotFound("the journal does not exist")
            return self.stored, str(self.written)

        return self._act("read", self.where, act)

    def _replace(self, content: bytes, version: str | None) -> str:
        def act() -> str:
            if version != (None if self.stored is None else str(self.written)):
                raise AlreadyExists(f"the journal is at version {self.written}")
            self.stored = content
            self.written += 1
            return str(self.written)

        return self._act("append", self.where, act)


@dataclass
class _Secret:
    contents: dict[str, str] = field(repr=False)
    """Content by version id."""
    stages: dict[str, str]
    rotation_enabled: bool = False
    deleted: bool = False
    key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def copy(self) -> _Secret:
        return replace(self, contents={**self.contents}, stages={**self.stages})

    def put(self, label: str, version: str) -> None:
        former = self.stages.get(label)
        if label == CURRENT and former not in (None, version):
            self.stages[PREVIOUS] = str(former)
        self.stages[label] = version

    def labels(self, version: str) -> list[str]:
        return [label for label, holder in self.stages.items() if holder == version]


class MemorySecrets(_Hooked, VersionedStore):
    """Secrets Manager's twin."""

    name = SECRETS_MANAGER

    def __init__(self, hook: Hook | None = None) -> None:
        super().__init__(hook)
        self._secrets: dict[str, _Secret] = {}
        self._written = 0

    def seed(self, name: str, content: str, *, version: str = "", label: str = CURRENT) -> str:
        """Writes as anybody else would, past the hook; returns the version id.

        Raises :class:`AlreadyExists` when the id has another content: nobody can change one in AWS.
        """
        self._keep(name, self._secrets.get(name))
        self._written += 1
        version = version or f"seed-{self._written:027}"
        secret = self._secrets.setdefault(name, _Secret({}, {}))
        if secret.contents.setdefault(version, content) != content:
            raise AlreadyExists(f"secret {name} has a version {version} with another content")
        secret.put(label, version)
        return version

    def set_state(self, name: str, *, rotation_enabled: bool = False, deleted: bool = False) -> None:
        """Switches AWS's own rotation on or off, and schedules a deletion or takes it back, past the hook."""
        self._keep(name, self._secrets[name])
        self._secrets[name].rotation_enabled = rotation_enabled
        self._secrets[name].deleted = deleted

    def versions(self, name: str) -> Sequence[str]:
        """The ids of all versions that were ever written, past the hook."""
        return tuple(self._secrets[name].contents) if name in self._secrets else ()

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Mapping[str, str] | None = None,
        stages: Mapping[str, str] | None = None,
    ) -> Contents:
        contents = Contents()
        for name in dict.fromkeys(names):
            pin, label = (pins or {}).get(name), (stages or {}).get(name, CURRENT)
            try:
                contents |= self._act("read", name, lambda: self._read(name, pin, label))  # noqa: B023 - called at once
            except Denied as error:
                contents |= Contents({}, {name: Failure(self.name, name, DENIED, error.detail)})
        return contents

    def _read(self, name: str, pin: str | None, label: str) -> Contents:
        secret = self._seen("read", name, self._secrets.get(name))
        if secret is None or secret.deleted:
            return Contents({}, {name: Failure(self.name, name, DELETED if secret else MISSING)})
        version = pin or secret.stages.get(label)
        if version not in secret.contents:
            return Contents({}, {name: Failure(self.name, name, MISSING, f"no version {pin or label}")})
        return Contents({name: Reading(self.name, name, str(version), secret.contents[str(version)])})

    def describe(self, name: str) -> Description:
        return self._act("describe", name, lambda: self._describe(name))

    def _describe(self, name: str) -> Description:
        secret = self._there(name, deleted=True, op="describe")
        arn = f"arn:memory:{name}"
        return Description(name, dict(secret.stages), secret.rotation_enabled, secret.deleted, arn, secret.key)

    def list_versions(self, name: str) -> list[StoredVersion]:
        secret = self._act("list", name, lambda: self._there(name, op="list"))
        return [StoredVersion(version, labels=secret.labels(version)) for version in secret.contents]

    def _there(self, name: str, *, deleted: bool = False, op: str = "") -> _Secret:
        """The newest state, or for the read ``op`` one that it may answer with."""
        secret: _Secret | None = self._secrets.get(name)
        if op:
            secret = self._seen(op, name, secret)
        if secret is None or (secret.deleted and not deleted):
            raise NotFound(f"secret {name} does not exist, or is scheduled for deletion")
        return secret

    def _create(self, name: str, content: str, version: str, form: Form) -> None:
        def act() -> None:
            secret = self._secrets.get(name)
            if secret is not None and (secret.deleted or secret.contents.get(version) != content):
                raise AlreadyExists(f"secret {name} already exists")
            if secret is None:
                self.seed(name, content, version=version)
                self._secrets[name].key, self._secrets[name].tags = form.key, dict(form.tags)

        self._act("create", name, act)

    def _put(self, name: str, content: str, version: str, label: str) -> Sequence[str]:
        def act() -> Sequence[str]:
            secret = self._there(name)
            if secret.contents.get(version, content) != content:
                raise AlreadyExists(f"secret {name} has a version {version} already")
            if version not in secret.contents:
                self._keep(name, secret)
                secret.contents[version] = content
                secret.put(label, version)
            return secret.labels(version)

        return self._act("put", name, act)

    def _move(self, name: str, label: str, *, to: str | None, off: str | None) -> None:
        def act() -> None:
            secret = self._there(name)
            if to is not None and to not in secret.contents:
                raise NotFound(f"secret {name} has no version {to}")
            if secret.stages.get(label) != off and not (off is None and secret.stages.get(label) == to):
                raise StoreError(f"secret {name}: {label} is on {secret.stages.get(label)} and not on {off}")
            self._keep(name, secret)
            if to is None:
                del secret.stages[label]
            else:
                secret.put(label, to)

        self._act("move", name, act)

    def _delete(self, name: str) -> None:
        def act() -> None:
            self._keep(name, self._secrets.get(name))
            self._secrets.pop(name, None)

        self._act("delete", name, act)


@dataclass
class _Parameter:
    values: list[str] = field(repr=False)
    """The value of each version, from 1."""
    kept: Mapping[str, Any]

    def copy(self) -> _Parameter:
        return replace(self, values=[*self.values])


class MemoryParameters(_Hooked, numbered_versions.NumberedStore):
    """Parameter Store's twin."""

    name = SSM

    def __init__(self, hook: Hook | None = None) -> None:
        super().__init__(hook)
        self._parameters: dict[str, _Parameter] = {}

    def seed(self, name: str, value: str, *, kind: str = SECURE, tier: str = numbered_versions.STANDARD) -> int:
        """Writes as anybody else would, past the hook; returns the version number."""
        self._keep(name, self._parameters.get(name))
        parameter = self._parameters.setdefault(name, _Parameter([], {"Type": kind, "Tier": tier}))
        parameter.values.append(value)
        return len(parameter.values)

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Mapping[str, str] | None = None,
        stages: Mapping[str, str] | None = None,
    ) -> Contents:
        contents = Contents()
        for path in dict.fromkeys(names):
            try:
                contents |= self._act("read", path, lambda: self._below(path))  # noqa: B023 - called at once
            except Denied as error:
                contents |= Contents({}, {path: Failure(self.name, path, DENIED, error.detail)})
        for name, version in (pins or {}).items():
            if name not in contents.readings or contents.readings[name].version != version:
                kept = {key: reading for key, reading in contents.readings.items() if key != name}
                pinned = self._act("read", name, lambda: self._pinned(name, version))  # noqa: B023 - called at once
                contents = Contents(kept, contents.failures) | pinned
        return contents

    def history(self, name: str) -> list[Reading]:
        def act() -> list[Reading]:
            parameter = self._there("history", name)
            return [_reading(name, parameter, number + 1) for number in range(len(parameter.values))]

        return self._act("history", name, act)

    def _there(self, op: str, name: str) -> _Parameter:
        parameter: _Parameter | None = self._seen(op, name, self._parameters.get(name))
        if parameter is None:
            raise NotFound(f"parameter {name} does not exist")
        return parameter

    def _below(self, path: str) -> Contents:
        names = {*self._parameters, *self._former}
        below = {
            name: self._seen("read", name, self._parameters.get(name))
            for name in sorted(names)
            if name.startswith(f"{path}/")
        }
        return Contents({name: _reading(name, item, len(item.values)) for name, item in below.items() if item})

    def _pinned(self, name: str, version: str) -> Contents:
        number, parameter = int(version), self._seen("read", name, self._parameters.get(name))
        if parameter is None or not 0 < number <= len(parameter.values):
            return Contents({}, {name: Failure(self.name, name, MISSING, f"version {name}:{version}")})
        return Contents({name: _reading(name, parameter, number)})

    def _look(self, name: str) -> tuple[Reading, Mapping[str, Any]]:
        def act() -> tuple[Reading, Mapping[str, Any]]:
            parameter = self._there("look", name)
            return _reading(name, parameter, len(parameter.values)), parameter.kept

        return self._act("look", name, act)

    def _write(self, name: str, value: str, kept: Mapping[str, Any]) -> int:
        return self._act("write", name, lambda: self.seed(name, value, kind=kept["Type"], tier=kept["Tier"]))

    def _create(self, name: str, value: str) -> None:
        def act() -> None:
            if name in self._parameters:
                raise AlreadyExists(f"parameter {name} already exists")
            self.seed(name, value, kind="String")

        self._act("create", name, act)

    def _delete(self, names: Sequence[str]) -> None:
        def act(name: str) -> None:
            self._keep(name, self._parameters.get(name))
            self._parameters.pop(name, None)

        for name in names:
            self._act("delete", name, lambda: act(name))  # noqa: B023 - called at once


def _reading(name: str, parameter: _Parameter, number: int) -> Reading:
    plain = parameter.kept["Type"] != SECURE
    return Reading(SSM, name, str(number), parameter.values[number - 1], plain=plain)
