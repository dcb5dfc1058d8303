#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ask_secret
short_description: Ask for secret values at the terminal, without an echo
version_added: 0.2.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Asks for each name in turn. The answers are hidden in the result at every verbosity and stay usable when registered.
  - Without a terminal it fails and says what to do instead, unless the answers are O(optional).
  - What waits at the terminal before a question is put is thrown away. Lines that come at once, as a paste does, are
    one answer. Unless it may have several O(lines), such an answer is refused, and nothing of it is kept.
options:
  names:
    description: What to ask for.
    type: list
    elements: str
    required: true
  pages:
    description: By name, the page where the provider issues the value.
    type: dict
    default: {}
  optional:
    description:
      - Whether an empty answer leaves a name out, as does that nobody can be asked, instead of failing.
      - An answer of several lines, or one that is no UTF-8, leaves it out with a warning.
    type: bool
    default: false
  question:
    description: What stands before the name in the prompt.
    type: str
    default: New value of
  lines:
    description:
      - Whether an answer may have several lines. It ends with a line after which nothing comes for a second, and what
        is no UTF-8 in it is replaced.
    type: bool
    default: false
    version_added: 0.3.0
  remedy:
    description: What to do where nobody can be asked, or the answer is refused.
    type: str
    default: give the values in a file instead
attributes:
  check_mode:
    description: Asks nothing.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: N/A
  action:
    description: Runs on the controller.
    support: full
"""

EXAMPLES = r"""
- name: Ask for the new key
  watchparty.secrets.ask_secret:
    names: [youtube]
  register: asked
  run_once: true
"""

RETURN = r"""
answered:
  description: The names that were answered.
  type: list
  elements: str
  returned: success
sealed:
  description: The answers by name, encrypted. Only this run's own tasks can open them.
  type: str
  returned: if there was something to ask
"""
