# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import rows_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import CATALOG

CHECK = Check(
    id="WPS1101",
    name="login-rights",
    area="servers",
    severity="high",
    title="No login of the application administers its database, cache or broker",
    reason="An attacker with the application's password controls the server, and can make a login that stays.",
    fix=(
        "The server's administrator revokes the right with the command in the finding. If the command only lists "
        "logins, use: ALTER ROLE, REVOKE, DROP FUNCTION or ALTER DATABASE … OWNER TO in PostgreSQL, REVOKE in MySQL, "
        "ACL SETUSER in Valkey, set_user_tags or clear_permissions in RabbitMQ."
    ),
    scope=(
        (
            "PostgreSQL: the login and the roles that it may become. Their attributes, powerful groups, rights in "
            "databases that no URL of the catalog names, functions that act as a superuser or on the server's files, "
            "objects of the system, and parameters."
        ),
        "MySQL: both users and their roles. Their rights on *.*, and in databases that no URL of the catalog names.",
        "Valkey: ACL SETUSER, CONFIG SET, MODULE LOAD, REPLICAOF, PSYNC, MONITOR, FAILOVER, DEBUG and SHUTDOWN.",
        "RabbitMQ: tags that options.tags does not name, and permissions in vhosts that no URL of the catalog names.",
        "Not checked: the keys that a Valkey user may use.",
        "Not checked: rights inside the application's databases and vhosts, pg_monitor, and pg_maintain.",
        "Not checked: views of PostgreSQL's system tables, and foreign tables.",
    ),
    command=CATALOG,
    look=rows_of("servers", "rights", "the catalog names no login of PostgreSQL, Valkey, MySQL or RabbitMQ"),
    needs=("servers",),
)
