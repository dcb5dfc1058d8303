#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_key
short_description: Authorize a new SSH key beside the old one, verify it, and revoke the old one with its sessions
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Authorizes a new SSH key of an account on a host beside the old key, and later removes the old key.
  - The module finds a key in C(authorized_keys) by its base64 text. The new key gets the options of the old key's line,
    such as C(from=) and C(command=). If the file has neither key, the module does not change it.
  - The file changes in one step, with the rights of the account that owns its folder. The module fails if the path
    contains a symbolic link.
  - Hosts get only public keys. The controller tries logins over Ansible's own connection, and runs no command in them.
    An C(ssh-agent) holds the private key during one attempt.
  - Before a removal, Ansible must be able to log in with another key. A password counts only if Ansible cannot log in
    by key, or if Ansible's options forbid keys.
options:
  credential:
    description:
      - Name of the credential in the catalog. Its value is the private key. C(options.user) is the account, by default
        the one that Ansible logs in as.
      - C(options.authorized_keys) is the file, C(.ssh/authorized_keys) by default, in the format of sshd's
        C(AuthorizedKeysFile).
    type: str
    required: true
  state:
    description:
      - V(looked) returns which key the file authorizes. It fails if Ansible itself logs in with the key in use.
      - V(blocked) turns the leaked key's line into a comment, ends the sessions that the key opened, and verifies that
        the host rejects the key. The other states still find this line.
      - V(present) authorizes the new key beside the old key.
      - V(usable) logs in with the new key on hosts whose file authorizes it.
      - V(revoked) logs in with the key that stays, removes the other key, ends its sessions, and verifies that the host
        rejects it. In a leak, it fails while the C(authorized_keys) of another account holds the leaked key.
    type: str
    choices: [looked, blocked, present, usable, revoked]
    default: present
  env_path:
    description:
      - Path of the host's C(.env), whose deploy marker holds the highest journal number that this host has seen. A run
        with a lower number adds nothing.
    type: path
  evict:
    description:
      - Fingerprints of other keys that O(state=revoked) also removes from the same file if the key leaked, and whose
        sessions it ends. The key that Ansible itself logs in with stays.
    type: list
    elements: str
    default: []
  pending_task:
    description:
      - Id of a pending task, as M(watchparty.secrets.rotation_info) lists it. In a leak, O(state=revoked) then revokes
        the old value of this task.
    type: str
    default: ""
  python:
    description: An interpreter on the host. By default the interpreter that Ansible uses on this host.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
attributes:
  check_mode:
    description: Reads the file and the sessions, and reports what would change.
    support: full
  diff_mode:
    description: Not supported, because the file may contain confidential lines.
    support: none
  idempotent:
    description: A second run changes nothing.
    support: full
  action:
    description: Finds both keys and tries logins on the controller.
    support: full
notes:
  - Use C(become). The module finds out which key opened a session from sshd's log, in the systemd journal,
    C(/var/log/auth.log) or C(/var/log/secure).
  - If no log names the key of a session, an ordinary rotation keeps the session and returns the number of such
    sessions. After a leak, the module ends all sessions except its own and those for which the systemd journal names
    another key.
  - To end a session, the module ends its processes and its control group in systemd-logind. It does not end other
    processes that the session started, such as cron jobs. M(watchparty.secrets.host_evidence) searches for these.
  - If the account may become root, name the host as compromised in a leak response.
  - Only Ansible's connection C(ssh) is supported.
seealso:
  - module: watchparty.secrets.env_file
"""

EXAMPLES = r"""
- name: Authorize the new key
  watchparty.secrets.ssh_key:
    catalog: "{{ secrets_catalog }}"
    environment: production
    credential: deploy_ssh
    state: present
    env_path: /srv/watchparty/.env

- name: Take the old one out
  watchparty.secrets.ssh_key:
    catalog: "{{ secrets_catalog }}"
    environment: production
    credential: deploy_ssh
    state: revoked
"""

RETURN = r"""
account:
  description: Name of the account.
  type: str
  returned: success
  sample: deploy
file:
  description: Path of the account's C(authorized_keys).
  type: str
  returned: success
  sample: /home/deploy/.ssh/authorized_keys
old:
  description: Whether the file authorized the old key before this run.
  type: bool
  returned: success
new:
  description: Whether the file authorizes the new key. With O(state=revoked), whether it did so before this run.
  type: bool
  returned: success
accepted:
  description: Whether the host accepts a login with the key that O(state) tests.
  type: bool
  returned: O(state=usable), and O(state=revoked) not in check mode
ended:
  description:
    - Addresses of the sessions that were ended, or in check mode would be ended. V(unknown) if no log has the address.
  type: list
  elements: str
  returned: O(state=revoked)
  sample: ["203.0.113.7"]
remaining_sessions:
  description: Number of sessions that stay because no log shows which key opened them.
  type: int
  returned: O(state=revoked)
evicted:
  description: Fingerprints of the keys of O(evict) that were removed.
  type: list
  elements: str
  returned: O(state=revoked) after a leak
elsewhere:
  description: Other files, of any account, that authorize the leaked key.
  type: list
  elements: str
  returned: O(state=revoked) after a leak
  sample: ["/root/.ssh/authorized_keys"]
unread:
  description: Number of files of other accounts that could not be read.
  type: int
  returned: O(state=revoked) after a leak
others:
  description: Fingerprints of every other key that the file authorizes.
  type: list
  elements: str
  returned: O(state=revoked)
  sample: ["SHA256:0kZOBcCp4wnAJXEYQNpYcuqWvPGyRmVmx3pNAMQEVBc"]
"""
