#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: revoked_logins
short_description: Check which logins databases and caches accept, and that previous logins and SSH keys are rejected
version_added: 0.3.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Logs in once with each value that a credential had before its current one, where the application uses the current
    one. Logs in and nothing else. That is the value of C(AWSPREVIOUS); of databases and caches the last three.
  - Databases and caches are tried on a host of the application with the application's interpreter, which has
    C(psycopg), C(psycopg2) or C(redis). The action plugin of the same name takes the values from what
    M(watchparty.secrets.verify_info) has read, and hands them to the module on standard input. No value is ever in the
    task's arguments.
  - SSH keys are tried from the controller, over Ansible's own way to the host and out of an agent that ends with the
    try. No session is opened there.
  - A refusal counts only if the current value is accepted from the same place; else it is V(neither). Whatever cannot
    be tried is V(untried), with the reason.
  - Databases and caches are also asked, in read-only transactions and by C(ACL LIST), which logins they have and what
    the application's may do. Values of passwords are compared on the host, by their digests.
  - A value that is still valid by a plan is not tried. That is the value of an open rotation, or of one that revokes
    later.
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
      - Whether to send the logins of Valkey's administrators to this host, to list the users there. If false, the
        module lists users only with a user of the application that may list them.
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
  tries:
    description: Internal; do not set. The logins to try.
    type: list
    elements: dict
    default: []
  inspections:
    description: Internal; do not set. The servers to ask for their logins.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - watchparty.secrets.attributes.reads
attributes:
  action:
    description: Finds the values on the controller, and tries SSH keys from there.
    support: full
notes:
  - A failed login is a line in the server's log. The current value logs in after each.
  - Of Valkey the node at the address in the application's URL is tried. A rotation verifies every node before it
    closes.
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
  description: State and words by credential. The state is accepted, refused, neither or untried.
  type: dict
  returned: success
  sample: {database: {state: refused, message: "rejected now at database shop at db.internal, port 5432"}}
inspected:
  description:
    - What each server showed, by its address. C(rights) are words by credential, C(unexplained)
      are the first logins that the catalog does not declare, with the beginnings of their passwords' digests.
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
"""
