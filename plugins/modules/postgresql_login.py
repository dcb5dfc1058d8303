#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_login
short_description: Alternate two PostgreSQL logins under one owner
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Sets, tests and revokes the login roles of a database credential that rotates.
  - The owner role (C(shop)) owns all objects. The logins (C(shop_a), C(shop_b)) are members of the owner, and act as
    the owner after they log in (C(ALTER ROLE shop_a SET role TO shop)).
  - You name only the O(credential). The controller reads its values, and sends them to the host on standard input. The
    module runs there with the application's interpreter, which has C(psycopg) or C(psycopg2).
  - The server gets a password only as a SCRAM verifier. All changes of one state happen in one transaction.
  - The comment on a login's role holds the journal number of the last change. The module refuses changes of a run that
    read a lower number.
  - The administrator needs C(CREATEROLE), and from PostgreSQL 16 on C(ADMIN OPTION) on the roles, as the master user of
    Amazon RDS has. To end sessions, it needs C(pg_signal_backend), and to see their addresses C(pg_monitor).
options:
  credential:
    description: Name of the credential in the catalog.
    type: str
  state:
    description:
      - V(checked), before a rotation, checks that the administrator can log in and may change the roles. It writes
        nothing.
      - V(blocked), in a leak, removes the right of O(login) to log in, and ends its sessions.
      - V(present) enables O(login) with the new password, and creates the role if it is missing. The other login stays
        valid. If O(login) has sessions, the module sets no new password unless O(allow_sessions=true).
      - V(usable) logs in with O(login_url) from this host, as the application does, and tries a few statements.
      - V(sessions) lists the sessions of O(login).
      - V(revoked) removes the password of O(login) and its right to log in, ends its sessions, and verifies that the
        server rejects O(login_url). The role stays, because it may own objects.
      - V(prepared) creates the two logins without the right to log in. The owner's own login stays valid.
      - V(unprepared) drops the two logins again if neither can log in. Run it only if no rotation is open.
    type: str
    choices: [checked, blocked, present, usable, sessions, revoked, prepared, unprepared]
    default: present
  admin_url:
    description: Internal; do not set. The administrator's URL. Not used by O(state=usable).
    type: str
  login_url:
    description:
      - Internal; do not set. The application's URL with the login and its password. Needed by O(state=present),
        O(state=usable) and O(state=revoked).
    type: str
  login:
    description: Internal; do not set. Name of the login role.
    type: str
  owner:
    description: Internal; do not set. Name of the role that owns all objects.
    type: str
  verifier:
    description: Internal; do not set. SCRAM verifier of the new password. Needed by O(state=present).
    type: str
  like:
    description:
      - Internal; do not set. Name of the login in use now. O(state=present) copies its settings. Needed by
        O(state=checked).
    type: str
  journal:
    description:
      - Internal; do not set. Number of the journal's entry under which this run changes the login. 0 for
        O(state=prepared) and O(state=unprepared).
    type: int
    default: 0
  known_addresses:
    description:
      - Addresses and networks from which O(login) may have sessions, such as V(10.0.1.0/24).
      - V(local) stands for Unix sockets.
    type: list
    elements: str
    default: []
  allow_sessions:
    description:
      - With O(state=revoked), whether to end sessions from addresses outside O(known_addresses) too. If false, the
        module fails and names these addresses. With O(state=present), whether to set a new password for a login that
        has sessions.
    type: bool
    default: false
  connect_timeout:
    description: Seconds to wait for a connection.
    type: int
    default: 5
  leaked:
    description:
      - Internal; do not set. Name of the leaked login, in a rotation that answers a leak. Then no change that the
        attacker can make stops the module.
    type: str
  successor_url:
    description: Internal; do not set. The URL with the new login, in a rotation that answers a leak.
    type: str
  inventory:
    description: Internal; do not set. What to list at the server, to compare it with its baseline.
    type: dict
  catalog_logins:
    description: Internal; do not set. The logins of the catalog, to search a server without a baseline for others.
    type: dict
  python:
    description:
      - The application's interpreter on the host, with the driver of the server. By default the interpreter that
        Ansible uses on this host.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
