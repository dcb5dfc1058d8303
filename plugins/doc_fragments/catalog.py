# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of plugins that work with the catalog."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  catalog:
    description:
      - The catalog, usually C({{ secrets_catalog }}). It is validated as a whole before the first read.
    type: dict
    required: true
  environment:
    description: Name of the environment, such as V(production).
    type: str
    required: true
"""
