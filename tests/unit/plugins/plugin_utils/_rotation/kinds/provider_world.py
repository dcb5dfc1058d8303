# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application whose key a provider issues, and the end of its process at a request."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import Settling
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import provider_client, provider_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.close import ending
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import BUILT_IN
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer, Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.provider_client import HttpAnswer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, CORE, KINDS, World

ADMIN_TOKEN = "canary-of-the-administrator"
R1, R2, R3 = (f"r-20261125T15000{number}-abcd" for number in (1, 2, 3))


class Killed(BaseException):
    """The end of a process."""


class Requests:
    """What the client sends; ``before`` and ``after`` are called around each request."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.real = provider_client.send
        self.before: Callable[[str, str], None] = lambda _method, _url: None
        self.after = self.before
        monkeypatch.setattr(provider_client, "send", self)
        monkeypatch.setattr(provider_client, "PAUSE", 0)
        monkeypatch.setattr(provider_keys, "INTERVAL", 0)
        monkeypatch.setattr(provider_keys, "LOOKS", 2)

    def __call__(self, method: str, url: str, *more: Any, **options: Any) -> HttpAnswer:
        self.before(method, url)
        answer = self.real(method, url, *more, **options)
        self.after(method, url)
        return answer

    def kill(self, when: str, at: int) -> Iterator[int]:
        """Kills the process before or after its request number ``at``; the rest of the count tells whether it did."""
        count = itertools.count()

        def kill(_method: str, _url: str) -> None:
            if next(count) == at:
                raise Killed

        setattr(self, when, kill)
        return count

    def spare(self) -> None:
        self.before = self.after = lambda _method, _url: None


class Shop:
    """An application whose credential ``mail`` a provider issues."""

    server: Any = None
    """What carries out programs on the rotation host."""
    baseline: ServerBaseline | None = None
    """What servers are compared with in a leak."""

    def __init__(
        self,
        kind: str,
        credential: dict[str, Any],
        stored: dict[str, str],
        *,
        admin: tuple[str, str, dict[str, Any]] = ("", ADMIN_TOKEN, {}),
    ) -> None:
        settings = {**CATALOG["settings"], **{name: {"group": "core"} for name in stored}}
        places = {"appears_in": [{"setting": name} for name in stored], "admin": "boss", "kind": kind}
        keys = ["username", "token"] if admin[0] else ["token"]
        boss = {"kind": "given", "appears_in": [{"secret": "boss-{environment}", "keys": keys}], **admin[2]}
        document = {**CATALOG, "settings": settings, "credentials": {"mail": {**places, **credential}, "boss": boss}}
        self.world = World(catalog=catalog_parser.parse(document, "test"))
        self.waited: list[float] = []
        self.world.secrets.settling = Settling(sleep=self.waited.append)
        self.world.secrets.seed("boss-test", json.dumps({"username": admin[0], "token": admin[1]}))
        for name, value in stored.items():
            self.world.write(name, value)
        self.kind, self.rotator = kind, self.world.begun("mail", rotation=R1)

    def setting(self) -> RotationSetup:
        setting = RotationSetup(self.world.catalog, KINDS, self.rotator, SimpleNamespace())  # type: ignore[arg-type]
        setting.known.baseline = [self.baseline]
        return setting

    def act(self, verb: str, **more: Any) -> Answer:
        part = Part(self.setting(), self.server, {"name": "mail", "options": {}, **more})
        answer: Answer = getattr(BUILT_IN[self.kind](), verb)(part)
        return answer

    def rotate(self) -> None:
        """To the end."""
        self.act("issue")
        self.world.created(self.rotator)
        self.rotator.advance("test")
        self.act("test")
        self.rotator.advance("promote")
        assert self.rotator.promote().outcome == "done"
        self.rotator.advance("revoke")
        if not self.world.catalog.credentials["mail"].revoke_after:
            self.act("revoke")
        self.close("closed")

    def declare_another_leak(self) -> None:
        """An incident that has nothing to do with this credential."""
        look, incident = self.rotator.look, Incident("leak-9", "2026-11-25T15:00:00Z", "operator")
        self.rotator.look = lambda: replace(look(), incident=incident)  # type: ignore[method-assign]

    def close(self, step: str) -> None:
        _journal, rotation = self.rotator.holding()
        self.rotator.clear(rotation)
        journal, rotation = self.rotator.holding()
        self.rotator.append(journal, rotation.id, step, **ending(self.setting(), journal, rotation, {}))

    @property
    def stored(self) -> tuple[str | None, str | None]:
        contents = self.world.secrets.read([CORE])
        login = credential_graph.find(self.world.catalog, self.world.catalog.credentials["mail"], contents).login
        return login.username, login.password
