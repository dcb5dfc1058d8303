#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_copies
short_description: Find copies of dead values beside an .env
version_added: 0.2.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Looks into the files in the directory of an C(.env) for values that leaked and are refused by now.
  - Removes what this collection left, the last healthy file and its own temporary files. Whatever else holds a dead
    value, such as C(.env.bak), C(.env~) or C(.env.swp), is named with what to do, since it is somebody else's.
  - The last healthy file stays while the C(.env) itself still holds the value, which is told. Removed, it comes back
    with the next deploy.
options:
  path:
    description: The C(.env).
    type: path
    required: true
  leaked:
    description: The name under which the result of M(watchparty.secrets.leaked_values) was registered.
    type: str
    required: true
  values:
    description: Set by the action plugin, and refused from anybody else.
    type: dict
attributes:
  check_mode:
    description: Removes nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: What is removed is removed once.
    support: full
  action:
    description: Sends the values over standard input, so that they touch no disk and no task's arguments.
    support: full
seealso:
  - module: watchparty.secrets.leaked_values
"""

EXAMPLES = r"""
- name: Read what is dead
  watchparty.secrets.leaked_values:
    catalog: "{{ secrets_catalog }}"
    environment: production
    credentials: [cache]
    secrets:
      watchparty/production/core: [7d444840-9dc0-11d1-b245-5ffdce74fad2]
  register: leaked_values
  run_once: true

- name: Look for it on every host
  watchparty.secrets.env_copies:
    path: /srv/watchparty/.env
    leaked: leaked_values
  register: copies
"""

RETURN = r"""
removed:
  description: What was removed.
  type: list
  elements: str
  returned: success
  sample: ["/var/lib/watchparty-secrets/srv-watchparty-.env/proven, which held a dead value of cache"]
left:
  description: What still holds a dead value, with the remedy, and what could not be looked into.
  type: list
  elements: str
  returned: success
  sample: ["/srv/watchparty/.env.bak (mode 0644) holds a dead value of cache; remove it: rm /srv/watchparty/.env.bak"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils import _copies
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import SecretsError

ARGUMENT_SPEC = {
    "path": {"type": "path", "required": True},
    "leaked": {"type": "str", "required": True},
    "values": {"type": "dict", "no_log": True},
}
RETURNS = {"removed": [str], "left": [str]}


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        values = _copies.by_credential(module.params["values"] or {})
        found = _copies.scrubbed(module.params["path"], values, check=module.check_mode)
    except SecretsError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(found.removed), removed=found.removed, left=found.left)


if __name__ == "__main__":
    main()
