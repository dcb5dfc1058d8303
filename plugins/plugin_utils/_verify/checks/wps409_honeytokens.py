# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import rows_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import LEAK

CHECK = Check(
    id="WPS409",
    name="honeytokens",
    area="iam",
    severity="high",
    title="No honeytoken was used, and every honeytoken is denied everything",
    reason="No program uses a honeytoken. Whoever used it has read a place where it is stored.",
    fix=(
        "The operator starts a leak response for everything that is stored in the same place: ansible-playbook "
        "watchparty.secrets.leak_response -e leak_credentials=secret:NAME. The response replaces the honeytoken too. "
        "CloudTrail shows the caller under the name of the honeytoken's IAM user."
    ),
    scope=("The last use of each present key, as IAM reports it, and uses of earlier keys that a rotation recorded.",),
    look=rows_of("honeytokens", "rows", "the catalog declares no honeytoken (options: {honeytoken: true})"),
    command=LEAK,
    needs=("honeytokens",),
)
