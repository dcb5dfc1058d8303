#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: validate_run
short_description: Stop a run before it reads anything if its hosts, tags or extra variables are wrong
version_added: 0.1.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Compares what the inventory declares for each host as C(app_environment) with the environment asked for. An extra
    variable of the same name does not hide what the inventory declares.
  - Checks the tags and the extra variables of the run, if asked to.
options:
  environment:
    description: The environment asked for. Without it no host is compared.
    type: str
  hosts:
    description:
      - Every host that the run reaches, also those that it delegates to, such as the one that talks to servers. One
        that the inventory does not name stops it too.
      - Needs O(environment).
    type: list
    elements: str
  inventory_hosts:
    description:
      - Every host of the inventory's group, also those that the run does not reach. They stop nothing;
        RV(matching_hosts) and RV(other_hosts) tell them apart.
    type: list
    elements: str
    default: []
    version_added: 0.3.0
  allow_undeclared:
    description:
      - Whether a host may declare no environment, as in runs that write to no host. They use the host's variables,
        which must not be another environment's. A controller that the inventory does not name is not compared then.
    type: bool
    default: false
    version_added: 0.3.0
  require_all_tasks:
    description:
      - Whether to stop where C(--tags) or C(--skip-tags) would leave out tasks of the play that have no tag of their
        own. The task itself has to be tagged C(always), so that it is not left out.
      - A tag that the whole play has besides, such as that of an import, may be chosen.
    type: bool
    default: false
    version_added: 0.3.0
  part_tags:
    description:
      - The tags of the parts that a run consists of. Stops where C(--tags) names another tag, or where C(--skip-tags)
        leaves no part. The task itself has to be tagged C(always).
    type: list
    elements: str
    default: []
    version_added: 0.3.0
  opt_in_part_tags:
    description: Tags of parts that are tagged C(never) as well, so that they run only where C(--tags) names them.
    type: list
    elements: str
    default: []
    version_added: 0.3.0
  extra_variable_prefixes:
    description:
      - The prefixes of the playbook's extra variables. Stops where the command line sets one that the playbook would
        ignore, such as C(credential) instead of C(rotation_credentials), and names the nearest.
      - Other extra variables are yours, and are left alone.
    type: list
    elements: str
    choices: [ci_env_, github_, import_, leak_, provision_, rotation_, scan_, set_, verify_]
    default: []
    version_added: 0.3.0
  errors:
    description:
      - Errors that were found before, such as those of P(watchparty.secrets.input_errors#filter). Any of them stops
        the run.
    type: list
    elements: str
    default: []
    version_added: 0.3.0
extends_documentation_fragment:
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Compares, and changes nothing in either mode.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: N/A
"""

EXAMPLES = r"""
- name: Stop if a host is not production's
  watchparty.secrets.validate_run:
    environment: production
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
hosts:
  description: The hosts that were compared.
  type: list
  elements: str
  returned: when O(environment) is given
matching_hosts:
  description: Those of O(inventory_hosts) that declare the environment asked for.
  type: list
  elements: str
  returned: when O(environment) is given
  version_added: 0.3.0
other_hosts:
  description:
    - Those of O(inventory_hosts) that declare another environment. A run sends nothing there, and waits for none of
      them.
  type: list
  elements: str
  returned: when O(environment) is given
  version_added: 0.3.0
"""
