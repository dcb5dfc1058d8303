# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import zizmor_finds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import EDIT

AUDITS = ("dangerous-triggers",)

CHECK = Check(
    id="WPS505",
    name="workflow-target",
    area="ci",
    severity="high",
    title="zizmor finds no trigger that runs anybody's code with secrets",
    reason="pull_request_target, workflow_run and issue_comment give a job secrets when anyone forks or comments.",
    fix=(
        "Use pull_request. If the job has no secrets and no write permissions, and does not check out the pull "
        "request's code, accept the finding by a comment: # zizmor: ignore[dangerous-triggers]."
    ),
    scope=("By the repository's configuration of zizmor and comments in workflows, which accept findings.",),
    command=EDIT,
    look=zizmor_finds(AUDITS),
    needs=("zizmor",),
)
