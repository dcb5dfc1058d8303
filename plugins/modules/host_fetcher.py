#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_fetcher
short_description: Install the program with which a host fetches its own settings
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Builds one program file from the code of this collection, and copies it to the host. The program reads the stores
    and the catalog, and writes C(.env).
  - The host needs no Ansible, only Python 3.8 or newer with boto3.
  - A second run with the same version of the collection changes nothing.
options:
  dest:
    description:
      - Path of the program on the host, which the host runs at every boot. Its directory must exist. The module refuses
        the path if an account other than root and the task's account can change one of its directories.
    type: path
    required: true
  python:
    description:
      - Path of the interpreter that will run the program, under the same condition as O(dest). By default, the
        interpreter of the virtual environment that P(watchparty.secrets.app_host#role) creates.
    type: path
  owner:
    description: Owner of the program.
    type: str
  group:
    description: Group of the program.
    type: str
  mode:
    description: Octal mode of the program, as a string.
    type: str
    default: "0644"
attributes:
  check_mode:
    description: Reports whether the program would be replaced.
    support: full
  diff_mode:
    description: Only whether it changed; the content is code.
    support: none
  action:
    description: Builds the program on the controller.
    support: full
seealso:
  - name: Hosts
    description: Push and pull.
    link: https://github.com/watchparty/secrets/blob/main/docs/how-to/pull-mode.md
"""

EXAMPLES = r"""
- name: Install the program
  watchparty.secrets.host_fetcher:
    dest: /opt/shop-secrets/fetch.pyz
    owner: root
    group: root
  become: true
"""

RETURN = r"""
dest:
  description: Path of the program on the host.
  type: str
  returned: always
  sample: /opt/shop-secrets/fetch.pyz
"""
