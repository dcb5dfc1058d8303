# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: Read secrets from AWS Secrets Manager
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Reads any number of secrets, in batches of 20.
  - The result is a value in plain text. Use this lookup only in a task with C(no_log).
    M(watchparty.secrets.env_snapshot) keeps values out of the arguments of tasks.
options:
  _terms:
    description: Names or ARNs of the secrets.
    required: true
  key:
    description:
      - Key in the secret's JSON object, whose value keeps its type. If not set, the lookup returns the whole string.
    type: str
  version_stage:
    description: Label of the version to read, such as V(AWSPENDING). By default the current version.
    type: str
  version_id:
    description: Id of the version to read.
    type: str
  on_missing:
    description: How to report a missing secret, a missing key, or a secret that is scheduled for deletion.
    type: str
    choices: [error, warn, skip]
    default: error
  on_denied:
    description: How to report a secret that AWS does not allow the run to read.
    type: str
    choices: [error, warn, skip]
    default: error
extends_documentation_fragment:
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
"""

EXAMPLES = r"""
- name: Use one key
  ansible.builtin.command:
    cmd: my-command
    stdin: "{{ lookup('watchparty.secrets.secret', 'watchparty/production/core', key='SENTRY_DSN') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: One value for each secret, in the order of the names. Skipped secrets are left out.
  type: list
  elements: raw
"""

import json
from typing import Any, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import BINARY, DENIED, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import parse_secret
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.lookup_base import StoreLookup


class LookupModule(StoreLookup):
    def answer(self, terms: list[str]) -> list[Any]:
        stage, version = self.get_option("version_stage"), self.get_option("version_id")
        contents = SecretsManager(self.store_client("secretsmanager")).read(
            terms,
            pins=dict.fromkeys(terms, version) if version else None,
            stages=dict.fromkeys(terms, stage) if stage else None,
        )
        results = []
        for term in terms:
            failure = contents.failures.get(term)
            if failure and failure.reason == BINARY:
                self._do_fail(f"secret {term} is binary; store a SecretString")
            if failure:
                self.tolerate("on_denied" if failure.reason == DENIED else "on_missing", str(failure))
                continue
            value = self._value(contents.readings[term])
            if value is not None:
                results.append(value)
        return results

    def _value(self, reading: Reading) -> Optional[Any]:
        key = self.get_option("key")
        if key is None:
            return reading.value
        try:
            parse_secret(reading.value)
        except ValueError as error:
            self._do_fail(f"secret {reading.name} {error}, but key {key} is requested; store a JSON object")
        keys = json.loads(reading.value)
        if key not in keys:
            self.tolerate("on_missing", f"secret {reading.name} has no key {key}")
        return keys.get(key)
