# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A value that a provider issues and the operator supplies."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer, KindStages, Part

MODULE = "external_value"


class External(KindStages):
    kind = Kind(
        kind_names.EXTERNAL,
        "A value that a provider issues and the operator supplies.",
        value="supplied",
        tries_values=True,
    )

    def check(self, part: Part) -> Answer:
        return part.on_server(MODULE, "checked", "values_file", "values_from")

    def test(self, part: Part) -> Answer:
        return part.on_server(MODULE, "usable")

    def verify_revoked(self, part: Part) -> Answer:
        return part.on_server(MODULE, "tried")
