# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins of Vault's database engine: each stage, killed at each of its acts, and what another run ends meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Overtaken, RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.close import ending
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import BUILT_IN
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer, Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.vault_database import (
    SHORTEST,
    VaultDatabase,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator
from tests.fakes.memory_stores import Hook
from tests.fakes.memory_vault import CREDS, DAY, MemoryLeases
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, CORE, KINDS, World

OPTIONS = {"role": "web"}
CREDENTIAL = {"kind": "vault_database", "appears_in": [{"setting": "URL"}], "options": OPTIONS}


class Killed(BaseException):
    """The end of a process."""


class Shop:
    """An application whose database login is rotated."""

    def __init__(self, **more: Any) -> None:
        document = {**CATALOG, "credentials": {"database": {**CREDENTIAL, **more}}}
        self.world = World(catalog=catalog_parser.parse(document, "test"))
        self.leases = MemoryLeases(logins={"app_a": "old"})
        self.numbers = itertools.count(1)
        self.rotator = self.world.begun("database")

    def setting(self, rotator: Rotator | None = None) -> RotationSetup:
        connection: Any = SimpleNamespace(store_client=lambda _service: self.leases.client())
        return RotationSetup(self.world.catalog, KINDS, rotator or self.rotator, connection)

    def part(self, rotator: Rotator | None = None, **more: Any) -> Part:
        server: Any = self.leases
        return Part(self.setting(rotator), server, {"name": "database", "options": OPTIONS, **more})

    def act(self, verb: str) -> Answer:
        """A stage, whose notes go into the journal."""
        answer: Answer = getattr(VaultDatabase(), verb)(self.part())
        self.notes = {"database": answer["notes"]} if "notes" in answer else {}
        return answer

    def rotate(self) -> None:
        """To the end."""
        self.act("issue")
        self.world.created(self.rotator)
        self.rotator.advance("set", notes=self.notes)
        self.rotator.advance("test")
        self.act("test")
        self.rotator.advance("promote")
        assert self.rotator.promote().outcome == "done"
        self.rotator.advance("revoke")
        if not self.world.catalog.credentials["database"].revoke_after:
            self.act("revoke")
        self.close("closed")

    def close(self, step: str) -> None:
        _journal, rotation = self.rotator.holding()
        self.rotator.clear(rotation)
        journal, rotation = self.rotator.holding()
        extra = ending(self.setting(), journal, rotation, {})
        self.rotator.append(journal, rotation.id, step, **extra)

    @property
    def stored(self) -> tuple[str | None, str | None]:
        contents = self.world.secrets.read([CORE])
        login = credential_graph.find(self.world.catalog, self.world.catalog.credentials["database"], contents).login
        return login.username, login.password


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setitem(KINDS, "vault_database", BUILT_IN["vault_database"].kind)
    shop = Shop()
    yield shop
    assert "canary" not in str(shop.world.journal.read().lines), "the journal holds no value"


def test_a_first_login_is_ended_by_hand_and_each_later_one_by_its_lease(shop: Shop) -> None:
    with pytest.raises(
        RotationError, match="The journal has no lease of login app_a, because no rotation made this login; revoke it"
    ):
        shop.rotate()
    del shop.leases.logins["app_a"]
    assert "is rejected now" in shop.act("revoke")["message"]
    shop.close("closed")
    assert shop.stored == ("v-web-1", "canary-of-login-1")
    shop.rotator = shop.world.begun("database", rotation="r2")
    shop.rotate()
    assert shop.stored == ("v-web-2", "canary-of-login-2")
    assert shop.leases.logins == {"v-web-2": "canary-of-login-2"}
    assert set(shop.leases.tokens) == {"accessor-2"}
    lease = shop.world.journal.read().rotated["database"].lease
    assert lease == {"id": f"{CREDS}/id2", "accessor": "accessor-2", "ends": lease["ends"]}


def test_the_same_stage_again_makes_no_other_login(shop: Shop) -> None:
    assert shop.act("issue")["notes"]["lease"]["id"] == shop.act("issue")["notes"]["lease"]["id"]
    assert shop.leases.calls.count(CREDS) == 1


def test_logins_that_wait_for_a_later_revocation(shop: Shop) -> None:
    """After a leak they go with the present one, each by the lease that its pending task names."""
    del shop
    shop = Shop(revoke_after=7200)
    shop.rotate()
    for rotation in ("r2", "r3"):
        shop.rotator = shop.world.begun("database", rotation=rotation)
        shop.rotate()
    assert len(shop.leases.logins) == 4
    del shop.leases.logins["app_a"]
    shop.rotator = shop.world.begun("database", rotation="r4", leak="leak-1")
    shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance("revoke", notes=shop.notes)
    VaultDatabase().revoke(shop.part(pending_task="r2/database"))
    assert sorted(shop.leases.logins) == ["v-web-2", "v-web-3", "v-web-4"]
    VaultDatabase().revoke(shop.part(pending_task="r3/database"))
    assert sorted(shop.leases.logins) == ["v-web-3", "v-web-4"]
    shop.act("revoke")
    assert sorted(shop.leases.logins) == ["v-web-4"]


def test_a_rollback_ends_the_new_login(shop: Shop) -> None:
    shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance("withdraw", notes=shop.notes)
    shop.act("revoke")
    assert shop.leases.logins == {"app_a": "old"}
    assert shop.leases.tokens == {}


def test_a_rollback_where_no_login_works_any_more(shop: Shop) -> None:
    """The old lease had ended, which may be why the rotation failed."""
    shop.act("issue")
    del shop.leases.logins["app_a"]
    shop.rotator.advance("withdraw")
    shop.act("revoke")
    assert shop.leases.logins == {}


def test_a_rollback_before_a_login_was_made(shop: Shop) -> None:
    shop.rotator.advance("withdraw")
    assert shop.act("revoke")["message"] == "no new login was made, so no login is revoked"
    assert shop.leases.calls == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(4))
