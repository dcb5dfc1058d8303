# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a verification makes of one server's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import server_logins_results
from tests.unit.plugins.plugin_utils._verify import verify_facts

NOTHING: dict[str, Any] = {
    **{name: {} for name in ("left_out", "users", "databases", "tags")},
    **{name: [] for name in ("own_administrators", "own", "honeytokens")},
    **dict.fromkeys(("unjudged", "baseline_problem", "administrator_problem"), ""),
    "administrator": "dba",
    "source": None,
}


def judged(server: str, answer: Mapping[str, Any], *checks: str) -> dict[str, list[str]]:
    """Evidence of the checks that fail a run with this answer. Each of its credentials is the catalog's."""
    expected = {"s": {**NOTHING, "server": server, "credentials": [*answer["rights"]]}}
    rows = server_logins_results.merged(expected, {"inspected": {"s": answer}})
    return verify_facts.judged(*checks, servers={**rows, "baseline": []})
