# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the rotator share: one application in memory, and the processes that rotate its credentials."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_parser,
    credential_ages,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import parse_secret, updated
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan_inputs
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import Values, Who, version_id
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator
from tests.fakes.memory_stores import Hook, MemoryJournal, MemoryParameters, MemorySecrets

CORE, COPY, TOKEN = "app/test/core", "copy-test", "/app/test/TOKEN"
OWN, OVERLAY = "app-rotation-logins/test/r1", "app-rotation/test/r1"
ALL = ("database", "django", "token")
NOW = "2026-11-25T15:00:00Z"
CATALOG: dict[str, Any] = {
    "application": "app",
    "settings": {
        "URL": {"group": "core", "type": "url", "copies": [{"secret": "copy-{environment}", "key": "url"}]},
        "KEY": {"group": "core"},
        "FALLBACKS": {"group": "core", "type": "list"},
        "TOKEN": {"parameter": "TOKEN", "sensitivity": "high"},
        "NOTE": {"group": "core"},
    },
    "credentials": {
        "database": {"kind": "login", "appears_in": [{"setting": "URL"}]},
        "django": {
            "kind": "key",
            "appears_in": [{"setting": "KEY"}],
            "fallbacks": "FALLBACKS",
            "used_for": ["sessions"],
        },
        "token": {"kind": "given", "appears_in": [{"setting": "TOKEN"}]},
    },
}
KINDS = {
    "login": Kind("login", alternates="if_suffixed"),
    "key": Kind("key", routine="signing_key", length=64),
    "given": Kind("given", value="supplied"),
}
GIVEN = {"token": Login(None, "new-token")}
OLD_URL = "postgres://app_a:old@db/app"


class Meanwhile(Hook):
    """Does something once, before the first act of that name on that object."""

    def __init__(self, op: str, name: str, act: Callable[[], Any]) -> None:
        self.op, self.name, self.act = op, name, act
        self.done = False

    def before(self, op: str, name: str) -> None:
        if (op, name) == (self.op, self.name) and not self.done:
            self.done = True
            self.act()


def ids(name: str, *phases: int) -> list[str]:
    """The versions of these phases in rotation r1."""
    return [version_id("r1", name, phase) for phase in phases]


@dataclass
class World:
    """The stores, seeded."""

    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    parameters: MemoryParameters = field(default_factory=MemoryParameters)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    catalog: Any = field(default_factory=lambda: catalog_parser.parse(CATALOG, "test"))
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        core = {"URL": OLD_URL, "KEY": "old-key", "FALLBACKS": "", "NOTE": "theirs", "SIZE": 1}
        self.first = {
            CORE: self.secrets.seed(CORE, json.dumps(core)),
            COPY: self.secrets.seed(COPY, json.dumps({"url": OLD_URL, "port": 5432})),
        }
        self.parameters.seed(TOKEN, "old-token")

    def rotator(self, run: str = "run1") -> Rotator:
        me = Who(run, f"{run}@laptop", {"pid": run})
        return Rotator(
            catalog=self.catalog,
            secrets=self.secrets,
            parameters=self.parameters,
            journal=self.journal,
            me=me,
            clock=self.clock,
            sleep=self.slept.append,
        )

    def clock(self) -> str:
        """Time passes by sleeping alone."""
        return timestamps.stamp(credential_ages.moment(NOW) + timedelta(seconds=sum(self.slept)))

    def begun(
        self, *names: str, run: str = "run1", rotation: str = "r1", force: bool = True, leak: str = ""
    ) -> Rotator:
        """A rotation of these credentials, at its step create."""
        rotator = self.rotator(run)
        journal = rotator.look()
        contents = self.secrets.read(list(self.secrets._secrets))
        contents |= self.parameters.read(["/app/test"])
        ground = plan_inputs.PlanInputs(
            catalog=self.catalog,
            journal=journal,
            contents=contents,
            kinds=KINDS,
            now=datetime(2026, 11, 25, 15, tzinfo=UTC),
            descriptions={name: self.secrets.describe(name) for name in contents.readings if name[0] != "/"},
            supplied=GIVEN,
            mirrors=True,
            leak=bool(leak),
            former={
                pending_task.id: self.secrets.read(list(pending_task.secrets), pins=pending_task.secrets)
                for pending_task in journal.pending_tasks.values()
                if leak
            },
        )
        plan = rotation_plan.plan(ground, rotation_plan.RotationRequest(names, force, leak))
        assert plan.refused == {}, plan.refused
        rotator.open(journal, rotation, plan, contents)
        return rotator

    def created(self, rotator: Rotator) -> Values:
        return rotator.create(KINDS, lambda kind: f"new-{next(self.numbers)}-{'x' * kind.length}"[: kind.length], GIVEN)

    def taken_over(self, run: str = "run2") -> Rotator:
        """Another run, which goes on with the open rotation."""
        rotator = self.rotator(run)
        journal = rotator.look()
        rotator.take(journal, opened(journal))
        return rotator

    # What stands in the stores, past every hook

    def keys(self, name: str = CORE, version: str | None = None) -> dict[str, Any]:
        secret = self.secrets._secrets[name]
        return parse_secret(secret.contents[version or secret.stages["AWSCURRENT"]])

    def labels(self, name: str = CORE) -> dict[str, str]:
        return dict(self.secrets._secrets[name].stages)

    def there(self, name: str) -> bool:
        return name in self.secrets._secrets

    def token(self) -> str:
        return self.parameters._parameters[TOKEN].values[-1]

    def write(self, key: str, value: str, name: str = CORE) -> str:
        """Somebody else writes one key; returns the version's id."""
        secret = self.secrets._secrets[name]
        return self.secrets.seed(name, updated(secret.contents[secret.stages["AWSCURRENT"]], key, value))


def opened(journal: Journal) -> OpenRotation:
    assert journal.rotation is not None
    return journal.rotation


def going(world: World, *names: str, promoted: bool = False) -> Any:
    """A rotation whose values are staged, and promoted if so asked."""
    rotator = world.begun(*(names or ALL))
    world.created(rotator)
    rotator.advance("promote")
    if promoted:
        assert rotator.promote().outcome == "done"
    return rotator


def close(rotator: Rotator, *, step: str, **extra: Any) -> Journal:
    """Appends the last entry."""
    journal, rotation = rotator.holding()
    return rotator.append(journal, rotation.id, step, **extra)
