#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_mirror
short_description: Repeat settings of Secrets Manager in Parameter Store
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Writes into parameters what the current version (C(AWSCURRENT)) of the secrets holds, one way. The catalog's
    C(mirror) and the settings' C(copies) say which parameters. Only parameters that differ are written.
  - A parameter's description says which version of which secret it holds. A parameter that somebody else changed is
    a conflict.
  - A parameter that the mirror wrote and the catalog names no longer is deleted.
  - Parameters that an open rotation writes stay as they are.
options:
  conflict:
    description:
      - V(report) does not change a parameter that somebody else wrote or changed, and returns it in RV(conflicts).
      - V(overwrite) overwrites it. A parameter of the wrong type remains a conflict.
    type: str
    choices: [report, overwrite]
    default: report
  deletes:
    description: How many parameters one run may delete. By default C(mirror.deletes) of the catalog.
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
    description: Shows parameters, and fingerprints that tell within this run which values are equal; never a value.
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
  description: Parameters that an open rotation writes.
  type: list
  elements: str
  returned: success
problems:
  description: Always empty; a problem with a source fails the module before the first write.
  type: list
  elements: str
  returned: success
unchanged:
  description: The number of parameters that hold what they are to hold.
  type: int
  returned: success
"""
