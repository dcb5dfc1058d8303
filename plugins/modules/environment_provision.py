#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: environment_provision
short_description: Create the secrets and parameters that an environment lacks
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Creates every secret, key of a secret and parameter of the catalog whose value is known. It never overwrites
    existing values.
  - It generates a password or key once for each credential, and writes it to every location of the credential. If some
    locations hold a value already, it copies this value to the others.
  - A new secret gets the catalog's KMS key, tags, description and replicas. If an existing secret or parameter lacks
    some of these, the module adds them, for a parameter by writing its present value again.
  - To add a JSON key to an existing secret, the module writes a new version. This version becomes current only if
    nobody has changed the secret in the meantime.
  - It also creates the catalog's C(journal) and its bucket, enables versioning of the bucket, blocks public access and
    denies unencrypted connections.
  - If there are conflicts, the module names all of them before the first write. If a run was killed, the next run
    completes its work.
options:
  state:
    description:
      - V(planned) returns the planned writes and the values to ask for.
      - V(present) carries out the plan.
      - V(absent) schedules the deletion of O(secrets), after C(aws.recovery_days) of the catalog.
      - V(restored) restores O(secrets).
    type: str
    choices: [planned, present, absent, restored]
    default: present
  secrets:
    description: Names of secrets of the environment, for O(state=absent) and O(state=restored).
    type: list
    elements: str
    default: []
  complete:
    description: Whether to fail before the first write if a required value is missing.
    type: bool
    default: true
  exact:
    description: Whether to fail before the first write if a given value differs from the value in the stores.
    type: bool
    default: false
  restore:
    description:
      - Whether to restore secrets that are scheduled for deletion. If false, the module fails at such a secret.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.values
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Returns the whole plan, and writes nothing.
    support: full
  diff_mode:
    description: Shows locations, and fingerprints of this run. Never shows a value.
    support: full
  idempotent:
    description: A second run writes nothing.
    support: full
seealso:
  - module: watchparty.secrets.setting_value
  - module: watchparty.secrets.ask_secret
"""

EXAMPLES = r"""
- name: Show the missing values
  watchparty.secrets.environment_provision:
    state: planned
    catalog: "{{ secrets_catalog }}"
    environment: production
  register: planned
  run_once: true

- name: Ask for it
  watchparty.secrets.ask_secret:
    names: "{{ planned.asks }}"
  register: asked
  run_once: true

- name: Write it
  watchparty.secrets.environment_provision:
    catalog: "{{ secrets_catalog }}"
    environment: production
    values_from: asked
  run_once: true

- name: Schedule the deletion of a secret
  watchparty.secrets.environment_provision:
    state: absent
    catalog: "{{ secrets_catalog }}"
    environment: staging
    secrets: [shop/staging/integrations]
  run_once: true
"""

RETURN = r"""
plan:
  description: One line for each planned write, without a value.
  type: list
  elements: str
  returned: success
  sample: ["create secret shop/production/core: API_TOKEN (given), SECRET_KEY (generated)"]
asks:
  description: Names of required values that are missing, cannot be generated and were not supplied.
  type: list
  elements: str
  returned: when O(state=planned) or O(state=present)
pages:
  description: URLs in the catalog at which providers issue the values. The keys are the values' names.
  type: dict
  returned: when O(state=planned) or O(state=present)
generated:
  description: Names of the values that are generated in this run.
  type: list
  elements: str
  returned: when O(state=planned) or O(state=present)
absent:
  description: Names of optional values that are missing.
  type: list
  elements: str
  returned: when O(state=planned) or O(state=present)
empty:
  description: Names of required values that are empty. The module does not change them.
  type: list
  elements: str
  returned: when O(state=planned) or O(state=present)
notes:
  description: Names of supplied values that were not used, because the stores have a value already.
  type: list
  elements: str
  returned: when O(state=planned) or O(state=present)
baseline:
  description:
    - The command that records a baseline of servers, AWS and GitHub, if no baseline exists. Empty in check mode, and if
      the baseline cannot be read.
  type: str
  returned: when O(state=present)
at_github:
  description:
    - Names of supplied values that belong only to GitHub. M(watchparty.secrets.github_actions_secrets) sends these
      values.
  type: list
  elements: str
  returned: when O(state=planned) or O(state=present)
audit_log:
  description: The C(audit_log) of the catalog for this environment.
  type: dict
  returned: when O(state=planned) or O(state=present)
kms_key:
  description: Alias of the KMS key. Empty for AWS's own key.
  type: str
  returned: when O(state=planned) or O(state=present)
tags:
  description: Tags of every resource of the environment.
  type: dict
  returned: when O(state=planned) or O(state=present)
"""
