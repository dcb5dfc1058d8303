#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: confirm
short_description: Ask for a confirmation, and stop without it
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Asks at the terminal, and fails if the operator does not type O(answer).
  - If there is no terminal, the module fails too. M(ansible.builtin.pause) would continue after a warning.
  - The module ignores text that was typed before the question. It does not accept several lines that arrive together,
    as from a paste.
options:
  question:
    description: The question that the terminal shows.
    type: str
    required: true
  answer:
    description: The text that the operator must type.
    type: str
    default: 'yes'
  variable:
    description:
      - Name of an extra variable. If C(-e) sets this variable to O(answer), the module does not ask. A variable of the
        inventory or a play does not count.
    type: str
  remedy:
    description: The remedy in the error message if there is no terminal.
    type: str
    default: confirm it in a variable instead
extends_documentation_fragment:
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Asks nothing.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: N/A
"""

EXAMPLES = r"""
- name: Ask once
  watchparty.secrets.confirm:
    question: Contain it now?
    variable: confirm
  run_once: true
"""

RETURN = r""" # """
