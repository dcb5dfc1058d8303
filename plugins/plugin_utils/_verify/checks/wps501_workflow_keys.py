# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import no_workflow
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import EDIT

CHECK = Check(
    id="WPS501",
    name="workflow-keys",
    area="ci",
    severity="high",
    title="No static AWS key was found in workflows and composite actions",
    reason="A static key in CI is in every job's environment and in every action that the job runs.",
    fix="Use aws-actions/configure-aws-credentials with role-to-assume and id-token: write, then delete the key.",
    command=EDIT,
    look=no_workflow("static-key"),
    needs=("workflows",),
)
