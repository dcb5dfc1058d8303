#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_evidence
short_description: Collect what a host's own records say about a leak
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Finds out within O(seconds) who logged in by SSH and with which key, and which keys in C(authorized_keys) belong to
    no credential. Also finds keys of the catalog in files that should not contain them, and processes of the
    application that are older than its C(.env). Changes nothing.
  - If an SSH key leaked, the module also searches for footholds, which are changes that may let an attacker in again.
  - Takes logins from the systemd journal, otherwise from C(auth.log) or C(secure), otherwise from C(wtmp), which names
    no keys.
  - If evidence is missing, the module reports this and does not fail. An attacker who controls the host can forge the
    result.
options:
  path:
    description: Path of the application's C(.env) on the host.
    type: path
    required: true
  units:
    description: systemd units of the application.
    type: list
    elements: str
    default: []
  managed:
    description: Services of other managers than systemd, as for M(watchparty.secrets.host_check).
    type: list
    elements: dict
    default: []
  services:
    description: Names of services. If set, the module asks only about the entries of O(managed) for these services.
    type: list
    elements: str
  since:
    description:
      - Time from which to collect logins, such as V(2026-11-20T10:00:00Z). If empty, the module collects all logins in
        the logs.
    type: str
    default: ''
  seconds:
    description: Seconds that the whole collection may take.
    type: int
    default: 8
  look_seconds:
    description: Seconds that the search for footholds may take. V(0) means O(seconds).
    type: int
    default: 0
  known_keys:
    description:
      - The SSH keys of the catalog, leaked keys first. The result names each file that contains a key but should not.
    type: list
    elements: dict
    default: []
    suboptions:
      fingerprint:
        description: Fingerprint of the key, as C(ssh-keygen -l) prints it.
        type: str
        required: true
      credential:
        description: Name of the key's credential in the catalog.
        type: str
        required: true
      account:
        description: The account that the key logs in to. By default, the account that Ansible logs in as.
        type: str
        default: ''
      file:
        description:
          - The file that should hold the key, in the format of C(options.authorized_keys) of the credential. If empty,
            C(.ssh/authorized_keys).
        type: str
        default: ''
      leaked:
        description: Whether the leak reaches this key.
        type: bool
        default: false
  only_ways_in:
    description: Whether to search only for footholds, as at the end of a response.
    type: bool
    default: false
  baseline:
    description:
      - The C(host_baseline) of a result of M(watchparty.secrets.verify_info) or M(watchparty.secrets.leak_start). If it
        names the host, the module also returns RV(inventory).
    type: dict
    default: {}
  inventory_key:
    description: Internal; do not set. Key of the baseline's digests.
    type: str
    default: ''
  inventory_known:
    description: Internal; do not set. Keys of the catalog, which are compared with the stores.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - watchparty.secrets.attributes.reads
attributes:
  action:
    description: Sends the module over standard input, so that nothing lies on the host's disk.
    support: full
notes:
  - Without root, the module cannot read C(authorized_keys) of other accounts. Outside of the groups C(adm) and
    C(systemd-journal), it cannot read logins either. The result reports this.
"""

EXAMPLES = r"""
- name: Keep what shows whether the key was used
  watchparty.secrets.host_evidence:
    path: /srv/watchparty/.env
    units: [watchparty-web.service]
    since: "2026-11-20T10:00:00Z"
  become: true
  timeout: 10
  register: evidence
"""

RETURN = r"""
lines:
  description: One line for each finding.
  type: list
  elements: str
  returned: success
  sample:
    - "deploy logged in 3 times from 203.0.113.9 by publickey SHA256:uJ2k, 2026-11-25T10:00:00Z to 2026-11-25T10:20:00Z"
    - "LEAKED key SHA256:uJ2k of deploy_ssh (ci) in /root/.ssh/authorized_keys,
      in addition to its own file /home/deploy/.ssh/authorized_keys, file changed 2026-11-25T10:01:00Z"
    - "unknown key SHA256:Zp4q (me@laptop) in /root/.ssh/authorized_keys, file changed 2026-11-25T10:01:00Z"
    - "watchparty-web.service runs since 2026-11-20T08:00:00Z, after its file changed (2026-11-20T07:59:58Z)"
