# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of everything that acts in a rotation."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  run:
    description:
      - The run that holds the rotation, as RV(watchparty.secrets.rotation_start#module:run) says. Acts of
        another run are refused as soon as this one has taken the rotation over, and the other way round.
    type: str
  kinds_path:
    description: >-
      Folders that hold kinds of your own, each a folder with a C(kind.yml). See docs/how-to/write-a-rotation-kind.md.
    type: list
    elements: path
    default: []
"""
