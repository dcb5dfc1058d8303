# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one rotation after the other keeps of a honeytoken's uses, and what a verification says of it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import BUILT_IN
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import honeytoken_rows
from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import R1, R2, R3, Shop
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS

COUNTED = {"exists": True, "rights": [], "open": [], "uses": 3, "since": ""}
LOGGED = {"exists": False, "uses": 3, "last": "2026-01-01T00:00:00Z", "clients": ["h"], "reach": 0, "lost": False}
REPORTS: dict[str, dict[str, Any]] = {"postgresql": COUNTED, "valkey": LOGGED}
LATER = "2099-01-01T00:00:00Z"


class Decoy(Shop):
    """A honeytoken whose server shows ``report``."""

    def __init__(self, engine: str) -> None:
        address = {"server": {"address": "127.0.0.1:1"}}
        scheme = {"postgresql": "postgresql", "valkey": "rediss"}[engine]
        url = {"MAIL_URL": f"{scheme}://reports:canary-of-the-honeytoken@127.0.0.1:1/reports"}
        admin = ("admin", "canary-of-the-administrator", address)
        super().__init__(f"{engine}_honeytoken", {"options": {"user": "reports"}}, url, admin=admin)
        self.engine, self.report, self.server = engine, REPORTS[engine], self
        self.answer: Answer = {}

    def execute(self, _program: ModuleType, *, args: dict[str, Any], **_options: Any) -> dict[str, Any]:
        self.leak, self.admin_url = args["leak"], args["admin_url"]
        return self.report

    def rotate_once(self, rotation: str, leak: str = "") -> None:
        self.rotator = self.world.begun("mail", rotation=rotation, leak=leak)
        self.world.created(self.rotator)
        for step in ("test", "promote"):
            self.rotator.advance(step)
        assert self.rotator.promote().outcome == "done"
        self.rotator.advance("revoke")
        self.answer = self.act("revoke")
        self.rotator.advance("record", notes={"mail": self.answer["notes"]})
        self.close("closed")

    def verified(self) -> list[str]:
        """The states of what a verification says."""
        journal = self.world.journal.read()
        item = {"credential": "mail", "user": "reports", "leaked": "x", "rotated": journal.rotated["mail"].entry()}
        answer = {"honeytokens": {"mail": self.report}, "problems": []}
        server = {"server": self.engine, "administrator": "boss"}
        return [row["state"] for row in honeytoken_rows.of_login("s", server, item, answer, "")]


@pytest.fixture(params=["postgresql", "valkey"])
def decoy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Decoy:
    kind = f"{request.param}_honeytoken"
    monkeypatch.setitem(KINDS, kind, BUILT_IN[kind].kind)
    shop = Decoy(request.param)
    shop.close("aborted")
    return shop


def test_a_routine_rotation_does_not_renew_what_a_leak_response_answered(decoy: Decoy) -> None:
    decoy.rotate_once(R1, leak="leak-1")
    assert decoy.verified() == ["pass"]
    for rotation in (R2, R3):
        decoy.rotate_once(rotation)
        assert decoy.verified() == ["pass"]
    decoy.report = {**decoy.report, "uses": 5, **({"last": LATER} if decoy.engine == "valkey" else {})}
    assert decoy.verified() == ["fail"]
    decoy.rotate_once("r-20261125T150004-abcd")
    last = decoy.world.journal.read().rotated["mail"].used["last"]
    assert last.startswith("2 sessions" if decoy.engine == "postgresql" else "5 attempts")
    assert decoy.verified()[0] == "fail", "no leak response has answered these"


def test_a_routine_rotation_keeps_a_use_that_nothing_answered(decoy: Decoy) -> None:
    for rotation in (R1, R2):
        decoy.rotate_once(rotation)
        assert decoy.verified()[0] == "fail"


def test_only_its_own_leak_relaxes_the_checks(decoy: Decoy) -> None:
    decoy.rotator = decoy.world.begun("mail", rotation=R1)
    decoy.declare_another_leak()
    decoy.act("check")
    assert not decoy.leak
    decoy.close("aborted")
    decoy.rotator = decoy.world.begun("mail", rotation=R2, leak="leak-1")
    decoy.act("check")
    assert decoy.leak


@pytest.mark.parametrize("decoy", ["postgresql"], indirect=True)
def test_what_the_login_may_do_is_a_possible_foothold(decoy: Decoy) -> None:
    decoy.report = {**COUNTED, "rights": ["1 objects of its own"]}
    decoy.rotate_once(R1, leak="leak-1")
    assert decoy.answer["footholds"] == ["login reports has 1 objects of its own"]


@pytest.mark.parametrize("decoy", ["postgresql"], indirect=True)
def test_a_count_that_began_again_holds_no_answered_use(decoy: Decoy) -> None:
    decoy.rotate_once(R1, leak="leak-1")
    decoy.report = {**COUNTED, "since": LATER}
    assert decoy.verified() == ["fail"]
    decoy.report = {**COUNTED, "uses": 0}
    decoy.rotate_once(R2)
    decoy.report = COUNTED
    decoy.rotate_once(R3)
    assert decoy.verified()[0] == "fail"


@pytest.mark.parametrize(("step", "who"), [("test", ":canary-of-the-administrator"), ("revoke_first", ":new")])
def test_the_new_login_of_the_administrator_counts_once_it_is_tested(
    decoy: Decoy, monkeypatch: pytest.MonkeyPatch, step: str, who: str
) -> None:
    """A stage that is carried out once more finds its old login revoked already."""
    new_value = RotationSetup.new_value

    def with_boss(setting: RotationSetup, rotation: Any, name: str, **how: Any) -> Login | None:
        return Login(None, "new") if name == "boss" else new_value(setting, rotation, name, **how)

    monkeypatch.setattr(RotationSetup, "new_value", with_boss)
    decoy.rotator = decoy.world.begun("mail", rotation=R1, leak="leak-1")
    decoy.world.created(decoy.rotator)
    decoy.rotator.advance(step)
    decoy.act("revoke")
    assert f"//admin{who}@" in decoy.admin_url
