# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of plugins that read one environment."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  secret_ids:
    description:
      - Names or ARNs of secrets to read instead of those in the catalog. If the secret of a setting is not in this
        list, the plugin searches all listed secrets for the setting's key, and the setting is not required.
    type: list
    elements: str
    default: []
  ssm_path:
    description:
      - Path in Parameter Store to read recursively, such as V(/shop/production), instead of the catalog's path.
    type: str
  journal:
    description:
      - How to use the journal, which names the versions that hosts must get during a rotation.
      - V(required) fails if the journal cannot be read, or if an open rotation has no snapshot for hosts.
      - V(optional) warns in these cases.
      - V(ignored) does not read the journal.
    type: str
    choices: [required, optional, ignored]
    default: required
  on_missing:
    description:
      - How to report a secret that is missing or scheduled for deletion, if it holds no required setting. A required
        setting without a value is always an error.
    type: str
    choices: [error, warn, skip]
    default: warn
  on_denied:
    description: How to report a secret or path that AWS does not allow the run to read.
    type: str
    choices: [error, warn, skip]
    default: error
"""
