# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Valkey password beside the old one, or a user beside it."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import KindStages, StageRequest


class ValkeyUser(KindStages):
    kind = Kind(
        kind_names.VALKEY_USER,
        "A password beside the old one, or a user beside it where the names end in _a and _b.",
        alternates="if_suffixed",
        needs_admin=True,
        needs_url=True,
        revokes_each=True,
    )
    module = sessions = "valkey_user"
    ways_in = (
        "users, passwords and nopass of each node of {} were compared with the stores",
        "functions and keys of {} (compare: FUNCTION LIST); sessions of others, if its user could change users",
    )
    ways_in_compared = (
        "the users, functions and settings of the nodes of {} were compared with the {}",
        "keys of {}",
    )
    requests = {
        "check": StageRequest("checked", ("gone_nodes",)),
        "block": StageRequest("blocked", ("gone_nodes",)),
        "create": StageRequest("open", ("gone_nodes",)),
        # Sessions older than the new password are ended with the old one.
        "set": StageRequest("present", ("gone_nodes",), noted="last_client"),
        "test": StageRequest("usable", ("gone_nodes",)),
        "revoke": StageRequest("revoked", ("gone_nodes", "known_addresses", "allow_sessions"), by_pending_task=True),
    }
