#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_encrypt
short_description: Write an environment's settings into an encrypted .env
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Reads every setting of the environment and writes an encrypted file, which you may keep in git or in an image. The
    KMS key of the environment, and each key in C(encrypted_env.keys) of the catalog, can decrypt the file.
  - If the value of a setting did not change, its line in the file does not change.
options:
  path:
    description: Path of the encrypted file on the controller. By default C(encrypted_env.file) in the catalog.
    type: path
  new_key:
    description:
      - Whether to encrypt every setting under a new file key, without reading the existing file. Use this after a leak,
        and for a file that can no longer be decrypted.
    type: bool
    default: false
  only_present:
    description:
      - Whether to write only if the file exists already. If the file does not exist, the module writes nothing and
        reports this.
    type: bool
    default: false
  replaced:
    description:
      - Names of credentials that were replaced after a leak. RV(commits) then lists the commits whose file contains old
        values of these credentials.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.attributes.controller
requirements:
  - aws-encryption-sdk[MPL] (Python 3.11 or newer)
attributes:
  check_mode:
    description: Reads the stores and the present file, and writes nothing.
    support: full
  diff_mode:
    description: Shows the names that change, and neither values nor their encrypted form.
    support: full
seealso:
  - module: watchparty.secrets.env_decrypt
  - name: Encrypt a .env
    description: Quick start, keys, diffs, hosts.
    link: https://github.com/watchparty/secrets/blob/main/docs/how-to/encrypt-env.md
"""

EXAMPLES = r"""
- name: Write deploy/production.env.enc
  watchparty.secrets.env_encrypt:
    catalog: "{{ secrets_catalog }}"
    environment: production
    path: deploy/production.env.enc
  run_once: true
"""

RETURN = r"""
path:
  description: Path of the encrypted file.
  type: str
  returned: success
added:
  description: Names of settings that the file did not contain. If the module did not read the file, all settings.
  type: list
  elements: str
  returned: success
updated:
  description: Names of settings whose value has changed.
  type: list
  elements: str
  returned: success
removed:
  description: Names of settings that the file no longer contains.
  type: list
  elements: str
  returned: success
new_key:
  description: Whether the file key is new. If it is, every line of the file has changed.
  type: bool
  returned: success
journal:
  description:
    - Number of the journal's newest entry when the module read the stores. A host refuses a file with a lower number
      than that of a file that it accepted.
  type: int
  returned: success
commits:
  description: >-
    Commits of every branch that hold an old value of O(replaced), the newest first, each with C(commit), C(at),
    C(settings) and C(text).
  type: list
  elements: dict
  returned: success
notes:
  description: Warnings of the read, and reasons why RV(commits) may be incomplete.
  type: list
  elements: str
  returned: success
summary:
  description: Names of the written entries.
  type: str
  returned: success
"""
