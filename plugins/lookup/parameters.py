# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: parameters
short_description: Read every parameter below a path of AWS SSM Parameter Store
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Reads the parameters below a path recursively, and decrypts SecureString parameters.
  - By default, the result for a path without parameters is an empty mapping.
options:
  _terms:
    description: Paths, such as C(/WatchParty/production).
    required: true
  on_missing:
    description: How to report a path without parameters.
    type: str
    choices: [error, warn, skip]
    default: skip
  on_denied:
    description: How to report a path that AWS does not allow the run to read.
    type: str
    choices: [error, warn, skip]
    default: error
extends_documentation_fragment:
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
"""

EXAMPLES = r"""
- name: Count them
  ansible.builtin.debug:
    msg: "{{ lookup('watchparty.secrets.parameters', '/WatchParty/production') | length }}"
"""

RETURN = r"""
_raw:
  description: For each path, a mapping of parameters to values. The key is the name below the path, such as C(DB/URL).
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.lookup_base import StoreLookup


class LookupModule(StoreLookup):
    def answer(self, terms: list[str]) -> list[Any]:
        store, results = ParameterStore(self.store_client("ssm")), []
        for term in terms:
            path = term.rstrip("/")
            contents = store.read([path])
            if path in contents.failures:
                self.tolerate("on_denied", str(contents.failures[path]))
            elif not contents.readings:
                self.tolerate("on_missing", f"there is no parameter below {path}")
            results.append({name[len(path) + 1 :]: reading.value for name, reading in contents.readings.items()})
        return results
