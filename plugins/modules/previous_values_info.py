#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: previous_values_info
short_description: Read the leaked values, to search for them
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Reads previous versions of secrets, and the history of parameters. Returns the previous values of O(credentials),
    also previous signing keys.
  - The result contains values, and output hides it at every verbosity. Keep it only with C(register), because
    C(set_fact) may write it into a fact cache on disk. M(watchparty.secrets.env_copies) takes the name of the
    registered variable.
options:
  credentials:
    description: Names of the credentials whose previous values the module reads, as in the catalog.
    type: list
    elements: str
    required: true
  secrets:
    description: Ids of further versions that the module also reads. The keys are names of secrets.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
  - watchparty.secrets.attributes.reads
  - watchparty.secrets.attributes.controller
notes:
  - The module cannot read a version that a policy denies. So call it before M(watchparty.secrets.leak_continue) denies
    the version.
seealso:
  - module: watchparty.secrets.env_copies
"""

EXAMPLES = r"""
- name: Read the revoked values
  watchparty.secrets.previous_values_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
    credentials: [cache]
    secrets:
      watchparty/production/core: [7d444840-9dc0-11d1-b245-5ffdce74fad2]
  register: previous_values_info
  run_once: true
"""

RETURN = r"""
sealed:
  description: Lists of values by credential, encrypted. Only tasks of this run can decrypt them.
  type: str
  returned: success
unread:
  description: Names of credentials for which no previous value is known, such as a credential that only GitHub holds.
  type: list
  elements: str
  returned: success
"""
