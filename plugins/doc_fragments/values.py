# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of everything that writes values into the stores."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  values_from:
    description: Name of the variable in which M(watchparty.secrets.ask_secret) was registered.
    type: str
  values_file:
    description:
      - A YAML file with one line a value, of mode 0600, or encrypted as a whole by C(ansible-vault). A name is a
        setting's, C(credential.username) and C(credential.password) where no setting holds a login, or C(SETTING.host)
        and the like for the part of a composed one.
    type: path
  env_file:
    description: A C(.env) of mode 0600, whose settings are the values.
    type: path
  kms_key:
    description:
      - Alias of the key that encrypts new entries, instead of the catalog's C(aws.kms_key). An empty text means AWS's
        own keys.
    type: str
  advanced_tier:
    description:
      - Whether a parameter of more than 4 KB may be of the advanced tier, which costs and cannot be undone.
    type: bool
    default: false
  adopt:
    description:
      - Whether to write into secrets that are tagged as another application's or environment's, and to tag them anew.
    type: bool
    default: false
  kinds_path:
    description: >-
      Folders that hold kinds of your own, each a folder with a C(kind.yml). See docs/how-to/write-a-rotation-kind.md.
    type: list
    elements: path
    default: []
"""
