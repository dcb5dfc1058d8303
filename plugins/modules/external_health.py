#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: external_health
short_description: Ask a health address from the controller
version_added: 0.6.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Asks an address once, from the controller, and fails unless it answers 200.
  - The body of the answer is not read. M(ansible.builtin.uri) reads it whole, so that an application could exhaust the
    controller's memory, and registers it, although an unhealthy application may show its settings there.
options:
  url:
    description:
      - The address. Redirects are not followed, certificates are checked, and the environment's proxies are used.
    type: str
    required: true
  timeout:
    description: Seconds that the answer may take in all.
    type: int
    default: 5
attributes:
  check_mode:
    description: Changes nothing.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: N/A
  action:
    description: Runs on the controller.
    support: full
"""

EXAMPLES = r"""
- name: Ask for health from outside
  watchparty.secrets.external_health:
    url: https://shop.example.com/health/
  register: answer
  until: answer is succeeded
  retries: 10
  delay: 2
"""

RETURN = r"""
status:
  description: The status of the answer; 0 if there was none.
  type: int
  returned: always
  sample: 200
"""
