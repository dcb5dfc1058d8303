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
  - Runs a short program on the host, and checks its answer.
  - With M(ansible.builtin.raw) and M(ansible.builtin.wait_for_connection), Ansible prints the error of an unreachable
    host unchanged. A compromised host could thus write to the terminal. This module prints no text of the host.
options:
  seconds:
    description:
      - How many seconds to try an unreachable host again. After that, the task fails. With V(0), the module tries once,
        and Ansible counts the host as C(unreachable).
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
  description: Always true. If the host cannot be reached, the task has no result.
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
