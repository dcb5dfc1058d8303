#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: catalog_draft
short_description: Draft a catalog from an existing .env
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Writes a catalog of the settings in a C(.env). The module guesses types, sensitivity, groups and credentials from
    names and from the form of values. A comment marks each guess. The draft contains no value.
options:
  env_file:
    description: Path of the C(.env) on the controller, with mode 0600.
    type: path
    required: true
  dest:
    description:
      - Path of the draft on the controller. The module never overwrites a file. If the file exists and differs from the
        draft, the module fails.
    type: path
    required: true
  application:
    description: Name of the application. By default, the name of the folder that contains O(env_file).
    type: str
extends_documentation_fragment:
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Writes nothing.
    support: full
  diff_mode:
    description: Shows the draft, which holds no value.
    support: full
  idempotent:
    description: The same file gives the same draft.
    support: full
seealso:
  - module: watchparty.secrets.env_compare
"""

EXAMPLES = r"""
- name: Draft a catalog
  watchparty.secrets.catalog_draft:
    env_file: .env
    dest: draft.yaml
  run_once: true
"""

RETURN = r"""
dest:
  description: Path of the draft.
  type: str
  returned: success
names:
  description: Names of the settings in the file.
  type: list
  elements: str
  returned: success
"""
