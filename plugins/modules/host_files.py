#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Prepare files of accounts other than root on a host
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - With O(account), authorizes O(keys) for this account. With O(directory), sets owner, group and mode of this
    directory. With O(checkout), adds C(.env*) to the C(.gitignore) of this checkout.
  - Runs as root, and follows no link that another account made. Changes C(authorized_keys) and C(.gitignore) with the
    rights of the account that owns them.
options:
  account:
    description: The account whose C(~/.ssh/authorized_keys) the module changes.
    type: str
  keys:
    description:
      - Public keys without options, such as C(ssh-ed25519 AAAA… name). The module adds them only if no key is
        authorized yet, or if O(add_keys=true).
    type: list
    elements: str
    default: []
  key_options:
    description: Options for each of O(keys), in the format of C(authorized_keys), such as V(restrict,pty).
    type: str
    default: ""
  add_keys:
    description: Whether to add O(keys) although other keys are already authorized.
    type: bool
    default: false
  directory:
    description: Path of the directory to create or change.
    type: path
  owner:
    description:
      - Name or number of the directory's owner. The module refuses the path if a directory above belongs to neither
        root nor the directory's present owner.
    type: str
  group:
    description: Name or number of the directory's group.
    type: str
  mode:
    description: Octal mode of the directory, as a string.
    type: str
    default: "0750"
  checkout:
    description:
      - Path of a Git checkout. The module adds C(.env*) to its C(.gitignore), unless a line covers this already.
    type: path
attributes:
  check_mode:
    description: Reports what would change and writes nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: A second run changes nothing.
    support: full
  action:
    description: One execution on the host, from standard input.
    support: full
seealso:
  - name: Hosts
    description: How hosts are prepared.
    link: https://github.com/watchparty/secrets/blob/main/docs/how-to/prepare-hosts.md
"""

EXAMPLES = r"""
- name: Authorize the keys of the deploy user
  watchparty.secrets.host_files:
    account: deploy
    keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… ci"]
    key_options: restrict

- name: Give the directory of .env to root
  watchparty.secrets.host_files:
    directory: /srv/watchparty
    owner: root
    group: watchparty
"""

RETURN = r"""
left_out:
  description: Keys that were not added, because other keys are authorized.
  type: list
  elements: str
  returned: always
  sample: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… ci"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import application_files

ARGUMENT_SPEC = {
    "account": {"type": "str"},
    "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "key_options": {"type": "str", "default": "", "no_log": False},
    "add_keys": {"type": "bool", "default": False},
    "directory": {"type": "path"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str", "default": "0750"},
    "checkout": {"type": "path"},
}
RETURNS = {"left_out": [str]}


def prepared(params, *, check):
    """Raises SecretsError and OSError."""
    keys = application_files.FileChange(False, [])
    changes = []
    if params["account"]:
        wanted, options, add = params["keys"], params["key_options"], params["add_keys"]
        keys = application_files.authorize(params["account"], wanted, options, add=add, check=check)
    if params["directory"]:
        how = (params["owner"], params["group"], params["mode"])
        changes.append(application_files.own(params["directory"], *how, check=check))
    if params["checkout"]:
        changes.append(application_files.ignore(params["checkout"], check=check))
    return {"changed": any([keys.changed, *changes]), "left_out": keys.left_out}


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = prepared(module.params, check=module.check_mode)
    except SecretsError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg="%s: %s" % (error.filename, error.strerror))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
