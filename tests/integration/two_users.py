# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application whose two users of a real server take turns."""

from __future__ import annotations

from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import Shop


class TwoUsersShop(Shop):
    def to(self, step: str) -> None:
        self.world.created(self.rotator)
        self.rotator.advance(step)


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
