#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticache_auth_token
short_description: Rotate the AUTH token of an ElastiCache replication group
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Adds a new AUTH token beside the old token (C(ModifyReplicationGroup) with C(ROTATE)), and removes the old token
    (C(SET)).
  - B(Not run on AWS.) The tests use a stand-in that follows botocore's model, with a real Valkey.
  - The controller calls AWS. ElastiCache does not report which tokens are valid, so the application's host logs in at
    every endpoint of the group, before and after each change.
  - The credential's C(options.replication_group) in the catalog names the group. The module refuses groups without
    encryption in transit, groups without a token, and groups with user groups.
options:
  credential:
    description: Name of the credential in the catalog.
    type: str
    required: true
  state:
    description:
      - V(checked), before a rotation, reads the group from AWS, and checks that the server answers.
      - V(present) makes the token of the open rotation valid beside the old one.
      - V(usable) logs in with the new token at every address.
      - V(sessions), outside of a rotation, logs in as the application and lists the addresses that are logged in.
      - V(revoked) keeps only the new token, or only the old token if the rotation is aborted, and verifies that the
        server rejects the other one. It fails first if there is a session from outside O(known_addresses), or if an
        endpoint does not show who is logged in.
      - ElastiCache does not end the sessions of the removed token. In a leak, V(revoked) ends all sessions with
        C(CLIENT KILL), and RV(not_ended) names the nodes that do not allow this command.
    type: str
    choices: [checked, present, usable, sessions, revoked]
    default: present
  known_addresses:
    description:
      - Addresses and networks of the hosts that may be logged in, for O(state=revoked), such as V(10.0.1.0/24). The
        host that connects to Valkey (C(rotation_host)) need not be listed.
    type: list
    elements: str
    default: []
  allow_sessions:
    description:
      - Whether to remove the old token although there are sessions from addresses outside O(known_addresses). These
        sessions stay until they connect again.
    type: bool
    default: false
  pending_task:
    description:
      - Id of a pending task, as M(watchparty.secrets.rotation_info) lists it. In a leak, O(state=revoked) then revokes
        the old value of this task.
    type: str
    default: ""
  python:
    description:
      - The application's interpreter on the host, with redis-py. By default the interpreter that Ansible uses on this
        host.
    type: str
  wait_seconds:
    description: Seconds to wait until AWS has finished a change. A change takes AWS some minutes.
    type: int
    default: 1800
  wait_interval:
    description: Seconds between two requests for the group's state.
    type: int
    default: 10
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
attributes:
  check_mode:
    description: Reads the group from AWS and logs in to Valkey, and changes nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: The module first tries the token at the server. It does not send a token that is already valid.
    support: full
  action:
    description: Calls AWS on the controller, and connects to Valkey from the host.
    support: full
notes:
  - Needs C(elasticache:DescribeReplicationGroups) and C(elasticache:ModifyReplicationGroup) on the group.
  - AWS has no conditional change of tokens, so the module reads the journal immediately before each change. If a
    controller that was paused sends its token late, V(revoked) of the next rotation removes this token.
seealso:
  - module: watchparty.secrets.valkey_user
  - name: Authenticating with the AUTH command
    description: What AWS says of ROTATE and SET.
    link: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html
"""

EXAMPLES = r"""
- name: Make the new token valid
  watchparty.secrets.elasticache_auth_token:
    catalog: "{{ secrets_catalog }}"
    environment: production
    credential: cache

- name: Keep the new token only
  watchparty.secrets.elasticache_auth_token:
    catalog: "{{ secrets_catalog }}"
    environment: production
    credential: cache
    state: revoked
    known_addresses: [10.0.1.0/24]
"""

RETURN = r"""
replication_group:
  description: Name of the replication group.
  type: str
  returned: success
  sample: watch-party-valkey
accepted:
  description: Whether the server at each address accepts the token.
  type: dict
  returned: when not O(state=sessions)
  sample: {"master.watch-party-valkey.abc123.euw1.cache.amazonaws.com:6379": true}
sessions:
  description: Number of sessions by node and address.
  type: dict
  returned: when O(state=sessions)
  sample: {"watch-party-valkey-001.abc123.0001.euw1.cache.amazonaws.com:6379": {"10.0.1.4": 12}}
short:
  description: Addresses that the module could not ask, each with the reason.
  type: list
  elements: str
  returned: when O(state=sessions)
ended:
  description: Number of sessions ended by node and address.
  type: dict
  returned: when O(state=revoked) ended any in a leak
not_ended:
  description: Nodes on which sessions of the old token could not be ended and are still logged in, with the reason.
  type: list
  elements: str
  returned: when O(state=revoked) could not end all of them in a leak
  sample: ["watch-party-valkey-001.abc123.0001.euw1.cache.amazonaws.com:6379: the user lacks a right"]
"""
