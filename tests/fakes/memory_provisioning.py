# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Twins in memory of the stores that make secrets and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AlreadyExists
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.provisioning_interfaces import (
    SECURE,
    ExistingEntry,
    ParameterMaking,
    SecretMaking,
)
from tests.fakes.memory_stores import Hook, MemoryParameters, MemorySecrets


class MakingMemorySecrets(SecretMaking, MemorySecrets):
    """Secrets Manager's twin, with what a secret is made with."""

    def __init__(self, hook: Hook | None = None) -> None:
        super().__init__(hook)
        self.forms: dict[str, Form] = {}

    def _kept(self, name: str) -> ExistingEntry:
        def act() -> ExistingEntry:
            secret = self._there(name, deleted=True)
            return ExistingEntry(name, self.forms.get(name, Form()), secret.deleted)

        return self._act("describe", name, act)

    def _create(self, name: str, content: str, version: str, form: Form) -> None:
        super()._create(name, content, version, form)
        self.forms[name] = form

    def _update(self, name: str, description: str | None, key: str | None) -> None:
        parts = {"description": description, "key": key}
        self._act("update", name, lambda: self._change(name, **{part: text for part, text in parts.items() if text}))

    def _tag(self, name: str, tags: Mapping[str, str]) -> None:
        former = self.forms.get(name, Form())
        self._act("tag", name, lambda: self._change(name, tags={**former.tags, **tags}))

    def _replicate(self, name: str, regions: tuple[str, ...]) -> None:
        former = self.forms.get(name, Form())
        self._act("replicate", name, lambda: self._change(name, replicas=(*former.replicas, *regions)))

    def _schedule_deletion(self, name: str, days: int) -> None:
        self._act("schedule_deletion", name, lambda: self.set_state(name, deleted=True))

    def _restore(self, name: str) -> None:
        self._act("restore", name, lambda: self.set_state(name))

    def _change(self, name: str, **parts: Any) -> None:
        self._there(name)
        self.forms[name] = replace(self.forms.get(name, Form()), **parts)


class MakingMemoryParameters(ParameterMaking, MemoryParameters):
    """Parameter Store's twin, with what a parameter is made with."""

    def __init__(self, hook: Hook | None = None) -> None:
        super().__init__(hook)
        self.forms: dict[str, Form] = {}

    def _make(self, name: str, value: str, kind: str, form: Form, tier: str) -> None:
        def act() -> None:
            if name in self._parameters:
                raise AlreadyExists(f"parameter {name} already exists")
            self.seed(name, value, kind=kind, tier=tier)
            self.forms[name] = replace(form, key=form.key if kind == SECURE else None)

        self._act("create", name, act)

    def kept(self, names: Sequence[str]) -> dict[str, ExistingEntry]:
        there = [name for name in names if name in self._parameters]
        return {name: self._act("describe", name, lambda: self._kept(name)) for name in there}  # noqa: B023 - called at once

    def _kept(self, name: str) -> ExistingEntry:
        return ExistingEntry(name, self.forms.get(name, Form()))

    def _tag(self, name: str, tags: Mapping[str, str]) -> None:
        def act() -> None:
            form = self.forms.get(name, Form())
            self.forms[name] = replace(form, tags={**form.tags, **tags})

        self._act("tag", name, act)

    def _look(self, name: str) -> tuple[Reading, Mapping[str, Any]]:
        reading, kept = super()._look(name)
        form = self.forms.get(name, Form())
        return reading, {**kept, "Description": form.description, "KeyId": form.key}

    def _write(self, name: str, value: str, kept: Mapping[str, Any]) -> int:
        number = super()._write(name, value, kept)
        form = self.forms.get(name, Form())
        self.forms[name] = replace(form, description=kept["Description"], key=kept["KeyId"])
        return number
