#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: github_actions_secrets
short_description: Sync values of the catalog to GitHub Actions
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Sends settings with a C(github) key in the catalog, and values of credentials whose C(appears_in) names GitHub, to a
    repository, a deployment environment or an organisation. GitHub stores them as secrets or as variables.
  - The action plugin reads the values from the stores. No value is in an argument, in a result or in a diff.
  - GitHub does not show the value of a secret. So the module records the version ids that it sent in Parameter Store,
    below C(/APPLICATION-github/ENVIRONMENT). It sends a secret again if these ids have changed, or if GitHub's date
    shows that somebody else wrote or deleted it.
  - A value of the inventory or of the catalog has no version id. If its sensitivity is V(low), the module records the
    value itself, and sends the secret only if the value has changed. Otherwise it sends the secret in every run.
  - If hosts have different values of an inventory variable, a setting of the type C(list) or C(host_list) gets all
    values with commas. Any other setting gets the value of the first host, and the module reports this.
options:
  names:
    description: Names of secrets and variables to sync. By default, all. If set, O(prune) has no effect.
    type: list
    elements: str
    default: []
  hosts:
    description:
      - Names of hosts, in order, whose variables give the values of settings with C(inventory). The module ignores
        hosts with another C(app_environment).
    type: list
    elements: str
    default: []
  values_file:
    description:
      - Path of a YAML file with mode 0600, with new values that no store holds. Each line has a name and a text.
    type: path
  values_from:
    description:
      - Name of the variable in which a result of M(watchparty.secrets.ask_secret) was registered, with values that no
        store holds.
    type: str
  shared_values_file:
    description:
      - The YAML file of M(watchparty.secrets.environment_provision), with mode 0600 or encrypted by ansible-vault as a
        whole. The module takes only the values that no store holds and that GitHub lacks.
    type: path
  prune:
    description:
      - Whether to remove entries that this module sent before and that the catalog no longer names. If a workflow of
        the default branch or of O(checkout) still reads such an entry, the module keeps it (see RV(problems)).
    type: bool
    default: false
  checkout:
    description: Path of a checkout of the repository. The module searches its workflows too.
    type: path
  create_environment:
    description: Whether to create a missing deployment environment.
    type: bool
    default: false
  reviewers:
    description:
      - Names of users, or of teams as C(ORGANISATION/TEAM), of which one must approve each deployment. Used only if the
        module creates the deployment environment.
    type: list
    elements: str
    default: []
  token_file:
    description:
      - Path of a file with mode 0600 that holds only the token. By default, the first of the environment variables
        C(GITHUB_TOKEN_FILE), C(GITHUB_APP_ID) with C(GITHUB_APP_KEY_FILE), C(GITHUB_TOKEN) and C(GH_TOKEN) that is set.
    type: path
  incomplete:
    description:
      - Whether check mode continues if the stores lack required values that a real run would write first. The result
        lists these values as missing.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Returns what would be sent and removed. Writes nothing at GitHub or in AWS.
    support: full
  diff_mode:
    description: One line a name, with the reason. Never a value.
    support: full
  idempotent:
    description: Unchanged values are not sent again, except those that the description names.
    support: partial
requirements:
  - pynacl
notes:
  - A fine-grained token needs write access to Secrets and Variables. For a deployment environment, it needs write
    access to Environments and read access to Actions. O(prune) needs read access to Contents, and O(create_environment)
    write access to Administration. A classic token needs C(repo), and C(admin:org) for an organisation. An error names
    the missing permission as GitHub does.
  - In AWS, the module needs the rights of a deploy. For the records it needs C(ssm:GetParametersByPath),
    C(ssm:GetParameter), C(ssm:DescribeParameters), C(ssm:PutParameter) and C(ssm:DeleteParameters).
  - GitHub accepts at most 48 KB for each value. If GitHub limits requests, the module waits for at most one minute in
    all.
  - An open rotation syncs its own credentials. If the sync would send such a credential, the module fails before it
    writes.
"""

EXAMPLES = r"""
- name: Show what would be sent
  watchparty.secrets.github_actions_secrets:
    catalog: "{{ secrets_catalog }}"
    environment: production
    hosts: "{{ groups['app_hosts'] }}"
  check_mode: true
  diff: true

- name: Sync changed values, and remove those that the catalog no longer names
  watchparty.secrets.github_actions_secrets:
    catalog: "{{ secrets_catalog }}"
    environment: production
    hosts: "{{ groups['app_hosts'] }}"
    prune: true

- name: Send what only GitHub holds
  watchparty.secrets.github_actions_secrets:
    catalog: "{{ secrets_catalog }}"
    environment: production
    names: [SSH_PRIVATE_KEY]
    values_file: ~/github-values
"""

RETURN = r"""
repository:
  description: The repository that got the values.
  type: str
  returned: success
  sample: example/watchparty
plan:
  description: For each target at GitHub, the act and its reason.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: secret
      scope: repository
      name: DATABASE_URL
      act: send
      why: secret watchparty/production/core key DATABASE_URL has changed
sent:
  description: Names that were sent, or would be sent in check mode.
  type: list
  elements: str
  returned: success
unchanged:
  description: Names that were not changed.
  type: list
  elements: str
  returned: success
removed:
  description: Names that were removed, or would be removed in check mode.
  type: list
  elements: str
  returned: success
problems:
  description: One line for each name that was not removed because a workflow still reads it.
  type: list
  elements: str
  returned: success
missing:
  description: Names that GitHub lacks and for which no value is known.
  type: list
  elements: str
  returned: success
asks:
  description: Those of RV(missing) whose values no store holds. The operator must enter these values.
  type: list
  elements: str
  returned: success
obsolete:
  description: Names that an earlier run sent and that O(prune) would remove.
  type: list
  elements: str
  returned: success
made_environment:
  description: Whether the deployment environment was created, or would be created in check mode.
  type: bool
  returned: success
summary:
  description: The outcome, for the operator. It also names values that somebody else changed.
  type: list
  elements: str
  returned: success
"""
