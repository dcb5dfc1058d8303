# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, good
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import outcomes


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("github")
    rows = result["rows"]
    yield from outcomes(rows)
    if not rows:
        yield good(f"{result['listed']} at {result['repository']}, all declared")


CHECK = Check(
    id="WPS506",
    name="github-values",
    area="ci",
    severity="medium",
    title="GitHub has the secrets and variables of the catalog, and no others",
    reason="An undeclared secret is not rotated. A workflow without a value fails.",
    fix=(
        "Sync missing values: ansible-playbook watchparty.secrets.github_sync. Declare the others in the catalog, or "
        "delete them at GitHub."
    ),
    scope=(
        "Names of Actions secrets and variables of the repository and of the environment in github.environment.",
        "Not values, other environments, and undeclared secrets of the organization.",
    ),
    command="ansible-playbook watchparty.secrets.github_sync {run}",
    look=look,
    needs=("github",),
)
