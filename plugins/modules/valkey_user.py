#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: valkey_user
short_description: Add a password to a Valkey user beside the old one, verify it, and revoke the old one
version_added: 0.2.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Lets an old and a new login of Valkey (or Redis 6.2 and newer) be valid side by side, and ends the old one.
  - Two logins overlap in one of two ways. Either one user has two passwords for a while (O(overlap=passwords)), or two
    users with the same rights alternate (O(overlap=users)).
  - ACLs do not replicate, so every primary, replica and cluster node that the catalog declares is changed. All nodes
    are checked before the first write. A node that cannot be used is named, and nothing is done to the others.
  - A node that only a server names is never contacted, since any client that has a password can pose as a replica. It
    is reported in RV(undeclared_nodes) and a warning.
  - Changes are kept by C(ACL SAVE) or C(CONFIG REWRITE). A server that can do neither is refused.
  - Servers are sent digests of passwords. A password travels only in C(AUTH), which Valkey keeps out of its slow log
    and of C(MONITOR).
  - Runs on a host of the application with the application's interpreter, which has redis-py.
  - An ElastiCache or MemoryDB address is refused, but where it is asked without an administrator. Their passwords
    change through the API of AWS; see M(watchparty.secrets.elasticache_auth_token).
options:
  credential:
    description: Name of the credential in the catalog.
    type: str
  state:
    description:
      - V(checked) is for the time before a rotation. It asks every node whether the user could get a password and lose
        one, and whether the administrator has the rights. Changes nothing.
      - V(open) opens the gate of this rotation at the user, see O(gate). It creates the user where O(like) says how.
      - V(present) makes the password valid beside those that are.
      - V(usable) logs in with it, at its own address and at every node, and writes, reads and deletes one random key on
        a primary where the user's rules allow that.
      - V(tried) says of its own address and of O(nodes) whether they accept the login. It needs no administrator, so it
        also serves where a provider manages the server.
      - V(sessions) reports who is logged in as the user, by address. A node that cannot be asked is reported and hides
        nothing of the others. Without O(admin_url) the user itself asks, at its own address and at O(nodes).
      - V(ended) ends every session of the user but its own, as the user itself, at its own address and at O(nodes). It
        needs no administrator, only C(+info +client).
      - V(revoked) takes the password away, ends the sessions that use it, and verifies that every node rejects it.
    type: str
    choices: [checked, open, present, usable, tried, sessions, ended, revoked]
    default: present
  overlap:
    description:
      - V(passwords) is for a user that keeps its name. With O(state=revoked) only the sessions that were there at
        O(state=present) are ended, see O(last_client) and O(end_sessions), and the last password of a user is never
        taken away.
      - V(users) is for a user that alternates with another. With O(state=revoked) all of its sessions are ended once
        it has no password left.
    type: str
    choices: [passwords, users]
    default: passwords
  user:
    description: The user concerned. By default the one in O(login_url), or C(default).
    type: str
  like:
    description:
      - The user whose rules O(user) gets, with O(state=open) and O(state=present). Its passwords are not copied.
      - O(user) is created where it does not exist.
    type: str
  gate:
    description:
      - Id of the rotation. With it O(state=present) adds the password only where O(state=open) ran before for the same
        id, and O(state=revoked) closes the gate for good.
      - A controller that was paused before O(state=present) and goes on after the abort of its rotation then adds
        nothing. Run O(state=open) under an earlier entry of the journal than O(state=present).
      - Without it such a late O(state=present) adds the password again, so whoever aborts must run O(state=revoked)
        once more after the other controller is known to have ended.
      - The gate is a digest at the user that no password has.
    type: str
  journal:
    description: Number of the journal's entry. It is part of the name by which our sessions show in C(CLIENT LIST).
    type: int
    default: 0
  known_addresses:
    description:
      - Addresses and networks of the hosts that may be logged in as the user. With O(state=revoked), a session from
        elsewhere stops the module before the first write and is named. The host that runs the module is known.
      - With O(state=sessions) and no administrator, sessions from elsewhere are in RV(unknown_clients).
    type: list
    elements: str
    default: []
  allow_sessions:
    description: Goes on although there are sessions from elsewhere.
    type: bool
    default: false
  last_client:
    description:
      - The RV(last_client) that O(state=present) returned first, for O(state=revoked) with O(overlap=passwords). Every
        session up to there logged in before the new password was valid, so it uses an old one.
      - A node that is named here and that the catalog does not declare any more is reported in a warning.
    type: dict
    default: {}
  end_sessions:
    description:
      - Whose sessions O(state=revoked) ends once the password is gone.
      - V(noted) ends those up to O(last_client), or with O(overlap=users) those of a user that has no password left.
      - V(unverified) is for long after O(state=present), and the action plugin sets it for a revocation that was due
        later. On a node that was started anew since, or of which O(last_client) says nothing, all of the user's
        sessions are ended, since no session is known to use the new password.
      - V(all) ends every session of the user, whatever password it came by, and the links of replicas that are logged
        in as it, since whoever has the password can pose as one. The action plugin sets it in a leak. Programs connect
        anew. What they were just asking, or were waiting for in a blocking command, fails. A second run ends the
        sessions that came since.
    type: str
    choices: [noted, unverified, all]
    default: noted
  nodes:
    description: The declared nodes (V(host:port)) beside the administrator's address. Set by the action plugin.
    type: list
    elements: str
    default: []
  aliases:
    description: Other addresses by which declared nodes may name each other. Set by the action plugin.
    type: list
    elements: str
    default: []
  undeclared_nodes:
    description:
      - Whether nodes that servers name and the catalog does not are reported, or refused before the first write. Set by
        the action plugin, which refuses them with O(state=checked), but never in a leak.
    type: str
    choices: [report, refuse]
    default: report
  gone_nodes:
    description: Nodes (V(host:port)) that no longer exist and are left out.
    type: list
    elements: str
    default: []
  admin_url:
    description: URL with an administrator's user and password. Set by the action plugin.
    type: str
  login_url:
    description: URL with the user and the password concerned. Set by the action plugin.
    type: str
  digest:
    description: SHA-256 of the password concerned. Set by the action plugin; by default made of O(login_url).
    type: str
  leaked_url:
    description:
      - URL with the login that leaked. Set by the action plugin in a rotation that answers a leak.
      - Then nothing that its holder can change stops the module. C(nopass) is ended. A node that cannot be used is left
        out, and named at the end of O(state=revoked). An administrator that is refused gets its password again by the
        rights of the leaked login. Whoever interrupts us loses the leaked password at once, and the application too.
    type: str
  stored:
    description:
      - By user the digests of the passwords that the stores hold. Set by the action plugin with O(leaked_url).
      - The user loses every other password, in O(state=present) and O(state=revoked).
    type: dict
  pending_task:
    description:
      - With O(state=revoked), a pending task that the open rotation takes up in a leak. What goes is the former value
        that it names, which an earlier rotation left valid for a while, and not the rotation's own old one.
    type: str
    default: ""
  python:
    description: The application's interpreter on the host, which has the driver; Ansible's own there by default.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
