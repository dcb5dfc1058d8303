# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application whose two users of a real server alternate."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import EVICT, Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer
from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import R2, Shop


class TwoUsersShop(Shop):
    def to(self, step: str) -> None:
        self.world.created(self.rotator)
        self.rotator.advance(step)

    def leak(self, *, evicts: bool = False) -> None:
        """Another rotation, which answers a leak."""
        self.rotator = self.world.begun("mail", rotation=R2, leak="leak-1")
        if not evicts:
            return
        holding = self.rotator.holding

        def evicting() -> tuple[Journal, OpenRotation]:
            journal, rotation = holding()
            return replace(journal, incident=Incident("leak-1", "t", "operator", events={EVICT: "t"})), rotation

        self.rotator.holding = evicting  # type: ignore[method-assign]

    def revoked_after_a_leak(self, *, evicts: bool = False) -> Answer:
        self.leak(evicts=evicts)
        self.to("set")
        self.act("set")
        self.rotator.advance("revoke")
        return self.act("revoke")


def rotate(shop: TwoUsersShop, *, create: bool = True, revoked: bool = True) -> str:
    """From its beginning to its end; the message of the revocation."""
    if create:
        shop.world.created(shop.rotator)
    shop.act("set")
    shop.rotator.advance("test")
    shop.act("test")
    shop.rotator.advance("promote")
    assert shop.rotator.promote().outcome == "done"
    shop.rotator.advance("revoke")
    message = str(shop.act("revoke")["message"]) if revoked else ""
    shop.close("closed")
    return message
