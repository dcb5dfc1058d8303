# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import rows_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import ACCESS

CHECK = Check(
    id="WPS405",
    name="access-drift",
    area="iam",
    severity="high",
    title="Roles, policies, KMS key and OIDC provider match the catalog",
    reason="A manual change can grant access that nobody reviewed, or make the next deploy fail.",
    fix=(
        "To show the differences: ansible-playbook watchparty.secrets.provision --tags access --check --diff. To "
        "correct them, leave out --check. This keeps additional policies of a role. To detach managed policies, add -e "
        "aws_access_purge_policies=true. To delete an inline policy: aws iam delete-role-policy --role-name ROLE "
        "--policy-name NAME."
    ),
    scope=("Not thumbprints and further audiences of the OIDC provider.",),
    command=ACCESS,
    look=rows_of("access", "rows", "aws in the catalog declares no resources"),
    needs=("access",),
)
