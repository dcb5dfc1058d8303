#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: validate_run
short_description: Stop a run before it reads anything if its hosts, tags or extra variables are wrong
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Compares C(app_environment) of each host in the inventory with O(environment). An extra variable C(app_environment)
    does not hide the value in the inventory.
  - Also checks the tags and the extra variables of the run, if the options ask for this.
options:
  environment:
    description: Name of the environment of the run, such as V(production). If not set, the module compares no host.
    type: str
  hosts:
    description:
      - Names of all hosts that the run reaches or delegates to. If the inventory does not contain one of them, the
        module fails. Needs O(environment).
    type: list
    elements: str
  inventory_hosts:
    description:
      - Names of all hosts in the inventory's group, which RV(matching_hosts) and RV(other_hosts) separate by their
        environment. They never stop the run.
    type: list
    elements: str
    default: []
  allow_undeclared:
    description:
      - Whether to accept a host without C(app_environment), and the controller, for runs that write to no host. A host
        that declares another environment still stops the run, because the run would use this host's variables.
    type: bool
    default: false
  require_all_tasks:
    description:
      - Whether to stop if C(--tags) or C(--skip-tags) would leave out tasks of the play without a tag of their own. Tag
        the task of this module C(always).
    type: bool
    default: false
  part_tags:
    description:
      - The tags of the run's parts. The module fails if C(--tags) names another tag, or if C(--skip-tags) leaves no
        part.
    type: list
    elements: str
    default: []
  opt_in_part_tags:
    description: Tags of parts that are also tagged C(never), so that they run only if C(--tags) names them.
    type: list
    elements: str
    default: []
  extra_variable_prefixes:
    description:
      - The prefixes of the playbook's extra variables. The module fails if the command line sets a similar variable
        that the playbook would ignore, such as C(credential) instead of C(rotation_credentials). The error names the
        nearest variable.
    type: list
    elements: str
    choices:
      - baseline_
      - ci_env_
      - decrypt_
      - encrypt_
      - github_
      - import_
      - leak_
      - mirror_
      - provision_
      - rotation_
      - scan_
      - set_
      - verify_
    default: []
  errors:
    description:
      - Errors from earlier checks, such as those of P(watchparty.secrets.input_errors#filter). If there is one, the
        module fails.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: The module changes nothing, with or without check mode.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: N/A
"""

EXAMPLES = r"""
- name: Stop if a host does not belong to production
  watchparty.secrets.validate_run:
    environment: production
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
hosts:
  description: Names of the hosts that were compared.
  type: list
  elements: str
  returned: when O(environment) is given
matching_hosts:
  description: Those of O(inventory_hosts) that declare O(environment).
  type: list
  elements: str
  returned: when O(environment) is given
other_hosts:
  description:
    - Those of O(inventory_hosts) that declare another environment. The run neither sends values to these hosts nor
      waits for them.
  type: list
  elements: str
  returned: when O(environment) is given
"""
