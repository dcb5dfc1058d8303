# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A PostgreSQL login that nothing uses, with an empty database that counts its sessions."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import honeytoken_logins
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Acts, Answer, Part


class PostgresqlHoneytoken(Acts):
    kind = Kind(
        kind_names.POSTGRESQL_HONEYTOKEN,
        "A PostgreSQL login that nothing uses, with an empty database that counts its sessions.",
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
