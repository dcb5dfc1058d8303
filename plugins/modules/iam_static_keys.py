#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_static_keys
short_description: Revoke static access keys that a role has replaced
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - If IAM shows that a role has replaced IAM users, the module deactivates all access keys of these users. A later run
    deletes the keys after O(after_days). A tag of the user holds the time of the deactivation.
  - B(Not run on AWS.) The tests use moto and IAM's documented answers.
  - IAM must show that the role was used within O(within_days). The last use of each active key must be before the last
    use of the role and at least O(idle_days) ago. Otherwise the module changes no key of any user, and the error names
    the reason.
  - To activate a key again, run C(aws iam update-access-key --status Active --user-name USER --access-key-id ID).
options:
  users:
    description: Names of the IAM users whose access keys the module revokes.
    type: list
    elements: str
    required: true
  role:
    description: Name of the role that replaces the users.
    type: str
    required: true
  within_days:
    description: The role must have been used within this number of days.
    type: int
    default: 7
  idle_days:
    description: An active key must have been unused for at least this number of days.
    type: int
    default: 1
  after_days:
    description: Number of days between the deactivation of a key and its deletion.
    type: int
    default: 7
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Asks IAM, and changes nothing.
    support: full
  diff_mode:
    description: The result has the step of each key.
    support: none
  idempotent:
    description: If a key waits for its deletion or is deleted, nothing changes.
    support: full
notes:
  - IAM shows that a role was used, but not who used it. A manual test of the role also counts as a use.
  - IAM can show a use some hours late. A key that is used rarely, such as once a month, may look unused. Check its last
    use in RV(steps) before a later run deletes the key.
  - Needs C(iam:GetRole), C(iam:ListAccessKeys), C(iam:GetAccessKeyLastUsed), C(iam:ListUserTags),
    C(iam:UpdateAccessKey), C(iam:DeleteAccessKey), C(iam:TagUser) and C(iam:UntagUser).
"""

EXAMPLES = r"""
- name: Revoke the key of the former deploy user
  watchparty.secrets.iam_static_keys:
    users: [ci-deploy]
    role: shop-production-deploy
"""

RETURN = r"""
role:
  description: Name of the role.
  type: str
  returned: success
  sample: shop-production-deploy
role_used:
  description: Time of the last use of the role.
  type: str
  returned: success
  sample: "2026-11-25T10:00:00Z"
steps:
  description:
    - For each key, its user, the act (C(deactivate), C(stamp), C(wait) or C(delete)) and the reason. C(stamp) only adds
      the tag with the time.
  type: list
  elements: dict
  returned: success
  sample:
    - user: ci-deploy
      key: AKIAIOSFODNN7EXAMPLE
      act: deactivate
      why: it was used last at 2026-11-01T10:00:00Z, role shop-production-deploy at 2026-11-25T10:00:00Z
"""
