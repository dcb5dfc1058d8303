# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Valkey password beside the old one, or a user beside it."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._kinds import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Acts, Answer, Part

MODULE = "valkey_user"


class ValkeyUser(Acts):
    kind = Kind(
        "valkey_user",
        "A password beside the old one, or a user beside it where the names end in _a and _b.",
        alternates="if_suffixed",
        needs_admin=True,
        needs_url=True,
        retires_each=True,
    )

    def check(self, part: Part) -> Answer:
        return part.on_server(MODULE, "checked", "gone_nodes")

    def create(self, part: Part) -> Answer:
        return part.on_server(MODULE, "open", "gone_nodes")

    def set(self, part: Part) -> Answer:
        answer = part.on_server(MODULE, "present", "gone_nodes")
        # Which sessions were there before the new password: those are ended with the old one.
        return {**answer, "notes": answer.get("last_client")}

    def test(self, part: Part) -> Answer:
        return part.on_server(MODULE, "usable", "gone_nodes")

    def revoke(self, part: Part) -> Answer:
        names = ("gone_nodes", "known_addresses", "allow_sessions")
        return part.on_server(MODULE, "absent", *names, obligation=part.obligation)
