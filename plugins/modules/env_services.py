#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_services
short_description: Restart the services that read a .env, and record that they are healthy on it
version_added: 0.3.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Restarts the services, asks each health address on the host itself until it answers 200, looks whether the systemd
    units stayed up, and writes into the mark of M(watchparty.secrets.env_file) that the file is proven. Each step waits
    for the one before it; a failure leaves the file unproven.
  - One execution a host, since a task for each of these steps costs more than the steps.
  - Redirects are not followed, certificates are checked, and proxies are not used.
  - What a command or an application prints is never told, since it may show settings.
options:
  path:
    description: The C(.env) file, as M(watchparty.secrets.env_file) wrote it.
    type: path
    required: true
  snapshot:
    description: Name of the variable in which the result of M(watchparty.secrets.env_snapshot) was registered.
    type: str
    required: true
  snapshot_id:
    description: Name of the snapshot. Set by the action plugin.
    type: str
  command:
    description: A command that restarts every service, instead of O(units). It is not run through a shell.
    type: str
  units:
    description: systemd units, restarted one after the other.
    type: list
    elements: str
    default: []
  health_urls:
    description: Addresses that must answer 200.
    type: list
    elements: str
    default: []
  health_retries:
    description: How often an address is asked again before the services count as unhealthy.
    type: int
    default: 30
  health_delay:
    description: Seconds between two tries.
    type: float
    default: 1
  health_timeout:
    description: Seconds that an answer may keep silent.
    type: float
    default: 5
  record:
    description:
      - Whether the file is recorded as proven in the end. Without it, C(state=proven) of M(watchparty.secrets.env_file)
        does so later.
    type: bool
    default: true
attributes:
  check_mode:
    description: Restarts nothing, asks nothing and records nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: It restarts each time; run it where RV(watchparty.secrets.env_file#module:restart_needed) says so.
    support: none
  action:
    description: Sends the module over standard input, so that nothing lies on the host's disk.
    support: full
seealso:
  - module: watchparty.secrets.env_file
"""

EXAMPLES = r"""
- name: Restart the services and prove them healthy
  watchparty.secrets.env_services:
    path: /srv/watchparty/.env
    snapshot: env_snapshot
    units: [watchparty-web.service, watchparty-worker.service]
    health_urls: ["http://127.0.0.1:8000/health/"]
"""

RETURN = r"""
proven:
  description: Whether the mark names the file as proven now.
  type: bool
  returned: success
health:
  description: The last answer of each address.
  type: list
  elements: dict
  returned: success, not in check mode
  sample: [{url: "http://127.0.0.1:8000/health/", status: 200, seconds: 0.012}]
snapshot_id:
  description: Name of the snapshot.
  type: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils import _envfile, _services
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import SecretsError

ARGUMENT_SPEC = {
    "path": {"type": "path", "required": True},
    "snapshot": {"type": "str", "required": True},
    "snapshot_id": {"type": "str"},
    "command": {"type": "str"},
    "units": {"type": "list", "elements": "str", "default": []},
    "health_urls": {"type": "list", "elements": "str", "default": []},
    "health_retries": {"type": "int", "default": 30},
    "health_delay": {"type": "float", "default": 1},
    "health_timeout": {"type": "float", "default": 5},
    "record": {"type": "bool", "default": True},
}


def proven(params):
    """What came of it, in the order in which it must happen."""
    health = _services.Health(
        params["health_urls"], params["health_retries"], params["health_delay"], params["health_timeout"]
    )
    units = params["units"] if params["command"] is None else []
    _services.restart(params["command"], units)
    answers = _services.wait_healthy(health)
    _services.require_running(units)
    if params["record"]:
        with _envfile.alone(params["path"]):
            _envfile.Mark(params["path"]).prove(params["snapshot_id"], _envfile.required(params["path"]))
    return {"health": answers, "proven": params["record"]}


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    result = {"changed": True, "proven": False, "snapshot_id": module.params["snapshot_id"]}
    try:
        if not module.check_mode:
            result.update(proven(module.params))
    except SecretsError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