def test_killed_at_each_request_of_the_making(shop: Shop, when: str, at: int) -> None:
    """The next run has one login; what the killed one made and nobody kept ends within an hour."""
    count = itertools.count()

    def kill(_path: str) -> None:
        if next(count) == at:
            raise Killed

    setattr(shop.leases, when, kill)
    with suppress(Killed):
        shop.act("issue")
    setattr(shop.leases, when, lambda _path: None)
    assert next(count) > at, "it was killed"
    shop.rotator = shop.world.taken_over()
    shop.act("issue")
    shop.leases.pass_an_hour()
    shop.world.created(shop.rotator)
    issued = shop.rotator.issued(shop.rotator.holding()[1]).take("database")
    assert shop.leases.logins == {"app_a": "old", issued.username: issued.password}
    assert min(shop.leases.tokens.values()) > SHORTEST
    shop.rotator.advance("test", notes=shop.notes)
    shop.act("test")


@pytest.mark.parametrize("at", range(2))
def test_killed_at_each_request_of_the_revocation(shop: Shop, at: int) -> None:
    with suppress(RotationError):
        shop.rotate()
    del shop.leases.logins["app_a"]
    shop.act("revoke")
    shop.close("closed")
    shop.rotator = shop.world.begun("database", rotation="r2")
    count = itertools.count()

    def kill(path: str) -> None:
        if "revoke" in path and next(count) == at:
            raise Killed

    shop.leases.before = kill
    with pytest.raises(Killed):
        shop.rotate()
    shop.rotator = shop.world.taken_over()
    shop.act("revoke")
    assert shop.leases.logins == {"v-web-2": "canary-of-login-2"}
    assert set(shop.leases.tokens) == {"accessor-2"}


