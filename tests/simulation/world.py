# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The world that a rotation changes: two stores, hosts, a PostgreSQL, a Valkey, and people who write as well."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import Settling
from tests.fakes.memory_stores import CURRENT, Hook, MemoryJournal, MemoryParameters, MemorySecrets
from tests.simulation import servers
from tests.simulation.hosts import Host
from tests.simulation.scheduler import LOST, REFUSED, TWICE, Process, Scheduler

T = TypeVar("T")
CORE, CACHE, ADMIN = "shop/staging/core", "shop/staging/cache", "shop/staging/admin"
COPY, OTHER = "/shop/staging/DB/URL", "/shop/staging/App/MODE"
JOURNAL = "journal"
OVERLAYS, LOGINS = "shop-rotation/staging/", "shop-rotation-logins/staging/"
"""How the names of rotations' own secrets begin: what hosts read, and what they must never read."""
ROTATING = {CORE: ("DATABASE_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS"), CACHE: ("REDIS_URL",), ADMIN: ()}
CREDENTIALS = ("database", "cache", "django_key")

BEHIND_SECONDS = 3.0
"""How many seconds a world's lag stands for."""
STALE_READS = 0.5
"""How many of the reads may be behind, in a world where any is."""

REVOKED_LATER = ("database", "cache")
"""Whose old values stay valid for hours in some worlds, so that the rotation closes before they are removed."""

DOCUMENT = {
    "application": "shop",
    "stores": {
        "secrets_manager": {"name": "{application}/{environment}/{group}"},
        "ssm": {"path": "/{application}/{environment}"},
    },
    "journal": {"s3": "shop-journal"},
    "services": {"web": {"units": ["shop.service"], "health": "http://127.0.0.1:8000/health"}},
    "settings": {
        "DATABASE_URL": {
            "group": "core",
            "type": "url",
            "schemes": ["postgresql"],
            "sensitivity": "high",
            "required": True,
            "copies": [{"parameter": "DB/URL"}],
        },
        "SECRET_KEY": {"group": "core", "sensitivity": "high", "required": True},
        "SECRET_KEY_FALLBACKS": {"group": "core", "type": "list", "sensitivity": "high"},
        "REDIS_URL": {"group": "cache", "type": "url", "schemes": ["redis"], "sensitivity": "high", "required": True},
        "NOTE": {"group": "core"},
        "HINT": {"group": "cache"},
        "MODE": {"parameter": "App/MODE"},
    },
    "credentials": {
        "database": {
            "kind": "postgresql_role",
            "max_age_days": 90,
            "admin": "database_admin",
            "appears_in": [{"setting": "DATABASE_URL"}],
        },
        "cache": {
            "kind": "valkey_user",
            "max_age_days": 90,
            "admin": "cache_admin",
            "appears_in": [{"setting": "REDIS_URL"}],
        },
        "django_key": {
            "kind": "django_secret_key",
            "max_age_days": 90,
            "used_for": ["sessions", "signing"],
            "fallbacks": "SECRET_KEY_FALLBACKS",
            "appears_in": [{"setting": "SECRET_KEY"}],
        },
        "database_admin": {
            "kind": "external",
            "max_age_days": 36500,
            "server": {"address": "db"},
            "appears_in": [{"secret": "{application}/{environment}/admin", "keys": ["db_user", "db_password"]}],
        },
        "cache_admin": {
            "kind": "external",
            "max_age_days": 36500,
            "server": {"address": "valkey"},
            "appears_in": [{"secret": "{application}/{environment}/admin", "keys": ["cache_user", "cache_password"]}],
        },
    },
}


def _parsed(*, copy: bool, later: bool) -> Any:
    document = json.loads(json.dumps(DOCUMENT))
    for name in REVOKED_LATER:
        document["credentials"][name]["revoke_after"] = 7200 if later else 0
    if not copy:
        del document["settings"]["DATABASE_URL"]["copies"]
    return catalog_parser.parse(document, "staging")


