# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import no_workflow
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import EDIT

CHECK = Check(
    id="WPS502",
    name="workflow-passwords",
    area="ci",
    severity="high",
    title="No password was found in workflows and composite actions",
    reason="Everyone with access to the repository or a fork can read the password.",
    fix="Move the password to a secret of the deployment environment, then rotate it.",
    scope=("Not scripts that workflows run.",),
    command=EDIT,
    look=no_workflow("password"),
    needs=("workflows",),
)
