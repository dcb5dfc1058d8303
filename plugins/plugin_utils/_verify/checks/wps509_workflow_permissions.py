# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import no_workflow
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import EDIT

CHECK = Check(
    id="WPS509",
    name="workflow-permissions",
    area="ci",
    severity="high",
    title="No workflow's token may write everything",
    reason="Every action and script of the job can then push code, publish packages and start deployments.",
    fix="Write permissions: {contents: read} at the top. Give a job further rights in its own permissions.",
    scope=("permissions: write-all. Not write permissions by name, and the repository's default permissions.",),
    command=EDIT,
    look=no_workflow("permissions"),
    needs=("workflows",),
)
