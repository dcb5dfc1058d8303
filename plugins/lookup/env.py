# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: env
short_description: The resolved settings of one environment
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Reads as M(watchparty.secrets.env_snapshot) does, and returns the settings with their values in plain text.
  - Use this lookup only in a task with C(no_log). If C(set_fact) or C(register) keeps the result, all code in the
    controller can read the values. To deliver a C(.env), use M(watchparty.secrets.env_snapshot).
options:
  _terms:
    description: Names of environments, such as V(production).
    required: true
  catalog:
    description: The catalog. By default the variable C(secrets_catalog).
    type: dict
    vars:
      - name: secrets_catalog
extends_documentation_fragment:
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
"""

EXAMPLES = r"""
- name: Run a command with the application's settings
  ansible.builtin.command:
    cmd: ./manage.py check
  environment: "{{ lookup('watchparty.secrets.env', 'production') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: For each environment, a mapping of settings to values.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.lookup_base import StoreLookup


class LookupModule(StoreLookup):
    def answer(self, terms: list[str]) -> list[Any]:
        document = self.get_option("catalog")
        if not document:
            self._do_fail("No catalog was given and the variable secrets_catalog is not defined")
        document = self._templar.template(document)
        requests = [environment.ReadRequest(document=document, environment=term, journal="optional") for term in terms]
        # Each environment may be in its own region.
        return [dict(environment.read(request, self.connection()).resolution.require().values) for request in requests]
