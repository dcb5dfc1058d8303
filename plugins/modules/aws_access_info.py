#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_access_info
short_description: List the key, policies and roles that an environment needs in AWS
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Derives the encryption key, the OpenID Connect provider, the policies and the roles of one environment from the
    catalog. Also reads which of them exist. The role P(watchparty.secrets.aws_access#role) creates them.
  - Fails if the catalog would grant a role more than its runs read, if the AWS account is not the account in the
    catalog, or if an existing resource of the same name lacks this environment's tags. The error lists all problems.
options:
  workflow:
    description:
      - Jobs in the catalog's repository that may assume the role for deploys. Set one of the suboptions. By default,
        the jobs of the deployment environment that the catalog names.
    type: dict
    suboptions:
      environment:
        description: Deployment environment of the jobs, such as V(production).
        type: str
      branch:
        description: Branch of jobs without a deployment environment.
        type: str
      tag:
        description: Tag of jobs without a deployment environment.
        type: str
      pull_request:
        description: Whether jobs of pull requests without a deployment environment may assume the role.
        type: bool
        default: false
  wildcards:
    description:
      - Whether the names in O(workflow) may contain the wildcards C(*) and C(?). The name of the repository never
        contains wildcards.
    type: bool
    default: false
  adopt:
    description:
      - Names of existing roles, policies, keys or providers that belong to this environment although they have other
        tags.
    type: list
    elements: str
    default: []
  key_arn:
    description:
      - ARN of the encryption key. Give it if the key was created a moment ago and KMS may not show its alias yet.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.attributes.reads
  - watchparty.secrets.attributes.controller
notes:
  - Needs C(iam:GetRole), C(iam:GetPolicy), C(iam:GetInstanceProfile), C(iam:ListAttachedRolePolicies),
    C(iam:ListOpenIDConnectProviders), C(iam:GetOpenIDConnectProvider), C(kms:DescribeKey) and C(kms:ListResourceTags).
"""

EXAMPLES = r"""
- name: See who would be allowed what
  watchparty.secrets.aws_access_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
  register: access

- name: Trust the jobs of the main branch instead of an environment's
  watchparty.secrets.aws_access_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
    workflow:
      branch: main
"""

RETURN = r"""
account_id:
  description: Id of the AWS account of the credentials in use.
  type: str
  returned: success
  sample: "123456789012"
partition:
  description: AWS partition of the account.
  type: str
  returned: success
  sample: aws
region:
  description: AWS region of the environment.
  type: str
  returned: success
  sample: eu-west-3
tags:
  description: Tags of every resource of the environment.
  type: dict
  returned: success
  sample: {"Application": "shop", "Environment": "production", "ManagedBy": "watchparty.secrets", "Owner": "ann"}
key:
  description: The encryption key. C(made) is whether the key exists. If it does not, the ARN ends in C(not-made-yet).
  type: dict
  returned: success
  sample: {"alias": "alias/shop-production", "arn": "arn:aws:kms:eu-west-3:123456789012:key/1234abcd", "made": true}
provider:
  description: The OpenID Connect provider. Empty if the catalog names no repository at GitHub.
  type: dict
  returned: success
  sample: {"url": "https://token.actions.githubusercontent.com", "client_ids": ["sts.amazonaws.com"], "made": false}
policies:
  description: The managed policies, each with name, ARN, role, description and document.
  type: list
  elements: dict
  returned: success
stale_policies:
  description: Managed policies of an earlier run that are no longer needed.
  type: list
  elements: str
  returned: success
  sample: []
roles:
  description: The roles, each with kind, name, description, trust policy, ARNs of its policies, and whether it needs an
    instance profile.
  type: list
  elements: dict
  returned: success
notes:
  description:
    - Roles that no principal could assume, and policies on the environment's roles that this collection did not create.
  type: list
  elements: str
  returned: success
  sample: []
summary:
  description: One line for each role.
  type: list
  elements: str
  returned: success
  sample: ["role shop-production-host for ec2.amazonaws.com: 1,718 characters in 1 policy"]
"""
