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
  - Deactivates all access keys of IAM users, and deletes them days later, if IAM shows that a role has replaced the
    users.
  - B(Not run on AWS.) It is tested against moto and against IAM's documented answers.
  - IAM must show that the role was used within O(within_days), and that each key was last used before that and not
    within O(idle_days). Otherwise the module changes no key of any user, and the error names the reason.
  - The module first deactivates a key. To undo this, run C(aws iam update-access-key --status Active). A later run
    deletes the key after O(after_days). A tag of the user holds the time of the deactivation.
  - Runs on the controller. Reads ids and times of keys, never a key.
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
    description:
      - An active key must have been unused for at least this number of days. A use of the role does not show that
        nobody uses the key any more, because for example a timer may still use it every hour.
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
    description: The answer tells each key's step.
    support: none
  idempotent:
    description: A key that waits for its days, or that is gone, changes nothing.
    support: full
notes:
  - IAM tells that a role was used, not by whom. Whoever tries the role by hand makes evidence too.
  - What IAM tells of uses can be some hours late. A key that is used rarely, once a month say, shows no later use; look
    at its last use in RV(steps) before the days are over.
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
  description: The role.
  type: str
  returned: success
  sample: shop-production-deploy
role_used:
  description: When it was used last.
  type: str
  returned: success
  sample: "2026-11-25T10:00:00Z"
steps:
  description:
    - Each key with its user, the act (C(deactivate), C(stamp), C(wait) or C(delete)), and its reason.
  type: list
  elements: dict
  returned: success
  sample:
    - user: ci-deploy
      key: AKIAIOSFODNN7EXAMPLE
      act: deactivate
      why: it was used last at 2026-11-01T10:00:00Z, role shop-production-deploy at 2026-11-25T10:00:00Z
"""
