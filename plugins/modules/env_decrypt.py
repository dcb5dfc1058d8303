#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_decrypt
short_description: Open an encrypted .env
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Opens a file of M(watchparty.secrets.env_encrypt) by one call to KMS, checks it against the catalog, and returns its
    values for M(watchparty.secrets.env_file). A file that was changed in any way, or that is another environment's, is
    refused.
  - The result is hidden in all output, and the values in it are encrypted with a key of this run.
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
  description: The settings in the file.
  type: list
  elements: str
  returned: success
sealed:
  description: Their values, encrypted. Only this run's own tasks can open them.
  type: str
  returned: success
fingerprints:
  description: A fingerprint of each value, under a key of this run.
  type: dict
  returned: success
sensitivity:
  description: The sensitivity of each.
  type: dict
  returned: success
readers:
  description: The programs that read the .env, as the catalog declares them.
  type: list
  elements: str
  returned: success
journal:
  description: The journal's number when the file was written.
  type: int
  returned: success
snapshot_id:
  description: Names the content of the file.
  type: str
  returned: success
source:
  description: The file.
  type: str
  returned: success
"""
