# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A login to MySQL or MariaDB: two users that alternate."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.two_users import TwoUsers


class MysqlUser(TwoUsers):
    """Both users exist already; the unused one is locked."""

    kind = Kind(
        kind_names.MYSQL_USER,
        "A login of MySQL or MariaDB; two users, whose names end in _a and _b, alternate.",
        alternates="always",
        needs_admin=True,
        needs_user=True,
        options=("user",),
    )
    ways_in = (
        "events, triggers and routines that the login of {} could make, and users if it could make any",
        "views, grants to other users, and users that the login could make through a role, at the server of {}",
    )
    ways_in_compared = (
        "accounts, grants, events, triggers and routines at the server of {} were compared with the {}",
        "views at the server of {}",
    )
    program = main
    port = kind_names.PORTS[kind_names.MYSQL]
    packages = True