CATALOGS = {(copy, later): _parsed(copy=copy, later=later) for copy in (False, True) for later in (False, True)}
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class World(Hook):
    """Everything outside the processes; also the hook around each act on the stores."""

    def __init__(self, scheduler: Scheduler, rng: random.Random, *, hosts: int, copy: bool, later: bool) -> None:
        self.scheduler = scheduler
        self.rng = rng
        self.catalog = CATALOGS[copy, later]
        self.copy = copy
        self.watch: Callable[[str, str], None] = lambda _op, _name: None
        """Called after every act that changed something."""
        self.blind: Callable[[str], None] = lambda _name: None
        """Called where a parameter is written without a look at the journal right before."""
        self.secrets = MemorySecrets(self)
        self.parameters = MemoryParameters(self)
        self.secrets.settling = self.parameters.settling = Settling(sleep=self.rest)
        self.order = random.Random(0)
        """In which order calls arrive that a process sends at once; of its own, as ``chance`` is."""
        for store in (self.secrets, self.parameters):
            store.side_by_side = self.side_by_side  # type: ignore[assignment,method-assign]
        self.looked: set[Process] = set()
        """The processes that have just looked at the journal and done nothing since but with one parameter."""
        self.lag = 0
        """How many ticks ago the state may be that a read of Secrets Manager or Parameter Store answers with."""
        self.chance = random.Random(0)
        """Decides how stale each read is; of its own, so that worlds without stale reads stay as they are."""
        self.journal = MemoryJournal(self, application="shop", environment="staging")
        self.journal.where = JOURNAL
        self.sealed = True
        """Whether a module that writes a host's file is at an end before anybody else acts."""
        self.audit: set[str] = set()
        """The rotations that the audit log's body has a record of."""
        self.days = 0
        self.since = 0
        """The tick at which days passed: no read is behind by days."""
        self.serial = 0
        self.hosts = {f"web{number}": Host(f"web{number}", self) for number in range(1, hosts + 1)}
        self.postgres = servers.Postgres(self.act)
        self.postgres.in_use = lambda login: any(
            servers.login_in(host.running.get("DATABASE_URL", ""))[0] == login for host in self.hosts.values()
        )
        self.valkey = servers.Valkey(self.act)
        self._seed()

    def _seed(self) -> None:
        core = {
            "SECRET_KEY": "key-0",
            "SECRET_KEY_FALLBACKS": "",
            "DATABASE_URL": "postgresql://app_a:db-0@db/shop",
            "NOTE": "n-0",
        }
        cache = {"REDIS_URL": "redis://app:cache-0@valkey:6379/0", "HINT": "h-0"}
        admin = {"db_user": "root", "db_password": "r-0", "cache_user": "admin", "cache_password": "c-0"}
        for name, content in ((CORE, core), (CACHE, cache), (ADMIN, admin)):
            self.secrets.seed(name, json.dumps(content))
        if self.copy:
            self.parameters.seed(COPY, core["DATABASE_URL"])
        self.parameters.seed(OTHER, "m-0")
        self.postgres.logins = {
            "app_a": servers.Login("db-0", True),
            "app_b": servers.Login(None, False),
        }
        self.valkey.nodes = {
            node: {"app": servers.user_of("app", {valkey.digest_of("cache-0")})} for node in ("primary", "replica")
        }

    # Time and chance

    def now(self) -> datetime:
        seconds = self.scheduler.tick * BEHIND_SECONDS / self.lag if self.lag else self.scheduler.tick
        return EPOCH + timedelta(days=self.days, seconds=seconds)

    def pass_days(self, days: int) -> None:
        self.days += days
        self.since = self.tick()

    def token(self, _bytes: int = 8) -> str:
        self.serial += 1
        return f"{self.serial:04x}"

    def value(self, length: int) -> str:
        self.serial += 1
        return f"v{self.serial}".ljust(length, "x") if length < 32 else f"v{self.serial}"

    # Reads that are behind

    def horizon(self) -> int:
        return self.lag

    def tick(self) -> int:
        return self.scheduler.tick

    def age(self, op: str, name: str) -> int:
        """The journal is strongly consistent, and so is what nobody but the simulation itself looks at."""
        if not self.lag or self.scheduler.current is None or name.startswith(JOURNAL):
            return 0
        age = self.chance.randrange(self.lag + 1) if self.chance.random() < STALE_READS else 0
        age = min(age, self.tick() - self.since)
        if age:
            self.scheduler.say(f"(as {age} ticks ago)", op, name)
        return age

    def rest(self, seconds: float) -> None:
        """So many seconds pass, by the measure of how long AWS's reads may be behind."""
        self.scheduler.rest(math.ceil(seconds / BEHIND_SECONDS * self.lag))

    def pause(self, seconds: float) -> None:
        """A promotion lets another writer pass."""
        self.act("wait", "merge", lambda: None)
        self.rest(seconds)

    # Acts

    def side_by_side(self, acts: Sequence[Callable[[], T]]) -> list[T]:
        """In any order; one that fails does not keep the others from being done."""
        order, side, failures = [*enumerate(acts)], {}, {}
        self.order.shuffle(order)
        for number, act in order:
            try:
                side[number] = act()
            except Exception as error:  # noqa: BLE001 - raised below
                failures[number] = error
        if failures:
            raise failures[min(failures)]
        return [side[number] for number in range(len(acts))]

    def before(self, op: str, name: str) -> None:
        if self.scheduler.before(op, name):
            fault = self.scheduler.current.fault  # type: ignore[union-attr]
            if fault is not None and fault.kind == REFUSED:
                raise NoAccess(f"{op} {name}: no answer from the endpoint")

    def after(self, op: str, name: str) -> bool:
        self._follow(op, name)
        if op not in ("read", "describe", "look"):
            self.watch(op, name)
        if self.scheduler.lines is not None and self.scheduler.current:
            self.scheduler.say(op, name)
        fault = self.scheduler.after(op, name)
        if fault is not None and fault.kind == LOST:
            raise NoAccess(f"{op} {name}: the answer was lost")
        return fault is not None and fault.kind == TWICE

    def _follow(self, op: str, name: str) -> None:
        """AWS writes a parameter whoever did so meanwhile: a look at the journal comes right before."""
        process = self.scheduler.current
        if process is None:
            return
        if (op, name) == ("read", JOURNAL):
            self.looked.add(process)
        elif name not in (COPY, OTHER):
            self.looked.discard(process)
        elif op == "write" and process not in self.looked:
            self.blind(name)

    def act(self, op: str, name: str, act: Callable[[], T]) -> T:
        """An act on a server or a host, between the same two points as those on the stores."""
        self.before(op, name)
        result = act()
        while self.after(op, name):
            result = act()
        return result

    # What others do

    def held(self, secret: str) -> dict[str, str]:
        return self.read(secret)[1]

    def read(self, secret: str) -> tuple[str, dict[str, str]]:
        """The current version and its keys, past every hook."""
        version = self.stages(secret)[CURRENT]
        return version, self.content(secret, version)

    def content(self, secret: str, version: str) -> dict[str, str]:
        result: dict[str, str] = json.loads(self.secrets._secrets[secret].contents[version])
        return result

    def stages(self, secret: str) -> dict[str, str]:
        return self.secrets._secrets[secret].stages

    def parameter(self, name: str) -> str:
        return self.parameters._parameters[name].values[-1]

    def write_secret(self, secret: str, key: str, value: str) -> None:
        """Somebody changes one key, as the console does: over what is current now."""
        content = {**self.held(secret), key: value}
        self.secrets.seed(secret, json.dumps(content), version=f"theirs-{self.token():0>26}")
        self.scheduler.say("SOMEBODY writes", secret, key, value)

    def write_parameter(self, name: str, value: str) -> None:
        self.parameters.seed(name, value)
        self.scheduler.say("SOMEBODY writes", name, value)
