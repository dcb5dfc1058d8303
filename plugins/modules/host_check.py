#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_check
short_description: Inspect a host's .env, the files beside it, and its processes
version_added: 0.3.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Looks only, in one execution. Owner, mode, access list and SELinux context of the C(.env), copies beside it, whether
    units began before it last changed, and whether health addresses answer.
  - With O(info) its settings are compared with what the stores hold, by fingerprints whose key lives for one run. The
    host gets the key on standard input and answers with fingerprints; the action plugin compares them on the controller
    and returns names.
options:
  path:
    description: The C(.env).
    type: path
    required: true
  info:
    description:
      - Name of the variable in which a result of M(watchparty.secrets.verify_info) was registered. Without it no values
        are compared.
    type: str
  owner:
    description: The user that the file should belong to. By default that of the units, or root.
    type: str
  mode:
    description:
      - The mode that deploys give the file. V(0640) lets the file's group read it. A mode that allows more counts as
        wrong.
    type: str
  units:
    description: systemd units that read the file.
    type: list
    elements: str
    default: []
  health:
    description: Addresses that must answer 200 on the host itself.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that each address may take.
    type: int
    default: 5
  readers:
    description:
      - The programs that read the file, as in M(watchparty.secrets.env_file). With O(info) the C(readers) of its
        catalog are used unless this option is given.
    type: list
    elements: str
    default: [python_dotenv, django_environ, shell, systemd, docker_compose]
  fingerprint_key:
    description: Set by the action plugin, and refused from anybody else.
    type: str
  sensitive:
    description: Set by the action plugin, and refused from anybody else.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - watchparty.secrets.attributes.reads
attributes:
  action:
    description: Sends the module and the key over standard input, and compares on the controller.
    support: full
seealso:
  - module: watchparty.secrets.revoked_logins
  - module: watchparty.secrets.verify_report
"""

EXAMPLES = r"""
- name: Read every store once
  watchparty.secrets.verify_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
  register: verify_info
  run_once: true

- name: Look at each host once
  watchparty.secrets.host_check:
    path: /srv/watchparty/.env
    info: verify_info
    units: [watchparty-web.service]
    health: ["http://127.0.0.1:8000/health/"]
  become: true
  register: host_check
"""

RETURN = r"""
file:
  description: Path, mode, owner and number of the owner of the C(.env).
  type: dict
  returned: success
  sample: {exists: true, path: /srv/watchparty/.env, mode: "0600", owner: watchparty, uid: 998}
account:
  description: The account that looked.
  type: str
  returned: success
  sample: root
replaceable:
  description: Directories on the way to the file by which an account other than root may replace it, with their owner.
  type: list
  elements: dict
  returned: success
  sample: [{path: /srv/watchparty, uid: 998, owner: watchparty, mode: "0750"}]
companions:
  description: The same of the mark and of the last proven file.
  type: list
  elements: dict
  returned: success
acl:
  description: Entries of access lists that let others in.
  type: list
  elements: dict
  returned: success
  sample: [{path: /srv/watchparty/.env, who: user backup, may: read it}]
selinux:
  description: Whether SELinux is enabled, and whether the context is the policy's.
  type: dict
  returned: success
strays:
  description: Files beside it that look like a copy or hold its values.
  type: list
  elements: dict
  returned: success
  sample: [{path: /srv/watchparty/.env.bak, mode: "0644", why: "holds SECRET_KEY"}]
processes:
  description: When each unit's main process began, and whether that was before the file changed.
  type: list
  elements: dict
  returned: success
health:
  description: Status, seconds and days of the certificate, by address.
  type: list
  elements: dict
  returned: success
drift:
  description: Names of settings that are missing, differ, or are unknown, and how many are the same.
  type: dict
  returned: with O(info), when the stores and the file could be read
  sample: {missing: [], differs: [SECRET_KEY], unknown: [], same: 41}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import host_facts

ARGUMENT_SPEC = {
    "path": {"type": "path", "required": True},
    "info": {"type": "str"},
    "owner": {"type": "str"},
    "mode": {"type": "str"},
    "units": {"type": "list", "elements": "str", "default": []},
    "health": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 5},
    "readers": {
        "type": "list",
        "elements": "str",
        "default": ["python_dotenv", "django_environ", "shell", "systemd", "docker_compose"],
    },
    "fingerprint_key": {"type": "str", "no_log": True},
    "sensitive": {"type": "list", "elements": "str", "default": []},
}
_FILE = {"path": str, "mode": str, "owner": str, "uid": int}
RETURNS = {
    "file": {"exists": bool, "path": str, "mode?": str, "owner?": str, "uid?": int},
    "companions": [_FILE],
    "acl": [{"path": str, "who": str, "may": str}],
    "selinux": {
        "enabled": bool,
        "why?": str,
        "context?": str,
        "right?": (bool, None),
        "wanted?": str,
        "no_context?": bool,
    },
    "strays": [{"path": str, "mode": str, "why": str}],
    "strays_unread": [str],
    "file_changed": (str, None),
    "processes": [{"unit": str, "began": (str, None), "old": bool, "mended": bool}],
    "processes_problem": str,
    "users": [str],
    "mark": {"problem?": str, "snapshot?": (str, None), "journal?": int},
    "account": str,
    "replaceable": [{"path": str, "uid": (int, None), "owner": str, "mode": str}],
    "health": [health_check.ANSWER],
    "wanted_owner": (str, None),
    "wanted_mode?": (str, None),
    "values_problem?": str,
    "fingerprints?": {str: str},
}


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    wanted = host_facts.FactsRequest(
        params["path"], params["units"], params["fingerprint_key"], params["sensitive"], params["readers"]
    )
    try:
        result = host_facts.gathered(wanted)
    except SecretsError as error:
        module.fail_json(msg=str(error))
    health = [health_check.asked(url, params["timeout"]) for url in params["health"]]
    declared = {"wanted_owner": params["owner"], "wanted_mode": params["mode"]}
    module.exit_json(changed=False, health=health, **declared, **result)


if __name__ == "__main__":
    main()
