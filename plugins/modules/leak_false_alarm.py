#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: leak_false_alarm
short_description: Close the open incident as a false alarm
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Closes the open incident as a false alarm. Refuses this if a value was already revoked for the incident.
  - Asks for one confirmation, writes a record into the audit log, and then closes the incident in the journal.
  - The role P(watchparty.secrets.leak_respond#role) calls this module.
options:
  audit_path:
    description:
      - Path on the controller for a local copy of the audit log. If the catalog names no log, this file is the log.
    type: path
  changelog:
    description: Path of a CHANGELOG.md on the controller. The run adds one line for each record of the audit log.
    type: path
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Reports whether the incident can be closed. Asks no question and writes nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: If no incident is open, the module fails.
    support: none
seealso:
  - module: watchparty.secrets.leak_start
"""

EXAMPLES = r"""
- name: Close it
  watchparty.secrets.leak_false_alarm:
    catalog: "{{ secrets_catalog }}"
    environment: production
  run_once: true
"""

RETURN = r"""
incident:
  description: The C(id) of the incident.
  type: dict
  returned: success
next:
  description: Always V(end).
  type: str
  returned: success
lines:
  description: Lines for the operator. They name the closed incident and what it changed.
  type: list
  elements: str
  returned: success
"""
