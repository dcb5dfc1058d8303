#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: valkey_user
short_description: Add a password to a Valkey user beside the old one, verify it, and revoke the old one
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Adds a new login of Valkey (or Redis 6.2 and newer) beside the old login, and later removes the old login.
  - Two logins overlap in one of two ways. Either one user has two passwords for a while (O(overlap=passwords)), or two
    users with the same rights alternate (O(overlap=users)).
  - ACLs do not replicate, so the module changes every node that the catalog declares, and checks all of them before the
    first write. It does not contact other nodes that a server reports, because any client with a password can pose as a
    replica. RV(undeclared_nodes) and a warning name them.
  - The module saves changes by C(ACL SAVE) or C(CONFIG REWRITE), and refuses a server that can do neither. It sends a
    password itself only in C(AUTH), which Valkey does not log.
  - Runs on a host of the application with the application's interpreter, which has redis-py. For ElastiCache and
    MemoryDB, use M(watchparty.secrets.elasticache_auth_token).
options:
  credential:
    description: Name of the credential in the catalog.
    type: str
  state:
    description:
      - V(checked), before a rotation, checks on every node that the administrator can change the user. It changes
        nothing.
      - V(blocked), in a leak, switches the user off, removes the old password, and ends all sessions of the user.
        V(present) switches the user on again.
      - V(open) gives the user a marker of this rotation (O(gate)). If the user does not exist, it creates the user with
        the rules of O(like).
      - V(present) adds the new password, if the user still has the marker. The other passwords stay valid.
      - V(usable) logs in with the new password at every node. On a primary, it writes, reads and deletes one random key
        if the user's rules allow that.
      - V(tried) returns for each address whether it accepts the login. It needs no administrator.
      - V(sessions) returns the addresses that are logged in as the user, and names each node that does not answer.
      - V(ended) ends every other session of the user, with the user's own login, which needs C(+info +client).
      - V(revoked) removes the password and the marker, ends the sessions that use the password, and verifies that every
        node rejects the password.
    type: str
    choices: [checked, blocked, open, present, usable, tried, sessions, ended, revoked]
    default: present
  overlap:
    description:
      - Internal; do not set. V(passwords) is for a user that keeps its name. O(state=revoked) then ends only the
        sessions that existed at O(state=present), and never removes the last password.
      - V(users) is for two users that alternate. O(state=revoked) then ends all sessions of the user that has no
        password left.
    type: str
    choices: [passwords, users]
    default: passwords
  user:
    description:
      - Internal; do not set. Name of the user whose password changes. By default the user in O(login_url), or
        C(default).
    type: str
  like:
    description: Internal; do not set. Name of the user whose rules O(user) gets. Its passwords are not copied.
    type: str
  gate:
    description:
      - Internal; do not set. Id of the rotation. If set, O(state=present) adds the password only after O(state=open)
        with the same id, and before O(state=revoked). So a paused controller adds nothing after an abort.
    type: str
  journal:
    description:
      - Internal; do not set. Number of the journal's entry. It is part of the name of the module's own sessions in
        C(CLIENT LIST).
    type: int
    default: 0
  known_addresses:
    description:
      - Addresses and networks from which sessions of the user may come, such as V(10.0.1.0/24), besides the host that
        runs the module. If there is a session from another address, O(state=revoked) fails before the first write and
        names the address.
    type: list
    elements: str
    default: []
  allow_sessions:
    description:
      - Whether O(state=revoked) continues although there are sessions from addresses outside O(known_addresses).
    type: bool
    default: false
  last_client:
    description:
      - Internal; do not set. The RV(last_client) that O(state=present) returned first. Sessions up to this client id
        use an old password.
    type: dict
    default: {}
  end_sessions:
    description:
      - Which sessions O(state=revoked) ends after it removed the password.
      - V(noted) ends the sessions up to O(last_client). With O(overlap=users), it ends the sessions of a user that has
        no password left.
      - V(unverified), for a pending revocation, also ends all sessions on nodes that were restarted or are missing in
        O(last_client).
      - V(all), for a leak, ends every session of the user, and the links of replicas that are logged in as the user.
    type: str
    choices: [noted, unverified, all]
    default: noted
  nodes:
    description: Internal; do not set. The declared nodes (V(host:port)) other than the administrator's address.
    type: list
    elements: str
    default: []
  aliases:
    description: Internal; do not set. Other addresses by which declared nodes may name each other.
    type: list
    elements: str
    default: []
  undeclared_nodes:
    description:
      - Internal; do not set. Whether the module reports nodes that the catalog does not declare, or refuses them before
        the first write.
    type: str
    choices: [report, refuse]
    default: report
  gone_nodes:
    description: Nodes (V(host:port)) that no longer exist. The module does not connect to them.
    type: list
    elements: str
    default: []
  admin_url:
    description: Internal; do not set. URL with an administrator's user and password.
    type: str
  login_url:
    description: Internal; do not set. URL with the user and the password that changes.
    type: str
  digest:
    description: Internal; do not set. SHA-256 of the password that changes. By default computed from O(login_url).
    type: str
  leaked_url:
    description:
      - Internal; do not set. URL with the leaked login, in a rotation that answers a leak. Then no change that the
        attacker can make stops the module.
    type: str
  stored:
    description:
      - Internal; do not set. Digests of the passwords in the stores, by user. O(state=present) and O(state=revoked)
        remove all other passwords of these users.
    type: dict
  inventory:
    description: Internal; do not set. What to ask the nodes for, to compare them with their baseline.
    type: dict
  pending_task:
    description:
      - Id of a pending task, as M(watchparty.secrets.rotation_info) lists it. In a leak, O(state=revoked) then revokes
        the old value of this task.
    type: str
    default: ""
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
    description: Reads every node, and reports what would change.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: A second run changes nothing, except with O(end_sessions=all).
    support: full
  action:
    description: Resolves names to values on the controller.
    support: full
