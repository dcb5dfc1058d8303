#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: external_value
short_description: Test an externally issued value from where the application uses it
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Sends the request in C(credentials.NAME.test) of the catalog, with the new value. If the credential is the C(admin)
    of other credentials, the module also logs in with it at their servers, and at every declared node of Valkey.
  - Runs on a host of the application with the application's interpreter. No URL, argument or result contains a value.
    The module keeps only the status of an answer.
  - The module skips a credential for which the catalog declares no test.
options:
  credential:
    description: Name of the credential in the catalog.
    type: str
  state:
    description:
      - V(checked), before a rotation, tries the value from O(values_file) or O(values_from).
      - V(usable) tries the new value of the open rotation.
      - V(tried) tries the old values that the operator has revoked at the provider. A rejection counts only if the
        provider accepts the current value from the same host.
    type: str
    choices: [checked, usable, tried]
    default: usable
  values_file:
    description:
      - Path of a YAML file on the controller, with mode 0600 and the new values. The format is that of
        O(watchparty.secrets.rotation_start#module:settings.values_file).
    type: path
  values_from:
    description: Name of the variable in which a result of M(watchparty.secrets.ask_secret) was registered.
    type: str
  timeout:
    description: Seconds to wait for an answer.
    type: int
    default: 10
  python:
    description: The application's interpreter on the host. By default the interpreter that Ansible uses on this host.
    type: str
  tries:
    description: Internal; do not set. The requests and logins to try.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
  - watchparty.secrets.attributes.reads
attributes:
  action:
    description: Finds the values on the controller.
    support: full
notes:
  - The log of the server or the provider may show each failed login.
seealso:
  - module: watchparty.secrets.rotation_journal
  - name: An externally issued value
    description: The catalog's test, and what stays open until the old value is revoked.
    link: https://github.com/watchparty/secrets/blob/main/docs/how-to/supply-an-external-value.md
"""

EXAMPLES = r"""
- name: Try the new value of the rotation that is open
  watchparty.secrets.external_value:
    state: usable
    catalog: "{{ secrets_catalog }}"
    environment: production
    credential: youtube
    run: "{{ secret_rotate__rotation.run }}"
"""

RETURN = r"""
tried:
  description:
    - State of each pending task's old value (accepted, refused, neither or untried), with an explanation. The keys are
      ids of pending tasks.
  type: dict
  returned: with O(state=tried), if a value could be tried
  sample: {r-20261125T153024-068d/youtube: {state: refused, message: "rejected now at https://api.example.com/me"}}
"""
