#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_compare
short_description: Check that a .env is what a deploy would write
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Reads an environment as M(watchparty.secrets.env_snapshot) does, and compares the C(.env) that a deploy would write
    with a file on the controller.
  - Fails if a deploy would change or remove a setting of the file, and names these settings. Settings that a deploy
    would add do not cause an error.
options:
  env_file:
    description: Path of the file on the controller, with mode 0600.
    type: path
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.environment
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Reads only.
    support: full
  diff_mode:
    description: Shows names, and fingerprints of this run; never a value.
    support: full
seealso:
  - module: watchparty.secrets.catalog_draft
"""

EXAMPLES = r"""
- name: Verify that a deploy would write the same file
  watchparty.secrets.env_compare:
    catalog: "{{ secrets_catalog }}"
    environment: production
    env_file: .env
  run_once: true
"""

RETURN = r"""
equal:
  description: Names of settings whose values are equal.
  type: list
  elements: str
  returned: success
different:
  description: Names of settings whose values differ. Always empty on success.
  type: list
  elements: str
  returned: success
only_in_file:
  description: Names of settings in the file that a deploy would not write. Always empty on success.
  type: list
  elements: str
  returned: success
unset:
  description: Names of settings that are empty in the file and that a deploy would leave out.
  type: list
  elements: str
  returned: success
only_in_stores:
  description: Names of settings that a deploy would add to the file.
  type: list
  elements: str
  returned: success
"""