attributes:
  check_mode:
    description: Looks at every node and reports what would change.
    support: full
  diff_mode:
    description: There is nothing to show but passwords.
    support: none
  idempotent:
    description: A second run changes nothing, but with O(end_sessions=all).
    support: full
  action:
    description: Resolves names to values on the controller.
    support: full
notes:
  - The administrator needs C(+info +client +acl +config|get), C(+config|rewrite) where there is no ACL file, and
    C(+cluster|nodes) in a cluster. A right that is missing is named, where the server can tell before the first write.
  - C(ACL SAVE) writes the server's users over the ACL file, so edit that file only together with C(ACL LOAD).
  - With O(overlap=passwords), a session that logged in by the old password after O(state=present) cannot be
    distinguished from one that uses the new password. It stays, except in a leak. Services that were restarted since
    have none. Use O(overlap=users) where that is not enough.
  - A user as which replicas log in at their primary (C(masteruser), C(masterauth)) is refused, since they would lose
    it; give them a user of their own.
  - The administrator logs in at C(server) of its credential in the catalog and at its C(nodes), over TLS that verifies
    the server unless that is on loopback. A URL of the application that leads elsewhere is refused.
  - The certificate's name is checked unless the URL says C(ssl_check_hostname=false).
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
  returned: where an administrator asks
  sample: ["10.0.2.9:6379"]
not_ended:
  description:
    - In a leak, such nodes that are still there after the sessions were ended. The old password may be valid there.
  type: list
  elements: str
  returned: when O(state=revoked) and O(end_sessions=all) and there are some
changed_nodes:
  description: The nodes that were changed.
  type: list
  elements: str
  returned: when O(state=open), O(state=present) or O(state=revoked)
  sample: ["10.0.2.7:6379"]
last_client:
  description: By node, the run of the server and the highest number of a session then. Keep the first one.
  type: dict
  returned: when O(state=present), not in check mode
  sample: {"10.0.2.7:6379": "408f1f6572b5bb10b03c65ff1ebf0fd660d75c00/1207"}
passwords:
  description: How many passwords the user has afterwards, the most on any node.
  type: int
  returned: when O(state=present) or O(state=revoked)
keyspace:
  description:
    - "Whether a key was written and read: V(written), or V(not allowed) by the user's rules. Otherwise the node, not
      declared, to which a cluster sends it."
  type: str
  returned: when O(state=usable)
accepted:
  description: Whether the login is accepted, by address.
  type: dict
  returned: when O(state=tried)
  sample: {"10.0.2.7:6379": true}
sessions:
  description: Number of the user's sessions by node and address, before anything was ended.
  type: dict
  returned: when O(state=sessions) or O(state=revoked)
  sample: {"10.0.2.7:6379": {"10.0.1.4": 12}}
unknown_clients:
  description: Addresses of sessions outside O(known_addresses).
  type: list
  elements: str
  returned: when O(state=sessions) as the user itself
ended:
  description: Number of sessions ended by node and address.
  type: dict
  returned: when O(state=revoked), not in check mode, or O(state=ended)
short:
  description: Problems of the nodes that were not asked.
  type: list
  elements: str
  returned: when O(state=sessions) or O(state=ended)
refused:
  description: The nodes that were seen to refuse the password.
  type: list
  elements: str
  returned: when O(state=revoked), not in check mode
footholds:
  description: What may let the holder of a leaked password in again, by node, with the command that ends it.
  type: list
  elements: str
  returned: when O(state=revoked), not in check mode
  sample: ["10.0.2.7:6379: user thief is not in the catalog: ACL SETUSER thief off"]
"""
