# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of plugins that write values into the stores."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  values_from:
    description: Name of the variable in which a result of M(watchparty.secrets.ask_secret) was registered.
    type: str
  values_file:
    description:
      - Path of a YAML file with one key and value a line, with mode 0600 or encrypted as a whole by C(ansible-vault).
      - Each key is the name of a setting. For a login that no setting holds, write C(CREDENTIAL.username) and
        C(CREDENTIAL.password). For a part of a composed setting, write C(SETTING.host) and so on.
    type: path
  env_file:
    description: Path of a C(.env) with mode 0600. The module takes the values from its settings.
    type: path
  kms_key:
    description:
      - Alias of the KMS key for new entries, such as V(alias/shop), instead of C(aws.kms_key) in the catalog. An empty
        text means AWS's own keys.
    type: str
  advanced_tier:
    description:
      - Whether a parameter of more than 4 KB may use the advanced tier, which costs money and cannot be undone.
    type: bool
    default: false
  adopt:
    description:
      - Whether to write into secrets with the tags of another application or environment, and to replace these tags.
    type: bool
    default: false
  kinds_path:
    description:
      - Folders with your own rotation kinds. Each kind is a folder with a C(kind.yml). See
        docs/how-to/write-a-rotation-kind.md.
    type: list
    elements: path
    default: []
"""
