#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_copies
short_description: Find copies of revoked values beside a .env, and check the host's health
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Searches the files in the directory of a C(.env) for leaked values that are already revoked.
  - Removes the last healthy file and temporary files of this collection that hold a revoked value. If the C(.env)
    itself holds a revoked value, the module keeps the last healthy file, and reports this.
  - If another file holds a revoked value, such as C(.env.bak), C(.env~) or C(.env.swp), the module keeps the file and
    reports it with a remedy.
  - Also asks the URLs in O(health), in the same execution on the host.
options:
  path:
    description: Path of the C(.env) on the host.
    type: path
    required: true
  leaked:
    description:
      - Name of the variable in which the result of M(watchparty.secrets.previous_values_info) was registered. If not
        set, the module does not search for copies.
    type: str
  values:
    description: Internal; do not set. The leaked values.
    type: dict
  health:
    description: URLs that the host itself asks. Each should answer with status 200.
    type: list
    elements: str
    default: []
  seconds:
    description: How many seconds to ask the URLs again while one of them does not answer with status 200.
    type: int
    default: 20
attributes:
  check_mode:
    description: Removes nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: A second run removes nothing more.
    support: full
  action:
    description: Sends the values over standard input, so that they are on no disk and in no task's arguments.
    support: full
seealso:
  - module: watchparty.secrets.previous_values_info
"""

EXAMPLES = r"""
- name: Read the revoked values
  watchparty.secrets.previous_values_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
    credentials: [cache]
    secrets:
      watchparty/production/core: [7d444840-9dc0-11d1-b245-5ffdce74fad2]
  register: previous_values_info
  run_once: true

- name: Look for it on every host
  watchparty.secrets.env_copies:
    path: /srv/watchparty/.env
    leaked: previous_values_info
  register: copies
"""

RETURN = r"""
removed:
  description: Paths of the removed files.
  type: list
  elements: str
  returned: success
  sample: ["/var/lib/watchparty-secrets/srv-watchparty-.env/healthy, which held a revoked value of cache"]
remaining:
  description:
    - One line for each file that still holds a revoked value, with the remedy. Also one line for each file that could
      not be checked, with the reason.
  type: list
  elements: str
  returned: success
  sample: ["/srv/app/.env.bak (mode 0644) holds a revoked value of cache; remove it: rm /srv/app/.env.bak"]
health:
  description: The last answer of each URL in O(health).
  type: list
  elements: dict
  returned: success
  contains:
    url:
      description: The URL.
      type: str
    status:
      description: Status of the answer. V(0) if there was no answer.
      type: int
    seconds:
      description: Seconds until the answer arrived.
      type: float
    problem:
      description: Why there was no answer.
      type: str
      returned: with RV(health[].status=0)
    tls:
      description:
        - When the certificate expires (C(until)) and the days left (C(days)), or why this is unknown (C(problem)).
      type: dict
      returned: over HTTPS
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import stray_copies

ARGUMENT_SPEC = {
    "path": {"type": "path", "required": True},
    "leaked": {"type": "str"},
    "values": {"type": "dict", "no_log": True},
    "health": {"type": "list", "elements": "str", "default": []},
    "seconds": {"type": "int", "default": 20},
}
RETURNS = {"removed": [str], "remaining": [str], "health": [health_check.ANSWER]}
DELAY = 2.0


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        values = stray_copies.by_credential(params["values"] or {})
    except SecretsError as error:
        module.fail_json(msg=str(error))
    removal_result = stray_copies.RemovalResult([], [])
    if params["leaked"]:
        removal_result = _scrubbed(params["path"], values, check=module.check_mode)
    health = _answers(params["health"], params["seconds"])
    module.exit_json(
        changed=bool(removal_result.removed),
        removed=removal_result.removed,
        remaining=removal_result.remaining,
        health=health,
    )


def _scrubbed(path, values, check):
    try:
        return stray_copies.scrub(path, values, check=check)
    except SecretsError as error:
        return stray_copies.RemovalResult([], ["not checked: copies of revoked values: %s" % error])


def _answers(urls, seconds):
    """Answers of the addresses, repeated until all are healthy or the time is over."""
    end = time.monotonic() + seconds
    while True:
        answers = [health_check.ask_once(url) for url in urls]
        if all(answer["status"] == 200 for answer in answers) or time.monotonic() + DELAY > end:
            return answers
        time.sleep(DELAY)


if __name__ == "__main__":
    main()
