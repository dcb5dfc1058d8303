# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two PostgreSQL login roles under one owner, which alternate."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import KindStages, StageRequest


class PostgresqlRole(KindStages):
    kind = Kind(
        kind_names.POSTGRESQL_ROLE,
        "Two login roles under one owner, which alternate.",
        alternates="always",
        needs_admin=True,
        needs_url=True,
    )
    module = sessions = "postgresql_login"
    ways_in = (
        "logins, members of the roles of {}, prepared transactions, objects that its logins own, and rights of PUBLIC",
        "triggers in the database of {}; jobs of pg_cron; the userlist of a pooler, such as PgBouncer",
    )
    ways_in_compared = (
        "roles, grants, functions and triggers at the server of {} were compared with the {}",
        "row policies, views, and functions with their caller's rights in the database of {}",
    )
    requests = {
        "check": StageRequest("checked"),
        "block": StageRequest("blocked"),
        "set": StageRequest("present"),
        "test": StageRequest("usable"),
        "revoke": StageRequest("revoked", ("known_addresses", "allow_sessions")),
    }
