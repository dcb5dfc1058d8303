# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import assessment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import RotationAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class ActionModule(RotationAction):
    """Reads values only to compare them with the leaked text, and returns names."""

    name = "watchparty.secrets.impact_info"
    extra_options = {
        "leaked": {"type": "list", "elements": "str", "default": []},
        "found_in": {"type": "path"},
        "hosts": {"type": "list", "elements": "str", "default": []},
    }

    def answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        evidence = assessment.LeakClaim(args["leaked"], assessment.text_of(args["found_in"]))
        blast_radius = assessment.followed(setting, evidence, args["hosts"])
        return {
            "changed": False,
            "matches": list(blast_radius.matches),
            "declared": list(blast_radius.declared),
            "summary": list(blast_radius.messages),
            "not_checked": list(blast_radius.not_sought),
            "impact": blast_radius.data,
            "text": list(blast_radius.text),
            "mermaid": blast_radius.mermaid,
            "graphviz": blast_radius.graphviz,
        }
