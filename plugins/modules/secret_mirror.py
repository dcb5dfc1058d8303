#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_mirror
short_description: Copy settings from Secrets Manager to Parameter Store
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Copies values from the current version (C(AWSCURRENT)) of secrets into parameters, never back, and writes only
    parameters that differ. C(mirror) in the catalog and C(copies) of its settings name the parameters.
  - The description of a parameter names the secret and the version of its value. A parameter that somebody else changed
    is a conflict.
  - Deletes a parameter that the mirror wrote and the catalog no longer names. Does not change parameters that an open
    rotation writes.
options:
  conflict:
    description:
      - V(report) does not change a parameter that somebody else wrote, and returns it in RV(conflicts).
      - V(overwrite) overwrites it, unless it has the wrong type.
    type: str
    choices: [report, overwrite]
    default: report
  deletes:
    description: The most parameters that one run may delete. By default C(mirror.deletes) of the catalog.
    type: int
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Returns the whole plan, and writes nothing.
    support: full
  diff_mode:
    description: Shows parameters, and fingerprints of this run. Never shows a value.
    support: full
  idempotent:
    description: A second run writes nothing.
    support: full
seealso:
  - module: watchparty.secrets.environment_provision
"""

EXAMPLES = r"""
- name: Mirror the settings
  watchparty.secrets.secret_mirror:
    catalog: "{{ secrets_catalog }}"
    environment: production
  run_once: true
"""

RETURN = r"""
plan:
  description: One line for each parameter that is written or deleted, without a value.
  type: list
  elements: str
  returned: success
  sample:
    - parameter /shop/production/shared/TOKEN gets secret shop/production/core key TOKEN, version 3f, as TOKEN (is new)
differences:
  description: The lines of RV(plan) that change the value of a parameter or delete a parameter.
  type: list
  elements: str
  returned: success
conflicts:
  description: One line for each parameter that somebody else changed, with the remedy.
  type: list
  elements: str
  returned: success
held:
  description: Names of parameters that the module did not change, because an open rotation writes them.
  type: list
  elements: str
  returned: success
unchanged:
  description: Number of parameters that already have the right value.
  type: int
  returned: success
"""