notes:
  - The administrator needs C(+info +client +acl +config|get), C(+config|rewrite) where there is no ACL file, and
    C(+cluster|nodes) in a cluster.
  - C(ACL SAVE) writes the server's users over the ACL file, so edit that file only together with C(ACL LOAD).
  - With O(overlap=passwords), a session that logs in with the old password after O(state=present) ends only in a leak.
    With O(overlap=users), all old sessions end.
  - If replicas log in at their primary as this user (C(masteruser), C(masterauth)), the module fails. Give the replicas
    a separate user.
  - The administrator logs in only at C(server) of its credential in the catalog, and at the C(nodes) of this C(server).
    TLS verifies the server, except on loopback.
  - The module checks the name in the certificate, unless the URL has C(ssl_check_hostname=false).
"""

EXAMPLES = r"""
- name: Make the new password valid
  watchparty.secrets.valkey_user:
    credential: cache
    state: present

- name: Take the old one away
  watchparty.secrets.valkey_user:
    credential: cache
    state: revoked
    known_addresses: [10.0.1.0/24]
"""

RETURN = r"""
nodes:
  description: The declared nodes.
  type: list
  elements: dict
  returned: success
  sample: [{node: "10.0.2.7:6379", role: primary}]
undeclared_nodes:
  description: Nodes that servers name and the catalog does not declare. They were not contacted.
  type: list
  elements: str
  returned: with an administrator
  sample: ["10.0.2.9:6379"]
not_ended:
  description:
    - In a leak, undeclared nodes that are still connected after the sessions were ended. These nodes may still accept
      the old password.
  type: list
  elements: str
  returned: when O(state=revoked), O(end_sessions=all) and such a node exists
changed_nodes:
  description: The nodes that were changed.
  type: list
  elements: str
  returned: when O(state=open), O(state=present) or O(state=revoked)
  sample: ["10.0.2.7:6379"]
last_client:
  description: Run id and highest client id of each node. Keep the first result for O(last_client).
  type: dict
  returned: when O(state=present), not in check mode
  sample: {"10.0.2.7:6379": "408f1f6572b5bb10b03c65ff1ebf0fd660d75c00/1207"}
passwords:
  description: Number of passwords that the user has after the task. If nodes differ, the highest number.
  type: int
  returned: when O(state=present) or O(state=revoked)
keyspace:
  description:
    - V(written) if the test wrote and read a key, V(not allowed) if the user's rules do not allow this. If a cluster
      redirects the test to an undeclared node, the node's address.
  type: str
  returned: when O(state=usable)
accepted:
  description: Whether the server at each address accepts the login.
  type: dict
  returned: when O(state=tried)
  sample: {"10.0.2.7:6379": true}
sessions:
  description: Number of the user's sessions by node and address, before the module ended sessions.
  type: dict
  returned: when O(state=sessions) or O(state=revoked)
  sample: {"10.0.2.7:6379": {"10.0.1.4": 12}}
unknown_clients:
  description: Addresses of sessions outside O(known_addresses).
  type: list
  elements: str
  returned: when O(state=sessions) without an administrator
ended:
  description: Number of sessions ended by node and address.
  type: dict
  returned: when O(state=revoked), not in check mode, or O(state=ended)
short:
  description: Nodes that the module could not ask, each with the problem.
  type: list
  elements: str
  returned: when O(state=sessions) or O(state=ended)
refused:
  description: Nodes that verifiably reject the password.
  type: list
  elements: str
  returned: when O(state=revoked), not in check mode
footholds:
  description:
    - Changes on each node that may let the holder of a leaked password in again, each with the command that removes the
      change. If a baseline was recorded, the list has all differences from this baseline.
  type: list
  elements: str
  returned: when O(state=revoked), not in check mode
  sample: ["10.0.2.7:6379: user thief is not in the catalog: ACL SETUSER thief off"]
evicted:
  description: Users that the task deleted on each node, because neither the catalog nor the baseline has them.
  type: list
  elements: str
  returned: when O(state=revoked), not in check mode
  sample: ["10.0.2.7:6379: user thief could log in: ACL DELUSER thief"]
"""
