# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, unknown
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import outcomes


def look(facts: Facts) -> Iterator[Outcome]:
    rows = facts.of("deploys")
    yield from outcomes(rows)
    if not rows:
        yield unknown("the last run is unknown")


CHECK = Check(
    id="WPS507",
    name="last-deploy",
    area="ci",
    severity="medium",
    title="The last finished run of the deploy workflow succeeded, without static keys",
    reason="A failed deploy leaves hosts with previous values, and a static key works from anywhere.",
    fix="Read the run's log at GitHub. To write a workflow without static keys: ansible-playbook "
    "watchparty.secrets.github_workflow.",
    scope=("One workflow (verify_workflow). Static keys only in its file, as it is in the commit that ran.",),
    command="gh run view {target} --log-failed",
    look=look,
    needs=("deploys",),
)
