#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_access_key
short_description: Rotate the access key of an IAM user
version_added: 0.2.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Has AWS make a second access key beside the one in use, proves it, and deactivates and deletes the other one.
  - B(Not run on AWS.) It is tested against moto, with and without moto's own authorization. How AWS behaves beyond its
    documentation is not claimed.
  - The id of the key is the user name of the credential, and the secret access key its password. In C(appears_in), a
    key, setting or parameter whose name ends in C(access_key_id) holds the id.
  - AWS tells a secret access key once. It goes at once into a secret of the rotation's own, which is removed at the
    end.
  - A user has at most two keys. A second one that is not this rotation's is refused by its id, before anything is
    changed. One that is newer than the rotation and was never used is what a killed attempt made, and is removed.
  - Runs on the controller alone. Values are in no argument and in no result; ids of keys are not secret, and are shown.
options:
  credential:
    description:
      - Name of the credential in the catalog. Its C(options.user) may name the IAM user; otherwise IAM is asked whose
        key it is.
    type: str
    required: true
  state:
    description:
      - V(deactivated) switches a leaked key off that may read (C(options.reads), by default everything) where anything
        new of the rotation comes to, and proves that it is refused. Any other key is left as it is.
      - V(issued) makes the new key of the open rotation, unless it was made already.
      - V(usable) calls AWS with it.
      - V(absent) deactivates and deletes the old key, or the new one while the rotation is taken back, and proves that
        it is refused. Before that it calls AWS with the key that stays.
    type: str
    choices: [deactivated, issued, usable, absent]
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
attributes:
  check_mode:
    description: Asks AWS, and changes nothing.
    support: full
  diff_mode:
    description: There is nothing to show but a key.
    support: none
  idempotent:
    description: What was made is kept and found again, and a key that is gone is not missed.
    support: full
  action:
    description: Runs on the controller.
    support: full
notes:
  - Needs C(iam:ListAccessKeys), C(iam:CreateAccessKey), C(iam:UpdateAccessKey) and C(iam:DeleteAccessKey) on the user,
    and C(iam:GetAccessKeyLastUsed). The new key itself needs nothing to be tried, since C(sts:GetCallerIdentity) is
    allowed to everybody.
  - The journal is read again immediately before each change, and keys are removed by their own id. A key that a
    controller which was stopped in between still makes is removed by that controller. If it was killed there, the next
    plan names the key.
  - IAM shows changes after some seconds. Each proof is tried for half a minute.
  - A key that this run itself uses is refused, since the run could not end without it.
seealso:
  - name: Managing access keys for IAM users
    description: What AWS says of rotating them.
    link: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html
"""

EXAMPLES = r"""
- name: Have AWS make the new key, and keep it
  watchparty.secrets.aws_access_key:
    catalog: "{{ secrets_catalog }}"
    environment: production
    credential: storage
    state: issued

- name: Delete the old key, and prove that it is refused
  watchparty.secrets.aws_access_key:
    catalog: "{{ secrets_catalog }}"
    environment: production
    credential: storage
    state: absent
"""

RETURN = r"""
user:
  description: The IAM user.
  type: str
  returned: success
  sample: watchparty-storage
access_key_id:
  description: Id of the key that was made, proven or removed.
  type: str
  returned: success
  sample: AKIAIOSFODNN7EXAMPLE
accepted:
  description: Whether AWS still takes the key that was to go; in check mode, whether there is one to remove.
  type: bool
  returned: O(state=absent), and O(state=deactivated) where a key was switched off
  sample: false
"""
