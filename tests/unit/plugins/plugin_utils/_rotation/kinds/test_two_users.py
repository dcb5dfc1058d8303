# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As whom the administrator logs in while its own login is replaced by the same rotation."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import BUILT_IN
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import Shop
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS

ADMIN = ("boss_a", "canary-of-the-administrator", {"server": {"address": "127.0.0.1:3306"}})


class Programs:
    def __init__(self) -> None:
        self.admins: list[tuple[str, str]] = []

    def execute(self, _program: ModuleType, *, args: dict[str, Any], **_how: Any) -> dict[str, Any]:
        self.admins.append((args["state"], args["admin"]["username"]))
        return {"place": "127.0.0.1:3306", "ended": 0}


@pytest.mark.parametrize(("step", "who"), [("test", "boss_a"), ("revoke_first", "boss_b"), ("revoke", "boss_b")])
def test_the_new_login_of_the_administrator_counts_once_it_is_tested(
    monkeypatch: pytest.MonkeyPatch, step: str, who: str
) -> None:
    """A stage that is carried out once more finds its old login revoked already."""
    new_value = RotationSetup.new_value

    def with_boss(setting: RotationSetup, rotation: Any, name: str, **how: Any) -> Login | None:
        return Login("boss_b", "canary") if name == "boss" else new_value(setting, rotation, name, **how)

    monkeypatch.setattr(RotationSetup, "new_value", with_boss)
    monkeypatch.setitem(KINDS, "mysql_user", BUILT_IN["mysql_user"].kind)
    login = {"MAIL_USER": "app_a", "MAIL_PASSWORD": "canary-of-the-old-password"}
    shop = Shop("mysql_user", {"options": {"user": "app"}}, login, admin=ADMIN)
    shop.server = Programs()
    shop.world.created(shop.rotator)
    shop.rotator.advance(step)
    shop.act("test" if step == "test" else "revoke")
    assert {admin for _state, admin in shop.server.admins} == {who}, shop.server.admins
