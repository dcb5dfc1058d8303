# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of plugins that act in a rotation."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  run:
    description:
      - Id of the run that works on the rotation, as RV(watchparty.secrets.rotation_start#module:run). If another run
        has taken the rotation over, the module fails.
    type: str
  kinds_path:
    description:
      - Folders with your own rotation kinds. Each kind is a folder with a C(kind.yml). See
        docs/how-to/write-a-rotation-kind.md.
    type: list
    elements: path
    default: []
"""
