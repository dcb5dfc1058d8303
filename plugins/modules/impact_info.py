#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: impact_info
short_description: List what a leak reaches, and the order in which to replace it
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Follows the credential graph from the leaked names to everything that they reveal, and returns the order of
    replacement. Credentials that reveal others come first.
  - The catalog's C(exposes) declares what a credential reveals. In addition, an administrator's credential reveals the
    credentials that it may change, and a C(ssh_key) reveals the values in the hosts' C(.env). An C(aws_access_key)
    reveals the credentials in its C(options.reads), by default every credential of the environment.
  - With O(found_in), the module searches the leaked string for the values of every credential, also in encoded forms.
    It returns neither the string nor a value.
options:
  leaked:
    description:
      - Names of credentials that leaked. Also C(host:NAME) for the values in a host's C(.env), C(github) for the values
        synced to GitHub, C(secret:NAME) for the content of a secret in AWS, and C(all).
    type: list
    elements: str
    default: []
  found_in:
    description: Path of a file on the controller with the leaked string, in UTF-8 or UTF-16.
    type: path
  hosts:
    description: Names of all hosts in the inventory, for C(host:NAME).
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
  - watchparty.secrets.attributes.reads
  - watchparty.secrets.attributes.controller
notes:
  - The module does not search for values shorter than eight characters, because too many texts contain them.
    RV(not_checked) names these values.
  - With O(found_in), the module needs the rights of a rotation, and C(secretsmanager:ListSecretVersionIds) and
    C(ssm:GetParameterHistory).
seealso:
  - module: watchparty.secrets.leak_start
"""

EXAMPLES = r"""
- name: What a leaked deploy key reaches
  watchparty.secrets.impact_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
    leaked: [deploy_ssh]
    hosts: "{{ groups['app_hosts'] }}"
  run_once: true
  register: impact

- name: Which credential a string from a paste is
  watchparty.secrets.impact_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
    found_in: found.txt
  run_once: true
"""

RETURN = r"""
declared:
  description:
    - Credentials that count as leaked. O(leaked) names them, or the string in O(found_in) contains their values.
  type: list
  elements: str
  returned: success
matches:
  description: Credentials whose values are in the string, with the version and the form of each value.
  type: list
  elements: dict
  returned: success
  sample: [{credential: cache, stage: AWSCURRENT, form: URL-encoded}]
summary:
  description: RV(declared) and RV(matches) as text for the operator.
  type: list
  elements: str
  returned: success
not_checked:
  description: Values with which the string was not compared, because they are too short or could not be read.
  type: list
  elements: str
  returned: success
  sample: ["pin: PIN (secret core key PIN), AWSCURRENT: shorter than 8 characters"]
impact:
  description: The blast radius. Null if no credential leaked.
  type: dict
  returned: success
  contains:
    severity:
      description: The highest severity of the credentials.
      type: str
    waves:
      description: Lists of credentials that are replaced together, in the order of replacement.
      type: list
      elements: list
    first_off:
      description:
        - Access keys that can read the new values of the same wave. The response deactivates them before it writes the
          new values, so the application's requests to AWS fail until hosts have new keys.
      type: list
      elements: str
    credentials:
      description: For each credential, its name, kind, severity and wave, and how the leak reaches it.
      type: list
      elements: dict
    edges:
      description: Which credential reveals which, and why.
      type: list
      elements: dict
    cycles:
      description:
        - Credentials that reveal each other. The response revokes their old values before it deploys new ones.
      type: list
      elements: list
text:
  description: The blast radius as text.
  type: list
  elements: str
  returned: success
mermaid:
  description: The graph in the format of Mermaid.
  type: str
  returned: success
graphviz:
  description: The graph in the format of Graphviz.
  type: str
  returned: success
"""