class Late(Hook):
    """Another run ends the rotation while this one keeps what it was given."""

    def __init__(self, shop: Shop, moment: str) -> None:
        self.shop, self.moment, self.done = shop, moment, False

    def before(self, op: str, name: str) -> None:
        self._ends(op, name, "before")

    def after(self, op: str, name: str) -> None:
        self._ends(op, name, "after")

    def _ends(self, op: str, name: str, moment: str) -> None:
        if op == "create" and name.endswith("/database") and moment == self.moment and not self.done:
            self.done = True
            other = self.shop.world.taken_over("run9")
            other.advance("withdraw")
            other.advance("discard")
            other.clear(other.holding()[1])
            journal, rotation = other.holding()
            other.append(journal, rotation.id, "aborted")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_another_run_ends_the_rotation_meanwhile(shop: Shop, moment: str) -> None:
    """Nothing that was made late stays: neither a login nor the secret that holds it."""
    shop.world.secrets.hook = Late(shop, moment)
    with pytest.raises(Overtaken):
        shop.act("issue")
    assert shop.world.secrets.hook.done
    assert shop.leases.logins == {"app_a": "old"}
    assert [name for name in shop.world.secrets._secrets if "rotation" in name] == []


def test_two_runs_of_one_rotation_have_one_login(shop: Shop) -> None:
    """The other one kept its login first."""
    made: list[str] = []

    def other(path: str) -> None:
        if path == CREDS and not made:
            made.append(path)
            VaultDatabase().issue(shop.part())

    shop.leases.before = other
    shop.act("issue")
    assert len(shop.leases.logins) == 2, "the old login, and the one that was kept"
    assert shop.rotator.issued(shop.rotator.holding()[1]).take("database").username in shop.leases.logins


def test_a_lease_that_ended_before_a_run_went_on(shop: Shop) -> None:
    def kill(path: str) -> None:
        if path == "auth/token/renew-accessor":
            raise Killed

    shop.leases.before = kill
    with suppress(Killed):
        shop.act("issue")
    shop.leases.before = lambda _path: None
    shop.leases.pass_an_hour()
    with pytest.raises(
        RotationError, match="has expired, because the rotation was not continued in time; roll it back"
    ):
        shop.act("issue")


def test_a_lease_that_is_too_short_for_nightly_runs(shop: Shop) -> None:
    shop.leases.max_ttl = 2 * DAY
    with pytest.raises(RotationError, match="its lease lasts 172800 s at most"):
        shop.act("issue")


def test_a_new_login_that_the_server_refuses(shop: Shop) -> None:
    shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance("test")
    shop.leases.logins["v-web-1"] = "another"
    with pytest.raises(RotationError, match=r"login v-web-1 was not accepted: even the current value"):
        shop.act("test")


def test_an_old_login_that_stays_accepted(shop: Shop) -> None:
    """Its lease is gone, and the database did not drop it."""
    with suppress(RotationError):
        shop.rotate()
    del shop.leases.logins["app_a"]
    shop.act("revoke")
    shop.close("closed")
    shop.rotator = shop.world.begun("database", rotation="r2")
    shop.leases.after = lambda _path: shop.leases.logins.setdefault("v-web-1", "canary-of-login-1")
    with pytest.raises(RotationError, match="a previous value still logs in at db"):
        shop.rotate()


def test_check_makes_nothing(shop: Shop) -> None:
    assert VaultDatabase().check(shop.part()) == {}
    assert shop.leases.calls == ["sys/capabilities-self"]
    with pytest.raises(RotationError, match=r"credentials\.database\.options\.role is not a name in Vault"):
        VaultDatabase().check(shop.part(options={"role": "../../sys/seal"}))


def test_a_leaked_login_ends_before_a_new_one_is_made(shop: Shop) -> None:
    with pytest.raises(RotationError, match=r"login app_a is still valid\. The journal has no lease of login app_a"):
        shop.act("block")
    del shop.leases.logins["app_a"]
    shop.rotate()
    shop.rotator = shop.world.begun("database", rotation="r2")
    assert shop.act("block")["message"] == "the lease of login v-web-1 is revoked"
    assert shop.leases.logins == {}
    shop.act("block")
    shop.rotate()
    assert shop.leases.logins == {"v-web-2": "canary-of-login-2"}
