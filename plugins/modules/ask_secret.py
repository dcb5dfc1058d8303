#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ask_secret
short_description: Ask for secret values at the terminal, without an echo
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Asks for the value of each name in O(names), without an echo. Later tasks can use the registered result, which hides
    the answers at every verbosity.
  - If there is no terminal, the module fails and shows O(remedy), unless O(optional=true).
  - The module ignores text that was typed before a question. Several lines that arrive together, as from a paste, are
    one answer.
  - If an answer is not valid, the module asks again. With O(catalog), the setting's type, the rules for production and
    the readers of the C(.env) decide whether an answer is valid. Otherwise, an answer is one line of text.
options:
  names:
    description: Names whose values the module asks for, such as names of settings.
    type: list
    elements: str
    required: true
  catalog:
    description:
      - The catalog that declares O(names). Each name is then a setting or a credential, and the prompt shows the
        purpose, the location and the type of its value.
    type: dict
  environment:
    description: Name of the environment, such as V(production). Needed with O(catalog).
    type: str
  pages:
    description: URLs of the pages on which providers issue the values. The keys are the values' names.
    type: dict
    default: {}
  optional:
    description:
      - Whether answers may be missing. The result then leaves out a name if its answer is empty, if there is no
        terminal, or after five invalid answers.
    type: bool
    default: false
  question:
    description: Text before the name in the prompt.
    type: str
    default: New value of
  lines:
    description:
      - Whether an answer may have several lines, also if the setting's type is not V(json) or V(pem). An answer ends
        when one second passes without another line.
    type: bool
    default: false
  remedy:
    description: The remedy in the error message, if there is no terminal or after five invalid answers.
    type: str
    default: give the values in a file instead
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
- name: Ask for the new key
  watchparty.secrets.ask_secret:
    names: [youtube]
  register: asked
  run_once: true
"""

RETURN = r"""
answered:
  description: Names whose values were entered.
  type: list
  elements: str
  returned: success
sealed:
  description: The answers by name, encrypted. Only tasks of this run can decrypt them.
  type: str
  returned: if there was something to ask
"""
