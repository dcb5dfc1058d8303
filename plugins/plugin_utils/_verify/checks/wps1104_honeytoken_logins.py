# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import rows_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import LEAK

CHECK = Check(
    id="WPS1104",
    name="honeytoken-logins",
    area="servers",
    severity="high",
    title="No honeytoken of a database or cache was used, and none has a right",
    reason="No program uses a honeytoken. Whoever used it has read a place where it is stored.",
    fix=(
        "The operator starts a leak response for everything that is stored in the same place: ansible-playbook "
        "watchparty.secrets.leak_response -e leak_credentials=secret:NAME. The server's log shows the address of the "
        "login."
    ),
    scope=(
        "PostgreSQL: rights, and sessions in the honeytoken's database. Not rejected logins.",
        "Valkey: rejected logins in the ACL log, and whether the user exists.",
    ),
    look=rows_of("servers", "honeytokens", "the catalog declares no honeytoken of PostgreSQL or Valkey"),
    command=LEAK,
    needs=("servers",),
)
