# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Valkey login that no server has; the server's log shows each try."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import honeytoken_logins
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Acts, Answer, Part


class ValkeyHoneytoken(Acts):
    kind = Kind(
        kind_names.VALKEY_HONEYTOKEN,
        "A Valkey login that no server has; the server's log shows each try.",
        needs_admin=True,
        needs_url=True,
        needs_user=True,
        tested=False,
        options=("user",),
    )

    def check(self, part: Part) -> Answer:
        honeytoken_logins.asked(part)
        return {}

    def revoke(self, part: Part) -> Answer:
        return honeytoken_logins.replaced(part)
