#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: revoked_logins
short_description: Check which logins servers accept, and that previous logins and SSH keys are rejected
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Tries one login with each previous value of a credential, at the address where the application uses the current
    value. For servers, it tries the last three previous values, for other credentials the value of C(AWSPREVIOUS).
  - Servers are tried on a host of the application with the application's interpreter and its drivers (C(psycopg),
    C(psycopg2), C(redis) or C(pymysql)). SSH keys are tried by the controller, without a session. The values are on
    standard input, never in the task's arguments.
  - A rejection counts only if the server accepts the current value from the same host. Otherwise the result is
    V(neither), or V(untried) with the reason if the module cannot try a value. A value that must still be valid is not
    tried.
  - MySQL, MariaDB and RabbitMQ are tried at the address that the catalog declares. If MySQL or MariaDB locks an account
    after fewer than ten wrong passwords, nothing is tried.
  - The module also asks servers which logins they have, and what the application's logins may do. MySQL, MariaDB and
    RabbitMQ are asked only as their administrator.
options:
  info:
    description: Name of the variable in which a result of M(watchparty.secrets.verify_info) was registered.
    type: str
    required: true
  keys:
    description: Whether to try SSH keys at this host.
    type: bool
    default: true
  servers:
    description: Whether to ask databases and caches from this host. One host is enough.
    type: bool
    default: true
  administrators:
    description:
      - Whether to send the logins of the administrators of Valkey, MySQL and RabbitMQ to this host, to list the users
        there. If false, the module lists Valkey's users only with a user of the application that may list them, and
        does not ask MySQL and RabbitMQ.
    type: bool
    default: false
  connect_timeout:
    description: Seconds to wait for a connection.
    type: int
    default: 5
  python:
    description:
      - The application's interpreter on the host, with the driver of the server. By default the interpreter that
        Ansible uses on this host.
    type: str
extends_documentation_fragment:
  - watchparty.secrets.attributes.reads
attributes:
  action:
    description: Finds the values on the controller, and tries SSH keys from there.
    support: full
notes:
  - The server's log shows each failed login. After each try, the module logs in with the current value.
  - At Valkey, the module tries only the node at the address in the application's URL. A rotation verifies every node
    before it ends.
seealso:
  - module: watchparty.secrets.verify_report
"""

EXAMPLES = r"""
- name: Try previous values
  watchparty.secrets.revoked_logins:
    info: verify_info
    python: /srv/watchparty/venv/bin/python
  register: former
"""

RETURN = r"""
tried:
  description:
    - State of each credential's previous values (accepted, refused, neither or untried), with an explanation.
  type: dict
  returned: success
  sample: {database: {state: refused, message: "rejected now at database shop at db.internal, port 5432"}}
inspected:
  description:
    - Logins of each server and their rights, by address. C(rights) has the rights that a login should not have,
      C(unexplained) the first logins that the catalog does not declare, and C(honeytokens) the use of each honeytoken.
  type: dict
  returned: when there is a server to ask
  sample:
    db.internal:5432:
      problems: []
      rights: {database: []}
      listed: true
      seen: 4
      unexplained: [{name: reporting, known: false}]
      more: 0
      honeytokens: {reports: {exists: true, rights: [], open: [], uses: 0, since: ""}}
"""
