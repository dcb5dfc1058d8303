#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_decrypt
short_description: Decrypt an encrypted .env
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Decrypts a file of M(watchparty.secrets.env_encrypt) with one call to KMS, and checks its values against the
    catalog. Returns the values for M(watchparty.secrets.env_file).
  - Refuses a file that was changed in any way, and a file of another environment.
  - All output hides the result. The values in the result are encrypted with a key of this run.
options:
  path:
    description: Path of the encrypted file on the controller. By default C(encrypted_env.file) in the catalog.
    type: path
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.attributes.reads
  - watchparty.secrets.attributes.controller
requirements:
  - aws-encryption-sdk[MPL] (Python 3.11 or newer)
seealso:
  - module: watchparty.secrets.env_encrypt
  - module: watchparty.secrets.env_file
"""

EXAMPLES = r"""
- name: Open deploy/production.env.enc
  watchparty.secrets.env_decrypt:
    catalog: "{{ secrets_catalog }}"
    environment: production
    path: deploy/production.env.enc
  register: opened
  run_once: true

- name: Write it
  watchparty.secrets.env_file:
    path: ~/shop/.env
    snapshot: opened
    mark: false
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
names:
  description: Names of the settings in the file.
  type: list
  elements: str
  returned: success
sealed:
  description: The values, encrypted. Only tasks of this run can decrypt them.
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
  description: The programs that read the .env, as the catalog declares them.
  type: list
  elements: str
  returned: success
journal:
  description: Number of the journal's newest entry when the file was written.
  type: int
  returned: success
snapshot_id:
  description: Id of the content of the file.
  type: str
  returned: success
source:
  description: Path of the encrypted file.
  type: str
  returned: success
"""
