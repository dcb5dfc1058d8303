#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: mirror_function
short_description: Create the Lambda function that mirrors secrets by itself
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Creates the Lambda function that C(mirror.function) in the catalog declares, or changes what differs, with its log
    group, queue of failed events, rules and alarm. P(watchparty.secrets.aws_access#role) creates the IAM role of the
    function.
  - The code consists of this collection's own files and the catalog.
  - If the catalog has no C(mirror.function) but AWS still has the function, the module warns. With O(delete), it
    deletes the function.
options:
  delete:
    description:
      - Whether to delete the function, its rules, alarm, queue and log group.
      - Refused while the catalog has C(mirror.function).
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Returns the whole plan, and changes nothing.
    support: full
  diff_mode:
    description: The plan says what changes.
    support: none
  idempotent:
    description: A second run changes nothing.
    support: full
seealso:
  - module: watchparty.secrets.secret_mirror
"""

EXAMPLES = r"""
- name: Make the mirror's function
  watchparty.secrets.mirror_function:
    catalog: "{{ secrets_catalog }}"
    environment: production
  run_once: true
"""

RETURN = r"""
plan:
  description: One line for each resource to create, change or delete.
  type: list
  elements: str
  returned: success
  sample: [update the code of function shop-production-mirror]
"""
