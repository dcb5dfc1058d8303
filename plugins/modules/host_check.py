#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_check
short_description: Inspect a host's .env, the files beside it, and its processes
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Changes nothing. Checks owner, mode, access list, SELinux context and lines of the C(.env).
  - Searches for copies of values below the directory of C(.env) and in O(places).
  - Checks the units as systemd runs them, the environments of their processes, and the URLs in O(health).
  - With O(info), the module compares the settings in C(.env) with the stores. The host returns fingerprints of its
    values, under a random key of this run. The controller compares the fingerprints and returns only names.
options:
  path:
    description: Path of the C(.env) on the host.
    type: path
    required: true
  info:
    description:
      - Name of the variable in which a result of M(watchparty.secrets.verify_info) was registered. If not set, the
        module compares no values.
    type: str
  owner:
    description: Name of the user who should own the file. By default the user of the units, or root.
    type: str
  group:
    description: Group that deploys give the file. Also the group of the catalog's files that declare no owner.
    type: str
  mode:
    description:
      - The mode that deploys give the file, such as V(0640), which lets the file's group read it. A mode that allows
        more is a finding.
    type: str
  units:
    description: systemd units that read the file.
    type: list
    elements: str
    default: []
  managed:
    description:
      - Services of other managers than systemd, and health commands, with the fields of C(services.managed) of
        M(watchparty.secrets.env_file).
    type: list
    elements: dict
    default: []
  services:
    description: Names of services. If set, the module checks only the entries of O(managed) for these services.
    type: list
    elements: str
  health:
    description: URLs that must answer 200 on the host itself.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that the answer of each URL may take.
    type: int
    default: 5
  readers:
    description:
      - The programs that read the file, as in M(watchparty.secrets.env_file). By default, if O(info) is set, the
        C(readers) of its catalog.
    type: list
    elements: str
    default: [python_dotenv, django_environ, shell, systemd, docker_compose]
  places:
    description:
      - Patterns of other files to search for copies of the values, such as V(/srv/*). Of each pattern, the module
        searches the newest 500 files. C(/*) at the end includes hidden files.
    type: list
    elements: str
    default:
      [
        /etc/systemd/*, /etc/systemd/system/*, /etc/systemd/system/*/*, /run/systemd/system/*, /run/systemd/system/*/*,
        /run/systemd/transient/*, /etc/default/*, /etc/sysconfig/*, /etc/environment, /etc/environment.d/*,
        /etc/crontab, /etc/profile, /etc/*/*.conf, /etc/*/*/*.conf, /var/lib/cloud/instances/*/user-data.txt*,
        /etc/profile.d/*, /etc/cron*/*, /var/spool/cron/*, /var/spool/cron/*/*, /var/backups/*, /tmp/*, /tmp/*/*,
        /var/tmp/*, /var/tmp/*/*, /dev/shm/*, /opt/*, /opt/*/*, /srv/*, /srv/*/*, /usr/local/*/*, /var/www/*,
        /var/www/*/*, /var/lib/*/.env*, /opt/*/*/*.y*ml, /srv/*/*/*.y*ml, /opt/*/*/.env*, /srv/*/*/.env*,
        /etc/php/*/*/pool.d/*, /etc/*/conf.d/*, /etc/*/*.txt, /etc/*/envvars, /etc/credstore*/*,
        /etc/*.conf, /etc/*.env, /etc/*.ini, /etc/*/*env, /etc/*/*/*.ini, /etc/rc.local,
        /etc/init.d/*, /etc/nginx/*/*, /etc/apache2/*/*, /etc/sudoers.d/*, /var/mail/*, /var/spool/mail/*, /run/*.env,
        /var/log/*, /var/log/*/*
      ]
  fingerprint_key:
    description: Internal; do not set. Key of this run's fingerprints.
    type: str
  sensitive:
    description: Internal; do not set. Names of the sensitive settings.
    type: list
    elements: str
    default: []
  patterns:
    description: Internal; do not set. Names of the catalog's settings.
    type: list
    elements: str
    default: []
  files:
    description: Internal; do not set. The catalog's files beside C(.env).
    type: list
    elements: dict
    default: []
  inventory_key:
    description: Internal; do not set. Key of the digests of the host's baseline.
    type: str
  inventory_known:
    description: Internal; do not set. Keys of the catalog, which are compared with the stores.
    type: list
    elements: dict
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
  description: Path, mode, owner and user id of the owner of the C(.env).
  type: dict
  returned: success
  sample: {exists: true, path: /srv/watchparty/.env, mode: "0600", owner: watchparty, uid: 998}
account:
  description: The account that ran the checks on the host.
  type: str
  returned: success
  sample: root
replaceable:
  description:
    - Directories in the path of the C(.env) that let another account than root replace the C(.env), with their owner.
  type: list
  elements: dict
  returned: success
  sample: [{path: /srv/watchparty, uid: 998, owner: watchparty, mode: "0750"}]
companions:
  description: The values of RV(file) for the deploy marker and for the last healthy file.
  type: list
  elements: dict
  returned: success
