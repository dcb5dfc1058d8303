# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No pull_request_target workflow uses secrets or a fork's code."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import no_workflow
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.engine import Check

CHECK = Check(
    id="WPS505",
    name="workflow-target",
    area="ci",
    severity="high",
    title="No pull_request_target workflow uses secrets or a fork's code",
    reason="It runs with the repository's secrets for every pull request, also from a fork.",
    fix="Use pull_request, or take secrets, write permissions and the checkout of the head out of the job.",
    look=no_workflow("target"),
    needs=("workflows",),
)
