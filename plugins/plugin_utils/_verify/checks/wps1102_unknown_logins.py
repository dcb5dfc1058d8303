# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Databases, caches and brokers accept only declared logins and passwords."""

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
        "The server's administrator finds out whose login it is. The command disables an undeclared login. Later, "
        "remove the login: DROP ROLE, DROP USER, ACL DELUSER or rabbitmqctl delete_user. If PostgreSQL asks no "
        "password, change pg_hba.conf. If a declared account of MySQL needs none: ALTER USER … IDENTIFIED BY, for "
        "guest of RabbitMQ: rabbitmqctl change_password. To remove a password of Valkey: ACL SETUSER USER !SHA256, "
        "then ACL SAVE. Or the operator names the login in the catalog as an external credential, or accepts the "
        "finding. Checked: roles that may log in, except the server's first role and AWS's own; users and passwords "
        "of every declared Valkey node; accounts of MySQL that are not locked, also anonymous ones and those without "
        "a password; users of RabbitMQ, and guest's default password. Not checked: passwords of PostgreSQL, MySQL "
        "and RabbitMQ."
    ),
    command=CATALOG,
    look=rows_of("servers", "logins", "the catalog names no login of PostgreSQL, Valkey, MySQL or RabbitMQ"),
    needs=("servers",),
)
