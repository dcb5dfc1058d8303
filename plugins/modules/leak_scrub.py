#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: leak_scrub
short_description: Take dead values out of reach after a leak
version_added: 0.2.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Hygiene, once the values are proven refused. Labels come off the leaked versions, a resource policy denies everybody
    these versions by id, and a parameter's history is pushed out by overwriting it with its own value, so that it is
    never missing.
  - Every other version of these secrets is read, those without labels too. One that holds a value of O(credentials)
    which is dead with the leaked versions is treated alike, but for what a rotation that is open needs, which is told.
  - A version that an open obligation of the journal names is left as it is, and told with what reads it yet and when it
    is scrubbed.
  - Each replica of a secret is looked at too. AWS takes labels and policies there by itself; where a policy is missing
    it is put there, and what AWS refuses is told.
  - Other statements of a policy stay. What cannot be scrubbed is told, not failed.
options:
  secrets:
    description: Version ids by secret.
    type: dict
    default: {}
  parameters:
    description: Full names of parameters.
    type: list
    elements: str
    default: []
  credentials:
    description:
      - Names of the credentials that leaked. Where GitHub mirrors one, it is told whether the rotation sent the new
        value there, which is looked up with the token that the environment names; see the page docs/github.md.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
attributes:
  check_mode:
    description: Changes nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: Versions are denied once; a parameter's history is written each time.
    support: partial
  action:
    description: Runs on the controller, inside Ansible itself.
    support: full
notes:
  - Needs C(secretsmanager:GetResourcePolicy), C(secretsmanager:PutResourcePolicy),
    C(secretsmanager:ListSecretVersionIds) and C(ssm:GetParameterHistory) beside what a rotation needs.
  - AWS keeps 100 versions of a parameter, so each takes 100 writes.
"""

EXAMPLES = r"""
- name: Take the leaked version out of reach
  watchparty.secrets.leak_scrub:
    catalog: "{{ secrets_catalog }}"
    environment: production
    secrets:
      watchparty/production/core: [7d444840-9dc0-11d1-b245-5ffdce74fad2]
  run_once: true
"""

RETURN = r"""
scrubbed:
  description: What was done.
  type: list
  elements: str
  returned: success
not_scrubbed:
  description: What could not be, and why.
  type: list
  elements: str
  returned: success
"""
