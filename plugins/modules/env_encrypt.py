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
  - Reads every setting of the environment once and writes a file that may be kept in git or in an image. Its key is
    wrapped by the environment's KMS key and by those that C(encrypted_env.keys) in the catalog lists.
  - A setting whose value did not change keeps its bytes, so that a diff shows what changed.
options:
  path:
    description: Path of the encrypted file on the controller. By default C(encrypted_env.file) in the catalog.
    type: path
  new_key:
    description:
      - Whether to encrypt every setting under a new file key, without a read of the existing file. Use it after a leak,
        and for a file that cannot be opened any more.
    type: bool
    default: false
  only_present:
    description:
      - Whether to write only if the file exists. If it does not exist, the module creates none and the result says so.
    type: bool
    default: false
  replaced:
    description:
      - Names of credentials that were replaced after a leak. The result lists the commits whose file holds other values
        of their settings than the new ones.
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
  description: The file.
  type: str
  returned: success
added:
  description: Settings that the file did not hold; all of them for a file that was not read.
  type: list
  elements: str
  returned: success
updated:
  description: Settings whose value is another.
  type: list
  elements: str
  returned: success
removed:
  description: Settings that the file holds no longer.
  type: list
  elements: str
  returned: success
new_key:
  description: Whether the file key is new, so that no line is as it was.
  type: bool
  returned: success
journal:
  description: The journal's number at the read. Hosts refuse a file with a lower one than they have accepted.
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
  description: What the read warned of, and why RV(commits) may be incomplete.
  type: list
  elements: str
  returned: success
summary:
  description: Names of the written entries.
  type: str
  returned: success
"""
