#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: server_baseline
short_description: Record which users, grants and objects should exist at servers, on hosts, in AWS and at GitHub
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Records a baseline of each server and host, the AWS account and the repository at GitHub beside the journal. It
    contains names, rules and digests, and no value.
  - The first run records a server. Later runs change the server's baseline only by the differences in O(accept). If
    other differences exist, the run fails.
  - A rotation does not change the baseline. For two logins that alternate, the baseline has one entry. It has no entry
    for a password that the stores hold.
options:
  info:
    description:
      - Name of the variable in which a result of M(watchparty.secrets.verify_info) was registered, with its option
        C(record_baseline).
    type: str
    required: true
  servers:
    description: The result of M(watchparty.secrets.revoked_logins) on the host that read the servers.
    type: dict
    required: true
  hosts:
    description: By host the result of M(watchparty.secrets.host_evidence), with its option C(baseline).
    type: dict
    default: {}
  accept:
    description: Ids of differences that become part of the baseline, or V(all).
    type: list
    elements: str
    default: []
  reason:
    description: Reason for O(accept). The baseline keeps the reason with the operator's name. Required with O(accept).
    type: str
    default: ''
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Shows the differences, and writes nothing.
    support: full
  diff_mode:
    description: The result contains the changes.
    support: none
  idempotent:
    description: If servers match the baseline, nothing changes.
    support: full
seealso:
  - module: watchparty.secrets.verify_info
"""

EXAMPLES = r"""
- name: Accept a role of the data team
  watchparty.secrets.server_baseline:
    catalog: "{{ secrets_catalog }}"
    environment: production
    info: verify_info
    servers: "{{ servers }}"
    accept: [3f2a91bc5d0e7a46]
    reason: the data team's dashboards
"""

RETURN = r"""
messages:
  description: Lines for the operator, with what was recorded or accepted.
  type: list
  elements: str
  returned: success
  sample: ["db.internal:5432: accepted: role reporting LOGIN is not in the baseline"]
left:
  description: Differences that are not accepted, each with its id and the command that removes it.
  type: list
  elements: dict
  returned: success
  sample:
    - id: 3f2a91bc5d0e7a46
      place: db.internal:5432
      message: role reporting LOGIN is not in the baseline
      undo: ALTER ROLE reporting NOLOGIN
"""
