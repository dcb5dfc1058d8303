# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import counted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, bad, good


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("stores")
    for message in result["problems"]:
        yield bad(message)
    if not result["problems"]:
        yield good(f"{counted(result['settings'], 'setting')} in snapshot {result['snapshot']}")


CHECK = Check(
    id="WPS304",
    name="complete-stores",
    area="drift",
    severity="high",
    title="The stores hold a valid value for every required setting",
    reason="The next deploy stops at a missing value, and a new host gets no .env.",
    fix="To see the remedy of each problem: ansible-playbook watchparty.secrets.validate.",
    scope=(
        "Missing values, and values that a deploy refuses. Not the rules for production (WPS903).",
        "Not whether a server or provider accepts the value.",
    ),
    command="ansible-playbook watchparty.secrets.validate {run}",
    look=look,
    needs=("stores",),
)
