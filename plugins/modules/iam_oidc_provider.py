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
    that others added.
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
  tags:
    description:
      - Tags to add or change.
    type: dict
    aliases: [resource_tags]
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
    description: Shows client ids and tags before and after.
    support: full
  idempotent:
    description: Changes only what differs.
    support: full
notes:
  - Needs C(iam:ListOpenIDConnectProviders), C(iam:GetOpenIDConnectProvider), and to change something
    C(iam:CreateOpenIDConnectProvider), C(iam:AddClientIDToOpenIDConnectProvider) or C(iam:TagOpenIDConnectProvider).
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
  returned: success
  sample: [sts.amazonaws.com]
tags:
  description: All tags.
  type: dict
  returned: success
  sample: {"ManagedBy": "watchparty.secrets"}
"""
