#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: leak_evidence
short_description: Who is logged in at servers, and who read leaked secrets
version_added: 0.6.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Asks the servers of leaked credentials who is logged in, and CloudTrail who read them and what was called with
    leaked access keys, at the same time. It ends at O(deadline); what could not be
    asked is returned in words.
  - The role P(watchparty.secrets.leak_respond#role) calls this module.
  - Delegate the task to the host that talks to the servers.
options:
  credentials:
    description: Each with its C(name) and its C(kind).
    type: list
    elements: dict
    required: true
  since:
    description: Since when to look, as the journal writes times.
    type: str
    default: ''
  deadline:
    description: When the time for all evidence is over, in seconds since 1970.
    type: float
    required: true
  python:
    description: The interpreter on the task's host.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
attributes:
  check_mode:
    description: Reads, and changes nothing in either mode.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: N/A
  action:
    description: Runs on the controller. The task's host runs what talks to the servers, and needs no AWS credentials.
    support: full
seealso:
  - module: watchparty.secrets.secret_readers_info
  - module: watchparty.secrets.host_evidence
"""

EXAMPLES = r"""
- name: Ask servers and CloudTrail
  watchparty.secrets.leak_evidence:
    catalog: "{{ secrets_catalog }}"
    environment: production
    credentials: [{name: cache, kind: valkey_user}]
    deadline: "{{ now(utc=true).timestamp() + 10 }}"
  delegate_to: web1
  run_once: true
  register: evidence
"""

RETURN = r"""
sessions:
  description: By credential (C(name)) its C(sessions), or why there are none (C(msg)).
  type: list
  elements: dict
  returned: success
readers:
  description: What M(watchparty.secrets.secret_readers_info) returns, or why CloudTrail was not asked (C(msg)).
  type: dict
  returned: success
"""
