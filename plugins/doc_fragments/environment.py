# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of everything that reads one environment."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  secret_ids:
    description:
      - Secrets to read instead of those that the catalog names. A setting whose own secret is not among them is looked
        for in each of them by its key, and is not required.
    type: list
    elements: str
    default: []
  ssm_path:
    description: Path to read, recursively, instead of the catalog's.
    type: str
  journal:
    description:
      - What to make of the rotation journal. V(required) stops when it cannot be read, or when an open rotation
        prescribes no snapshot; V(optional) warns; V(ignored) does not read it.
    type: str
    choices: [required, optional, ignored]
    default: required
  on_missing:
    description:
      - What to say of a secret that is missing, or scheduled for deletion, when no required setting is in it. A
        required setting without a value is an error whatever is chosen here.
    type: str
    choices: [error, warn, skip]
    default: warn
  on_denied:
    description: What to do with a secret or path that may not be read.
    type: str
    choices: [error, warn, skip]
    default: error
"""
