#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: guards
short_description: Stop before any read if a host belongs to another environment
version_added: 0.1.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Compares what the inventory declares for each host as C(app_environment) with the environment asked for. An extra
    variable of the same name does not hide the inventory's word.
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
  known:
    description:
      - Every host that there is, also those that the run does not reach. They stop nothing; RV(ours) and RV(others)
        tell them apart.
    type: list
    elements: str
    default: []
    version_added: 0.3.0
  undeclared:
    description:
      - Whether a host may declare none, as in runs that write to no host. They use the host's variables, which must not
        be another environment's. A controller that the inventory does not name is not compared then.
    type: bool
    default: false
    version_added: 0.3.0
  whole:
    description:
      - Whether to stop, too, where C(--tags) or C(--skip-tags) would leave out tasks of the play that have no tag of
        their own. The task itself has to be tagged C(always), so that it is not left out.
      - A tag that the whole play has besides, such as that of an import, may be chosen.
    type: bool
    default: false
    version_added: 0.3.0
  parts:
    description:
      - The tags of the parts that a run consists of. Stops where C(--tags) names another tag, or where C(--skip-tags)
        leaves no part. The task itself has to be tagged C(always).
    type: list
    elements: str
    default: []
    version_added: 0.3.0
  named_parts:
    description: Tags of parts that are tagged C(never) as well, so that they run only where C(--tags) names them.
    type: list
    elements: str
    default: []
    version_added: 0.3.0
  unclear:
    description:
      - What P(watchparty.secrets.unclear#filter) says of the run's words. Any of it stops, too, so that no typo is
        taken for no.
    type: list
    elements: str
    default: []
    version_added: 0.3.0
attributes:
  check_mode:
    description: Compares, and changes nothing in either mode.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: N/A
  action:
    description: Runs on the controller.
    support: full
"""

EXAMPLES = r"""
- name: Stop if a host is not production's
  watchparty.secrets.guards:
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
ours:
  description: Those of O(known) that declare the environment asked for.
  type: list
  elements: str
  returned: when O(environment) is given
  version_added: 0.3.0
others:
  description: Those of O(known) that declare another one. Nothing is to be sent there, and nothing to be waited for.
  type: list
  elements: str
  returned: when O(environment) is given
  version_added: 0.3.0
"""
