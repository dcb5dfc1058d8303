#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_info
short_description: List the settings of an environment, without values
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Reads as M(watchparty.secrets.env_snapshot) does, and returns names, sources and version ids. The result contains no
    value, so you may print it.
  - Returns problems in RV(problems), and does not fail.
options:
  file:
    description:
      - Path of a C(.env) on the controller. If set, the module reads this file instead of the stores, and needs no AWS.
    type: path
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.environment
  - watchparty.secrets.attributes.reads
  - watchparty.secrets.attributes.controller
seealso:
  - module: watchparty.secrets.env_file
  - name: The catalog
    description: Every key of secrets_catalog.
    link: https://github.com/watchparty/secrets/blob/main/docs/how-to/write-a-catalog.md
"""

EXAMPLES = r"""
- name: Look at production
  watchparty.secrets.env_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
    journal: optional
  register: info
  run_once: true

- name: Show the problems
  ansible.builtin.debug:
    var: info.problems
  run_once: true
"""

RETURN = r"""

snapshot_id:
  description: Id of the values that were read. It is derived from names and version ids.
  type: str
  returned: success
  sample: s-5f2b8c01a9d3e417
journal:
  description: Number of the journal's newest entry. V(0) for an empty journal.
  type: int
  returned: success
rotation:
  description: Id of the open rotation. Null if no rotation is open.
  type: str
  returned: success
opened:
  description:
    - For each leaked SSH key, the hosts that still accept the key. They were unreachable when a run removed the key.
      M(watchparty.secrets.env_file) sends no value to these hosts.
  type: dict
  returned: success
names:
  description: Names of the settings that have a value.
  type: list
  elements: str
  returned: success
origins:
  description: Store, name, key and version of each setting's value.
  type: list
  elements: dict
  returned: success
problems:
  description: Problems that prevent a deploy, each with the setting, the location and the remedy.
  type: list
  elements: str
  returned: success
unknown:
  description: Keys of secrets, and parameters, that the catalog does not name.
  type: list
  elements: str
  returned: success
absent:
  description: Names of optional settings without a value.
  type: list
  elements: str
  returned: success
notes:
  description: Warnings that do not prevent a deploy.
  type: list
  elements: str
  returned: success
services:
  description: The services of the catalog.
  type: dict
  returned: success
summary:
  description: One line for each secret or path, with version ids and names of settings.
  type: list
  elements: str
  returned: success
application:
  description: Name of the application.
  type: str
  returned: success
environment:
  description: Name of the environment.
  type: str
  returned: success
"""