attributes:
  check_mode:
    description: Reports the statements without values, and writes nothing.
    support: full
  diff_mode:
    description: Shows the statements without values.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
  action:
    description: Finds the values on the controller.
    support: full
notes:
  - The administrator logs in only at C(server) of its credential in the catalog. TLS verifies the server, except on a
    socket or loopback. The module refuses every authentication except SCRAM. For this, libpq 13 to 15 needs TLS. If the
    application's URL leads to another server, the module fails before it sends anything.
  - If a line of C(pg_hba.conf) names the owner, write C(+owner) there, which includes the two logins.
  - A statement waits at most 5 seconds for a lock and runs at most 15 seconds.
"""

EXAMPLES = r"""
- name: Make the new password valid beside the old one
  watchparty.secrets.postgresql_login:
    credential: database
    state: present

- name: Log in with it from here
  watchparty.secrets.postgresql_login:
    credential: database
    state: usable

- name: End the old one
  watchparty.secrets.postgresql_login:
    credential: database
    state: revoked
"""

RETURN = r"""
login:
  description: Name of the login role.
  type: str
  returned: when O(login) is given
  sample: shop_b
statements:
  description: The statements that were run, or would be run in check mode, without values.
  type: list
  elements: str
  returned: when O(state) is V(present), V(revoked), V(prepared) or V(unprepared)
  sample: ["ALTER ROLE \"shop_b\" LOGIN PASSWORD '…'"]
usable:
  description: Whether the login works. If it does not work, the module fails, except in check mode.
  type: bool
  returned: when O(state=usable)
temporary_table:
  description: Whether the test created and dropped a temporary table. False if the owner lacks this right.
  type: bool
  returned: when O(state=usable) and the login works
not_copied:
  description: Names of the settings of O(leaked) that O(login) did not get.
  type: list
  elements: str
  returned: when O(state=present), O(leaked) is given and a setting was not copied
footholds:
  description:
    - Changes at the server that may let the holder of O(leaked) in again, each with the statement that removes it. If a
      baseline was recorded, the list has all differences from this baseline.
  type: list
  elements: str
  returned: when O(state=revoked) and O(leaked) is given, not in check mode
  sample: ["role \"thief\" is a member of \"shop\": REVOKE \"shop\" FROM \"thief\""]
evicted:
  description: Roles that were disabled because neither the catalog nor the baseline has them, with the statements.
  type: list
  elements: str
  returned: when O(state=revoked), and a leak response removes logins
  sample: ["role \"thief\" could log in: ALTER ROLE \"thief\" NOLOGIN PASSWORD NULL; 1 sessions ended"]
sessions:
  description: Sessions of the login, by address and program, and whether the address is known.
  type: list
  elements: dict
  returned: when O(state) is V(sessions) or V(revoked)
  sample: [{"address": "10.0.0.7", "application_name": "gunicorn", "count": 4, "known": true}]
ended:
  description: Number of sessions that were ended.
  type: int
  returned: when O(state=revoked), not in check mode
refused:
  description: Whether the server verifiably rejects the login.
  type: bool
  returned: when O(state=revoked), not in check mode
refusal:
  description: How the server rejected the login, such as C(no_login) or C(wrong_password).
  type: str
  returned: when O(state=revoked), not in check mode
seconds:
  description: Seconds from the first statement to the verified rejection.
  type: float
  returned: when O(state=revoked), not in check mode
  sample: 0.21
reason:
  description:
    - One word for the problem, such as C(wrong_password), C(limit), C(unreachable), C(no_database),
      C(not_a_member), C(missing_right), C(overtaken) or C(unknown_sessions).
  type: str
  returned: on failure
"""
