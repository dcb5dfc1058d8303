# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import rows_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import CATALOG

CHECK = Check(
    id="WPS1102",
    name="unknown-logins",
    area="servers",
    severity="high",
    title="Databases, caches and brokers accept only declared logins and passwords",
    reason="A login that the catalog does not name is never rotated, and keeps an attacker's access after a leak.",
    fix=(
        "The server's administrator finds out whose login or password it is. The command in the finding disables an "
        "undeclared login. If nobody needs the login, remove it: DROP ROLE, DROP USER, ACL DELUSER or rabbitmqctl "
        "delete_user. If somebody needs it, name it in the catalog as an external credential, or accept the finding. "
        "If a login needs no password, change pg_hba.conf in PostgreSQL, or set a password: ALTER USER … IDENTIFIED "
        "BY in MySQL, rabbitmqctl change_password in RabbitMQ. To remove a password of Valkey: ACL SETUSER USER "
        "!SHA256, then ACL SAVE."
    ),
    scope=(
        "PostgreSQL: roles that may log in, except the server's first role and AWS's own.",
        "MySQL: accounts that are not locked, also anonymous accounts and accounts without a password.",
        "Valkey: users and passwords of every declared node.",
        "RabbitMQ: users, and whether guest has its default password.",
        "Not checked: passwords of PostgreSQL, MySQL and RabbitMQ.",
        "Not checked: servers at which no credential of the catalog logs in.",
    ),
    command=CATALOG,
    look=rows_of("servers", "logins", "the catalog names no login of PostgreSQL, Valkey, MySQL or RabbitMQ"),
    needs=("servers",),
)
