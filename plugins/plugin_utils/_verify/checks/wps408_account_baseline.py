# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.baseline_rows import LIST
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import rows_of

CHECK = Check(
    id="WPS408",
    name="account-baseline",
    area="iam",
    severity="high",
    title="The AWS account has the users, keys, roles and policies of its baseline",
    reason="A user, an access key or a trusted principal of an attacker outlives the rotation of every key.",
    fix=(
        "The account's administrator finds out in CloudTrail who made the change. If your team did not make it, undo "
        "it with the command in the finding, and start a leak response. If your team did, accept it: "
        "ansible-playbook watchparty.secrets.baseline -e baseline_accept=ID -e baseline_reason=TEXT."
    ),
    scope=(
        "Not AWS's service-linked roles, grants of AWS services, and the texts of AWS's own policies.",
        "Not inactive access keys, and access keys that the stores hold.",
    ),
    look=rows_of("account_baseline", "rows", "the account has nothing to compare"),
    command=LIST,
    needs=("account_baseline",),
)
