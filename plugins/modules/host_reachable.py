#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_reachable
short_description: Check whether a host can be reached
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Runs a program of a few lines on the host.
  - Of M(ansible.builtin.raw) and M(ansible.builtin.wait_for_connection) Ansible prints the error of a lost host as it
    is, and a host that is compromised could write to the terminal by it.
options:
  seconds:
    description:
      - How long to ask an unreachable host again. After that, the task fails, and the host does not become
        C(unreachable).
    type: int
    default: 0
extends_documentation_fragment:
  - watchparty.secrets.attributes.reads
attributes:
  action:
    description: Sends the program and reads its answer.
    support: full
"""

EXAMPLES = r"""
- name: Wait for the host
  watchparty.secrets.host_reachable:
    seconds: 60
"""

RETURN = r"""
reachable:
  description: Always true; a host that is lost is unreachable, or fails after O(seconds).
  type: bool
  returned: success
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule

ARGUMENT_SPEC = {"seconds": {"type": "int", "default": 0}}
RETURNS = {"reachable": bool}


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.exit_json(changed=False, reachable=True)


if __name__ == "__main__":
    main()
