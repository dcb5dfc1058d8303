# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pull_request_target never meets secrets or a fork's code."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import no_workflow
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.engine import Check

CHECK = Check(
    id="WPS505",
    name="workflow-target",
    area="ci",
    severity="high",
    title="pull_request_target never meets secrets or a fork's code",
    reason="It runs with the repository's secrets for anybody's pull request.",
    fix="Use pull_request, or take secrets, write permissions and the checkout of the head out of the job.",
    look=no_workflow("target"),
    needs=("workflows",),
)
