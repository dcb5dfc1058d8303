#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_continue
short_description: Continue a rotation to its next rollout, or to its end
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Takes the results of the hosts' work since the last call, and continues the rotation until hosts have work again.
  - The playbook C(watchparty.secrets.rotate) calls this module; use it directly only in a playbook of your own.
  - Delegate the task to the host that connects to databases and caches (C(rotation_host)).
options:
  rotation:
    description: The last result of M(watchparty.secrets.rotation_start) or of this module.
    type: dict
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
  - watchparty.secrets.rotation_settings
  - watchparty.secrets.attributes.servers
attributes:
  check_mode:
    description: Not supported; a planned rotation has nothing to continue.
    support: none
  diff_mode:
    description: Not supported.
    support: none
  idempotent:
    description: Continues after the journal's newest entry. An interrupted act is carried out again.
    support: full
seealso:
  - module: watchparty.secrets.rotation_start
  - name: Rotation
    description: Steps, kinds, and what to do if a rotation does not continue.
    link: https://github.com/watchparty/secrets/blob/main/docs/explanation/rotation.md
"""

EXAMPLES = r"""
- name: Carry it on after a rollout
  watchparty.secrets.rotation_continue:
    catalog: "{{ secrets_catalog }}"
    environment: production
    run: "{{ started.run }}"
    rotation: "{{ started }}"
    settings:
      hosts: "{{ groups['app_hosts'] }}"
      targeted_hosts: "{{ ansible_play_hosts_all }}"
  delegate_to: web1
  run_once: true
"""

RETURN = r"""
next:
  description: What the hosts must do next. M(watchparty.secrets.rotation_start) describes this and all other results.
  type: str
  returned: success
tasks:
  description: Tasks file of the role C(watchparty.secrets.secret_rotate) for the next step.
  type: str
  returned: success
"""
