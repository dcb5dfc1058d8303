# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The AUTH token of an ElastiCache replication group."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer, KindStages, Part

MODULE = "elasticache_auth_token"


class ElasticacheAuthToken(KindStages):
    kind = Kind(
        kind_names.ELASTICACHE_AUTH_TOKEN,
        "The AUTH token of an ElastiCache replication group, ROTATE beside the old one, then SET; not run on AWS.",
        needs_url=True,
        options=("replication_group",),
        revokes_each=True,
    )
    sessions = MODULE

    def check(self, part: Part) -> Answer:
        return part.on_server(MODULE, "checked")

    def set(self, part: Part) -> Answer:
        return part.on_server(MODULE, "present")

    def test(self, part: Part) -> Answer:
        return part.on_server(MODULE, "usable")

    def revoke(self, part: Part) -> Answer:
        return part.on_server(MODULE, "revoked", "known_addresses", "allow_sessions", pending_task=part.pending_task)
