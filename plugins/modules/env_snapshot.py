#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_snapshot
short_description: Read every setting of one environment, once
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Reads every secret and parameter of the environment in batches, checks them against the catalog, and returns the
    values for M(watchparty.secrets.env_file).
  - Fails if a required value is missing, if a value is malformed, or if values conflict. The error lists all problems.
  - The values in the result are encrypted with a key of this run. Only the tasks of this collection can decrypt them.
    Callbacks, templates and C(hostvars) see names and fingerprints.
options:
  register_values:
    description:
      - Whether to return the values in plain text, as RV(settings), for templates of your own. All code in the
        controller can read them then, and after C(set_fact) a fact cache may write them to disk.
    type: bool
    default: false
  rotation:
    description: Id of the rotation that needs the values. If set, the module does not warn that this rotation is open.
    type: str
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
- name: Read the environment once for all hosts
  watchparty.secrets.env_snapshot:
    catalog: "{{ secrets_catalog }}"
    environment: "{{ app_environment }}"
  register: env_snapshot
  run_once: true
"""

RETURN = r"""
sealed:
  description: The values, encrypted. Only tasks of this run can decrypt them.
  type: str
  returned: unless O(register_values=true)
settings:
  description: The value of each setting that goes into the file. Hidden in all output.
  type: dict
  returned: when O(register_values=true)
fingerprints:
  description: A fingerprint of each setting's value, under a key of this run. Equal values have equal fingerprints.
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
files:
  description: The files that a deploy writes beside C(.env), as the catalog declares them.
  type: list
  elements: dict
  returned: success
fingerprint_key:
  description: Random key of this run. Hidden in all output.
  type: str
  returned: when O(register_values=true)
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
