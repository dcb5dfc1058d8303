# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A world whose stores know dates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Description
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Store
from tests.fakes.memory_stores import MemoryParameters, MemorySecrets
from tests.unit.plugins.plugin_utils._rotation.rotator_world import NOW, TOKEN, World

START = credential_ages.moment(NOW)


def at(days: float) -> str:
    return timestamps.stamp(START + timedelta(days=days))


class _Dated(Store):
    """What both have: when each version was written."""

    now = ""

    def __init__(self) -> None:
        super().__init__()
        self.written = dict[tuple[str, str], str]()

    def read(self, names: Sequence[str], **how: Any) -> Contents:
        contents = super().read(names, **how)  # type: ignore[safe-super]
        dated = {
            name: replace(reading, written=self.written[name, reading.version])
            for name, reading in contents.readings.items()
        }
        return Contents(dated, contents.failures)


class DatedSecrets(_Dated, MemorySecrets):
    def seed(self, name: str, content: str, **how: Any) -> str:
        version = super().seed(name, content, **how)
        self.written[name, version] = self.now
        return version

    def describe(self, name: str) -> Description:
        found = super().describe(name)
        return replace(found, created=min(self.written[name, version] for version in self.versions(name)))


class DatedParameters(_Dated, MemoryParameters):
    def seed(self, name: str, value: str, **how: Any) -> int:
        number = super().seed(name, value, **how)
        self.written[name, str(number)] = self.now
        return number


@dataclass
class Dated(World):
    secrets: DatedSecrets = field(default_factory=DatedSecrets)
    parameters: DatedParameters = field(default_factory=DatedParameters)

    def __post_init__(self) -> None:
        self.pass_to(0)
        super().__post_init__()

    def pass_to(self, days: float) -> None:
        self.secrets.now = self.parameters.now = at(days)

    def rewrite(self, name: str) -> None:
        """A new version in which the credentials keep their values."""
        if name == TOKEN:
            self.parameters.seed(TOKEN, "old-token")
            return
        held = json.loads(self.secrets.read([name]).readings[name].value)
        self.secrets.seed(name, json.dumps({**held, "NOTE": self.secrets.now}))
