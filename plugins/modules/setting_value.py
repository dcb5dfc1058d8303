#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: setting_value
short_description: Change the values of settings, wherever they appear
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Writes the value of a setting into its secret or parameter, into its copies, and into all other locations of its
    credential. Other keys of a secret keep their values, also if somebody changes them at the same time.
  - Checks the value against the catalog before the first write. Refuses a value that an open rotation changes, and
    without O(anyway=true) the value of a credential that a rotation can replace.
options:
  state:
    description:
      - V(known) only checks whether the names can be changed, before the operator enters values.
      - V(present) writes the values.
      - V(undone) writes the previous value of each setting, from the previous version of its secret or from the history
        of its parameter. docs/how-to/set-a-value.md lists the settings that it refuses.
    type: str
    choices: [known, present, undone]
    default: present
  names:
    description:
      - Names of settings. For a login that no setting holds, C(CREDENTIAL.username) and C(CREDENTIAL.password).
    type: list
    elements: str
    required: true
  value_file:
    description:
      - Path of a file with mode 0600 that holds the value of the only name in O(names). The module removes one line
        break at its end.
    type: path
  anyway:
    description:
      - Whether to change a value even if a rotation should replace it. Set it only if the server has the value already.
    type: bool
    default: false
  deploys:
    description:
      - Whether the run deploys the values afterwards. If not, RV(remaining) says that hosts still have the old values.
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
  - module: watchparty.secrets.environment_provision
  - module: watchparty.secrets.rotation_journal
"""

EXAMPLES = r"""
- name: Change one setting
  watchparty.secrets.setting_value:
    catalog: "{{ secrets_catalog }}"
    environment: production
    names: [TWITCH_CLIENT_SECRET]
    value_file: ~/twitch.txt
  run_once: true
"""

RETURN = r"""
remaining:
  description: What is left to do after the run, such as a deploy.
  type: list
  elements: str
  returned: always
  sample: ["The hosts still have the old values. Deploy the new ones: ansible-playbook watchparty.secrets.deploy"]
plan:
  description: One line for each planned write, without a value.
  type: list
  elements: str
  returned: unless O(state=known)
  sample: ["update secret shop/production/core: API_TOKEN (set)"]
asks:
  description: The names in O(names).
  type: list
  elements: str
  returned: success
pages:
  description: URLs in the catalog at which providers issue the values. The keys are the values' names.
  type: dict
  returned: success
notes:
  description: Remaining tasks, such as sending the value to GitHub.
  type: list
  elements: str
  returned: unless O(state=known)
"""
