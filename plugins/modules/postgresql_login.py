#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_login
short_description: Create or drop the two PostgreSQL logins that alternate under one owner
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - The owner role (C(shop)) owns all objects. The logins (C(shop_a), C(shop_b)) are members of the owner, and act as
    the owner after they log in (C(ALTER ROLE shop_a SET role TO shop)).
  - You name only the O(credential). The controller reads its values, and sends them to the host on standard input. The
    module runs there with the application's interpreter, which has C(psycopg) or C(psycopg2).
  - The administrator needs C(CREATEROLE), and from PostgreSQL 16 on C(ADMIN OPTION) on the roles, as the master user of
    Amazon RDS has. For rotations, it also needs C(pg_signal_backend) to end sessions, and C(pg_monitor) to see their
    addresses.
options:
  credential:
    description: Name of the credential in the catalog.
    type: str
    required: true
  state:
    description:
      - V(prepared) creates the two logins without the right to log in. The owner's own login stays valid.
      - V(unprepared) drops the two logins again if neither can log in. Run it only if no rotation is open.
    type: str
    choices: [prepared, unprepared]
    default: prepared
  connect_timeout:
    description: Seconds to wait for a connection to the server.
    type: int
    default: 5
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
- name: Create both logins without a password
  watchparty.secrets.postgresql_login:
    credential: database
    state: prepared
"""

RETURN = r"""
statements:
  description: The statements that were run, or would be run in check mode, without values.
  type: list
  elements: str
  returned: success
  sample: ["CREATE ROLE \"shop_b\" NOLOGIN"]
reason:
  description:
    - One word for the problem, such as C(wrong_password), C(unreachable), C(no_database), C(not_a_member) or
      C(missing_right).
  type: str
  returned: on failure
"""
