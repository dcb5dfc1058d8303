#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_oidc_provider
short_description: Manage an OpenID Connect provider in IAM
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Lets IAM accept tokens of an OpenID Connect provider, by default that of GitHub's workflows. The trust policy of a
    role decides which tokens can assume it.
  - B(Not run on AWS.) The tests use moto.
  - An AWS account has one provider for each URL, and all applications share it. The module keeps client ids and tags
    that others added, except with O(purge_client_ids) and O(purge_tags).
options:
  url:
    description:
      - URL of the issuer of the tokens, including its path, as in V(https://github.example.com/_services/token).
    type: str
    default: https://token.actions.githubusercontent.com
  client_ids:
    description: Audiences that a token may have. The module adds missing ones.
    type: list
    elements: str
    default: [sts.amazonaws.com]
  purge_client_ids:
    description: Whether to remove client ids that O(client_ids) does not name.
    type: bool
    default: false
  thumbprints:
    description:
      - SHA-1 digests, in lower case, of the certificates of the issuer's certificate authority. At most five, which
        replace the present ones. IAM needs none for issuers with a well-known authority, such as GitHub.
    type: list
    elements: str
  tags:
    description:
      - Tags to add or change.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether to remove tags that O(tags) does not name. Has no effect if O(tags) is not set.
    type: bool
    default: false
  state:
    description:
      - V(absent) removes the provider. Roles that trust it stay, but nobody can assume them through the provider.
    type: str
    choices: [present, absent]
    default: present
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
    description: Shows client ids, thumbprints and tags before and after.
    support: full
  idempotent:
    description: Changes only what differs.
    support: full
notes:
  - Needs C(iam:ListOpenIDConnectProviders), C(iam:GetOpenIDConnectProvider), and to change something
    C(iam:CreateOpenIDConnectProvider), C(iam:AddClientIDToOpenIDConnectProvider),
    C(iam:RemoveClientIDFromOpenIDConnectProvider), C(iam:UpdateOpenIDConnectProviderThumbprint),
    C(iam:TagOpenIDConnectProvider), C(iam:UntagOpenIDConnectProvider) or C(iam:DeleteOpenIDConnectProvider).
seealso:
  - name: Configuring OpenID Connect in Amazon Web Services
    description: GitHub's page about the provider.
    link: https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
"""

EXAMPLES = r"""
- name: Take tokens of GitHub's workflows
  watchparty.secrets.iam_oidc_provider:
    tags:
      ManagedBy: watchparty.secrets

- name: Those of a GitHub Enterprise server
  watchparty.secrets.iam_oidc_provider:
    url: https://github.example.com/_services/token
    client_ids: [sts.amazonaws.com, https://github.example.com/example]
"""

RETURN = r"""
arn:
  description: ARN of the provider. Empty in check mode if the provider does not exist.
  type: str
  returned: success
  sample: arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com
url:
  description: URL of the issuer without C(https://), as trust policies name it.
  type: str
  returned: success
  sample: token.actions.githubusercontent.com
client_ids:
  description: All client ids.
  type: list
  elements: str
  returned: O(state=present)
  sample: [sts.amazonaws.com]
thumbprints:
  description: All thumbprints.
  type: list
  elements: str
  returned: O(state=present)
  sample: []
tags:
  description: All tags.
  type: dict
  returned: O(state=present)
  sample: {"ManagedBy": "watchparty.secrets"}
"""
