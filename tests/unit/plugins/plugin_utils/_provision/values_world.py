# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of written values share: an application in memory, and a process that provisions it."""

from __future__ import annotations

import copy
import functools
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import plan as provision_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.apply import Provisioner, WriteOptions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from tests.fakes.memory_provisioning import MakingMemoryParameters, MakingMemorySecrets
from tests.fakes.memory_stores import Hook, MemoryJournal

CORE, PAIR, TOKEN = "app/test/core", "pair-test", "app/test/token"
KINDS = {
    "login": Kind("login", alternates="always"),
    "key": Kind("key", routine="signing_key", length=64),
    "given": Kind("given", value="supplied"),
    "made": Kind("made", value="provider"),
    "pair": Kind("pair", form="ssh_key"),
}
DOCUMENT: dict[str, Any] = {
    "application": "app",
    "aws": {"owner": "me@example.com", "replicas": ["eu-west-1"]},
    "settings": {
        "URL": {
            "group": "core",
            "type": "url",
            "copies": [{"parameter": "URL"}],
            "required": True,
            "initial": "postgres://app_a:{password}@db/app",
        },
        "OTHER_URL": {"group": "core", "type": "url", "initial": "postgres://app_a:{password}@db/other"},
        "KEY": {"group": "core", "required": True, "copies": [{"parameter": "KEY"}]},
        "TOKEN": {"group": "more", "required": True},
        "HOSTS": {"parameter": "HOSTS", "type": "host_list", "required": True, "sensitivity": "low"},
        "LEVEL": {"parameter": "LEVEL", "sensitivity": "low", "initial": "info"},
        "NOTE": {"group": "core"},
        "FLAG": {"value": "on"},
        "LIMIT_*": {"parameter": "Limits/LIMIT_*", "sensitivity": "low"},
    },
    "credentials": {
        "key": {"kind": "key", "max_age_days": 90, "appears_in": [{"setting": "KEY"}]},
        "database": {
            "kind": "login",
            "max_age_days": 30,
            "appears_in": [
                {"setting": "URL"},
                {"setting": "OTHER_URL"},
                {"secret": "pair-{environment}", "keys": ["username", "password"]},
                {"secret": "app/{environment}/token"},
            ],
        },
        "token": {"kind": "given", "provider_url": "https://example.com/keys", "appears_in": [{"setting": "TOKEN"}]},
        "admin": {
            "kind": "given",
            "appears_in": [{"secret": "app/{environment}/admin", "keys": ["username", "password"]}],
        },
    },
}
GIVEN = {
    "TOKEN": "canary-token",
    "HOSTS": "shop.example.com",
    "admin.username": "root",
    "admin.password": "canary-admin",
}


def catalog(change: Callable[[dict[str, Any]], object] | None = None, environment: str = "test") -> Catalog:
    document = copy.deepcopy(DOCUMENT)
    if change:
        change(document)
    return catalog_parser.parse(document, environment)


@functools.cache
def plain() -> Catalog:
    return catalog()


class World:
    """The stores, and processes that write into them; every generated value is another one."""

    def __init__(self, of: Catalog | None = None, *, hook: Hook | None = None) -> None:
        self.catalog = of or plain()
        self.secrets = MakingMemorySecrets(hook)
        self.parameters = MakingMemoryParameters(hook)
        self.journal = MemoryJournal(hook)
        self._numbers = itertools.count(1)

    def generate(self, kind: Kind) -> str:
        return f"generated-{kind.name}-{next(self._numbers)}"

    def process(self, *, planner: Any = provision_plan.plan, **wish: Any) -> Provisioner:
        return Provisioner(
            catalog=self.catalog,
            secrets=self.secrets,
            parameters=self.parameters,
            journal=self.journal,
            kinds=KINDS,
            generate=self.generate,
            write_options=WriteOptions(**wish),
            planner=planner,
        )

    def provision(self, given: Mapping[str, str] = GIVEN, **wish: Any) -> list[str]:
        return self.process(**wish).apply(given)

    def plan(self, given: Mapping[str, str] = GIVEN, **wish: Any) -> provision_plan.ProvisionPlan:
        return self.process(**wish).outlook(given).plan

    def secret(self, name: str) -> Any:
        text = self.secrets.read([name]).readings[name].value
        return json.loads(text) if text.startswith("{") else text

    def parameter(self, name: str) -> str:
        return self.parameters.read(["/app/test"]).readings[f"/app/test/{name}"].value

    def assert_complete(self) -> str:
        """Every value is there and equal wherever it appears; the generated password."""
        core = self.secret(CORE)
        password: str = core["URL"].removeprefix("postgres://app_a:").removesuffix("@db/app")
        assert password.startswith("generated-login-")
        assert core["OTHER_URL"] == f"postgres://app_a:{password}@db/other"
        assert self.parameter("URL") == core["URL"]
        assert self.secret(PAIR) == {"username": "app_a", "password": password}
        assert self.secret(TOKEN) == password
        assert core["KEY"].startswith("generated-key-")
        assert self.parameter("KEY") == core["KEY"]
        assert self.secret("app/test/more") == {"TOKEN": "canary-token"}
        assert self.secret("app/test/admin") == {"username": "root", "password": "canary-admin"}
        assert (self.parameter("HOSTS"), self.parameter("LEVEL")) == ("shop.example.com", "info")
        return password
