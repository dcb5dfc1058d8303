#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_local
short_description: Compose a developer's own settings
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Returns the settings that the file at O(path) lacks, for M(watchparty.secrets.env_file). The values are the examples
    and the literal values in the catalog, and generated signing keys.
  - Reads no store, so the result contains no value of production.
options:
  catalog:
    description: The catalog, usually C({{ secrets_catalog }}).
    type: dict
    required: true
  environment:
    description: Name of the environment in the catalog whose overrides apply.
    type: str
    default: local
  path:
    description: Path of the file on the controller. The result leaves out settings that this file has.
    type: path
    required: true
  kinds_path:
    description:
      - Folders with your own rotation kinds. Each kind is a folder with a C(kind.yml). See
        docs/how-to/write-a-rotation-kind.md.
    type: list
    elements: path
    default: []
extends_documentation_fragment:
  - watchparty.secrets.attributes.reads
  - watchparty.secrets.attributes.controller
seealso:
  - module: watchparty.secrets.env_file
"""

EXAMPLES = r"""
- name: Plan the developer's .env
  watchparty.secrets.env_local:
    catalog: "{{ secrets_catalog }}"
    path: ~/shop/.env
  register: lacking
  run_once: true

- name: Write it
  watchparty.secrets.env_file:
    path: ~/shop/.env
    snapshot: lacking
    merge: true
    mark: false
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
names:
  description: Names of the settings that the file lacks and for which the module has a value.
  type: list
  elements: str
  returned: success
sealed:
  description: Values of the settings in RV(names), encrypted. Only tasks of this run can decrypt them.
  type: str
  returned: success
fingerprints:
  description: A fingerprint of each value, under a key of this run.
  type: dict
  returned: success
sensitivity:
  description: Sensitivity of each setting.
  type: dict
  returned: success
readers:
  description: The programs that read the file, as the catalog declares them.
  type: list
  elements: str
  returned: success
snapshot_id:
  description: Always V(local).
  type: str
  returned: success
"""
