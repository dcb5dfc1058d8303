# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import no_workflow
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import EDIT

CHECK = Check(
    id="WPS503",
    name="workflow-echo",
    area="ci",
    severity="high",
    title="No workflow or its script was found to print, upload or send a secret",
    reason="GitHub masks only the stored form of a secret. It does not mask an encoded, truncated or joined secret.",
    fix="Pass the secret to the program by env: or its input, and do not print or upload any part of it.",
    scope=(
        "Shell in workflows, composite actions and scripts of the repository, Makefile targets and package.json.",
        "Python, Node, Ruby, Perl, PHP and PowerShell only line by line, by the names of variables.",
        "Not Docker images, other repositories' actions, other task runners, aliases, and computed command names.",
    ),
    command=EDIT,
    look=no_workflow("echo"),
    needs=("workflows",),
)
