# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No workflow has a password written in it."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import no_workflow
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.engine import Check

CHECK = Check(
    id="WPS502",
    name="workflow-passwords",
    area="ci",
    severity="high",
    title="No workflow has a password written in it",
    reason="It is readable by everybody who can read the repository, in every fork, for good.",
    fix="Move it to a secret of the deployment environment, and rotate it: it is known.",
    look=no_workflow("password"),
    needs=("workflows",),
)
