#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: github_env
short_description: Give a job of GitHub Actions an environment's variables
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Reads an environment, and appends its variables to the file that C(GITHUB_ENV) names. Every later step and action of
    the job can read these variables. If only one secret is needed, use O(names).
  - First, the module masks values in the job's log with C(::add-mask::). It masks each value that is not of low
    sensitivity, each line of such a value, and the password in a URL. It does not mask texts of fewer than eight
    characters.
  - Fails outside of a job of GitHub Actions, because the output would show the values.
options:
  names:
    description: Names of the settings to write. If empty, the module writes every setting with a value.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.environment
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Reads and checks. Prints no mask and writes nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: Appends in each run. The last value of a name counts.
    support: none
notes:
  - Refuses names that begin with C(GITHUB_) or C(RUNNER_), and names that control programs such as C(NODE_OPTIONS).
    Also refuses a value with NUL or of more than 128 KB.
seealso:
  - name: Workflow commands for GitHub Actions
    description: What GitHub says of masks and of this file.
    link: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

EXAMPLES = r"""
- name: Give the tests their settings
  watchparty.secrets.github_env:
    catalog: "{{ secrets_catalog }}"
    environment: ci
"""

RETURN = r"""
names:
  description: Names of the variables that the following steps have.
  type: list
  elements: str
  returned: success
  sample: [DATABASE_URL, SECRET_KEY]
notes:
  description: Notes for the operator, such as names of values that are too short to be masked.
  type: list
  elements: str
  returned: success
"""
