# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.baseline_rows import LIST
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import rows_of

CHECK = Check(
    id="WPS510",
    name="github-baseline",
    area="ci",
    severity="high",
    title="The GitHub repository has the keys, webhooks and people of its baseline",
    reason="A deploy key, a runner or a collaborator of an attacker reads new secrets after each rotation.",
    fix=(
        "The repository's administrator finds out in GitHub's audit log who made the change. If your team did not "
        "make it, undo it with the command in the finding, and start a leak response. If your team did, accept it: "
        "ansible-playbook watchparty.secrets.baseline -e baseline_accept=ID -e baseline_reason=TEXT."
    ),
    scope=(
        "Not branch protection, rulesets and installed apps.",
        "Not variables, and secrets of the organization and of other environments.",
    ),
    look=rows_of("github_baseline", "rows", "the repository has nothing to compare"),
    command=LIST,
    needs=("github_baseline",),
)