acl:
  description: Entries of access lists that give other accounts access.
  type: list
  elements: dict
  returned: success
  sample: [{path: /srv/watchparty/.env, who: user backup, may: read it}]
selinux:
  description: Whether SELinux is enabled, and whether the file has the context of the policy.
  type: dict
  returned: success
strays:
  description: Files below the directory of C(.env) that are named like a copy or contain its values.
  type: list
  elements: dict
  returned: success
  sample: [{path: /srv/watchparty/.env.bak, mode: "0644", why: "holds SECRET_KEY"}]
copies:
  description: Files in O(places) that contain values of the C(.env).
  type: list
  elements: dict
  returned: success
shown:
  description:
    - Processes with values of the C(.env) in their arguments, and processes outside of the units with these values in
      their environment.
  type: list
  elements: dict
  returned: success
journal:
  description: Units whose newest entries in the systemd journal contain values of the C(.env).
  type: list
  elements: dict
  returned: success
flaws:
  description:
    - Settings that are assigned twice, settings that a program in O(readers) reads with another value, and comments
      that contain a value.
  type: dict
  returned: when the file can be parsed
units:
  description:
    - For each unit, its state and account in systemd, and whether its process is older than the content of the
      C(.env).
    - With O(info), also the names of settings that the unit, its other files or its processes have, and whether these
      values are the same as in the stores.
  type: list
  elements: dict
  returned: success
health:
  description: Status of each health URL, the seconds until its answer, and the days until its certificate expires.
  type: list
  elements: dict
  returned: success
health_commands:
  description: Why the health command of each service failed. Empty for a healthy service.
  type: list
  elements: dict
  returned: success
  sample: [{service: worker, problem: ""}]
other_files:
  description:
    - The catalog's C(files) on the host, with the names of settings that are missing or have another value than in the
      stores.
  type: list
  elements: dict
  returned: with O(info)
  sample: [{name: key, path: /srv/watchparty/tls.key, mode: "0640", owner: watchparty, group: tls, differs: []}]
undeclared_files:
  description: Files that a deploy wrote beside the C(.env), that are still there and that the catalog no longer has.
  type: list
  elements: str
  returned: with O(info)
  sample: [/srv/watchparty/tls.key]
inventory:
  description: The present accounts, keys and files, as RV(watchparty.secrets.host_evidence#module:inventory).
  type: dict
  returned: with O(info), if the host has a baseline
drift:
  description: Names of settings that are missing, differ or are unknown, and the number of settings with equal values.
  type: dict
  returned: with O(info), when the stores and the file could be read
  sample: {missing: [], differs: [SECRET_KEY], unknown: [], same: 41}
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._core import inventory_answer
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import host_copies, host_facts

ARGUMENT_SPEC = {
    "path": {"type": "path", "required": True},
    "info": {"type": "str"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str"},
    "units": {"type": "list", "elements": "str", "default": []},
    "managed": {"type": "list", "elements": "dict", "default": []},
    "services": {"type": "list", "elements": "str"},
    "health": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 5},
    "readers": {
        "type": "list",
        "elements": "str",
        "default": ["python_dotenv", "django_environ", "shell", "systemd", "docker_compose"],
    },
    "fingerprint_key": {"type": "str", "no_log": True},
    "sensitive": {"type": "list", "elements": "str", "default": []},
    "patterns": {"type": "list", "elements": "str", "default": []},
    "places": {"type": "list", "elements": "str", "default": list(host_copies.ELSEWHERE)},
    "files": {"type": "list", "elements": "dict", "default": []},
    "inventory_key": {"type": "str", "no_log": True},
    "inventory_known": {"type": "list", "elements": "dict", "default": []},
}
RETURNS = {
    **host_facts.ANSWER,
    "health": [health_check.ANSWER],
    "health_commands": [{"service": str, "problem": str}],
    "wanted_owner": (str, None),
    "wanted_mode?": (str, None),
    "inventory?": inventory_answer.HOST_INVENTORY,
}


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    names = ("path", "units", "fingerprint_key", "sensitive", "readers", "patterns", "places", "managed", "files")
    owners = {name: params[name] for name in ("owner", "group")}
    wanted = host_facts.FactsRequest(*(params[name] for name in names), **owners)
    try:
        result = host_facts.gather_facts(wanted)
    except SecretsError as error:
        module.fail_json(msg=str(error))
    health = [health_check.ask_once(url, params["timeout"]) for url in params["health"]]
    commands = []
    if params["managed"]:  # most executions import none of this
        from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import managed_facts

        commands = managed_facts.health(params["managed"], os.path.dirname(params["path"]))
    if params["inventory_key"]:
        from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import host_inventory

        result["inventory"] = host_inventory.read_inventory(params["inventory_key"], params["inventory_known"])
    declared = {"wanted_owner": params["owner"], "wanted_mode": params["mode"]}
    module.exit_json(changed=False, health=health, health_commands=commands, **declared, **result)


if __name__ == "__main__":
    main()