short:
  description: Evidence that could not be collected, each with the reason.
  type: list
  elements: str
  returned: success
footholds:
  description:
    - Changes that may let the holder of a leaked key in again. The search covers the accounts that the key can log in
      to, and the system if such an account can become root. With O(since), the list has files that changed since this
      time and differ from their package. Without O(since), it has only files that ordinary hosts do not have.
  type: list
  elements: dict
  returned: when a key of O(known_keys) leaked
  contains:
    credential:
      description: Name of the leaked key's credential.
      type: str
    text:
      description: Description of the change, its time, and the command that removes it.
      type: str
      sample: "/home/deploy/.zshrc changed 2026-11-25T10:01:00Z and runs at logins of deploy: rm -- /home/deploy/.zshrc"
    key:
      description: The fingerprint of an authorized key. Empty for anything else.
      type: str
    file:
      description: Path of the file that contains this key, or that changed. Empty for anything else.
      type: str
    account:
      description: The account, if it is new, changed or joined a group. Empty for anything else.
      type: str
    group:
      description: The group that the account joined. Empty for anything else.
      type: str
unfinished:
  description: Why the search for RV(footholds) is incomplete. Empty if it is complete.
  type: str
  returned: when a key of O(known_keys) leaked
inventory:
  description:
    - Accounts, authorized keys, start files, setuid files and listeners, without files that are as their package
      installed them. Contents are digests.
  type: dict
  returned: when O(baseline) names the host
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._core import inventory_answer, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import gather_evidence

ARGUMENT_SPEC = {
    "path": {"type": "path", "required": True},
    "units": {"type": "list", "elements": "str", "default": []},
    "managed": {"type": "list", "elements": "dict", "default": []},
    "services": {"type": "list", "elements": "str"},
    "since": {"type": "str", "default": ""},
    "seconds": {"type": "int", "default": 8},
    "look_seconds": {"type": "int", "default": 0},
    "known_keys": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {
            "fingerprint": {"type": "str", "required": True},
            "credential": {"type": "str", "required": True},
            "account": {"type": "str", "default": ""},
            "file": {"type": "str", "default": ""},
            "leaked": {"type": "bool", "default": False},
        },
    },
    "only_ways_in": {"type": "bool", "default": False},
    "baseline": {"type": "dict", "default": {}},
    "inventory_key": {"type": "str", "default": "", "no_log": True},
    "inventory_known": {"type": "list", "elements": "dict", "default": []},
}
RETURNS = {
    "lines": [str],
    "short": [str],
    "footholds?": [{"credential": str, "text": str, "key": str, "file": str, "account": str, "group": str}],
    "unfinished?": str,
    "inventory?": inventory_answer.HOST_INVENTORY,
}


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        since = timestamps.seconds_of(params["since"]) if params["since"] else 0.0
    except ValueError:
        module.fail_json(msg="since: %r is not a time such as 2026-11-20T10:00:00Z" % params["since"])
    if params["seconds"] < 1:
        module.fail_json(msg="seconds must be at least 1")
    units = [unit for unit in params["units"] if not unit.startswith("-")]
    known = [gather_evidence.Placed(**key) for key in params["known_keys"]]
    wanted = gather_evidence.EvidenceRequest(
        since,
        params["seconds"],
        params["path"],
        units,
        known,
        params["only_ways_in"],
        params["look_seconds"],
        params["managed"],
        params["inventory_key"],
        params["inventory_known"],
    )
    module.exit_json(changed=False, **gather_evidence.gather(wanted))


if __name__ == "__main__":
    main()
