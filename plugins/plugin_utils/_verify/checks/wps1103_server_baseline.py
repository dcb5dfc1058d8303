# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.baseline_rows import LIST
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import rows_of

CHECK = Check(
    id="WPS1103",
    name="server-baseline",
    area="servers",
    severity="high",
    title="Databases and caches have the users, grants and objects of their baseline",
    reason="A role, a grant, a function or a trigger of an attacker still works after a rotation of all passwords.",
    fix=(
        "The server's administrator finds out who made the change. If your team did not make it, undo it with the "
        "command in the finding, and start a leak response. If your team did, accept it: ansible-playbook "
        "watchparty.secrets.baseline -e baseline_accept=ID -e baseline_reason=TEXT."
    ),
    scope=(
        "Of PostgreSQL, grants and objects only in the database of the application's URL.",
        "Not row policies and views of PostgreSQL, and views and tables of FEDERATED and CONNECT of MySQL.",
        "Not Valkey's keys and cached scripts, and RabbitMQ's exchanges, queues and bindings.",
    ),
    look=rows_of("servers", "baseline", "the catalog names no login of PostgreSQL, Valkey, MySQL or RabbitMQ"),
    command=LIST,
    needs=("servers",),
)
