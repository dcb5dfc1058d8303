# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A PostgreSQL login that nothing uses, with an empty database that counts its sessions."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.honeytoken_logins import (
    HoneytokenLogin,
    kind_of,
)


class PostgresqlHoneytoken(HoneytokenLogin):
    kind = kind_of(
        kind_names.POSTGRESQL_HONEYTOKEN,
        "A PostgreSQL login that nothing uses, with an empty database that counts its sessions.",
    )
