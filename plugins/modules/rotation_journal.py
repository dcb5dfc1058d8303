#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_journal
short_description: Record in the journal what happened outside of a rotation
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Records what happened outside of a rotation.
  - M(watchparty.secrets.rotation_start) and M(watchparty.secrets.rotation_continue) rotate.
options:
  state:
    description:
      - V(prepared) records that a database server has both logins of O(credentials), V(unprepared) that it does not.
      - V(revoked) records the operator's confirmation that the providers have revoked the old values of O(credentials).
        If the catalog declares a test, the module first tries the old values. It writes to the audit log and the
        journal. During a leak, this is also the leak's confirmation. It refuses a credential that a run itself revokes
        and verifies.
      - V(forgotten) drops pending tasks of O(credentials), or by their id, and does not carry them out.
      - V(rotated) records that O(credentials) were rotated elsewhere, such as at their provider, O(at) some time. The
        stores must hold the new values already. Ages then count from O(at).
    type: str
    choices: [prepared, unprepared, revoked, forgotten, rotated]
    required: true
  credentials:
    description: Names of credentials. With O(state=forgotten), also ids of pending tasks.
    type: list
    elements: str
    default: []
  at:
    description:
      - With O(state=rotated), the date or the time (UTC) of the rotation, such as V(2026-11-01) or
        V(2026-11-01T10:00:00Z).
      - Refused are a time in the future, a time before the last rotation in the journal, and a time after a store last
        wrote the value, because this store then holds the old value. So does a store whose version from before C(at)
        has the same value.
    type: str
    default: ''
  reason:
    description: With O(state=rotated), where and why, for the audit log. Required.
    type: str
    default: ''
  incident:
    description: Name of the leak that is the reason.
    type: str
    default: ''
  python:
    description: The interpreter on the host that talks to the servers.
    type: str
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
  - watchparty.secrets.attributes.servers
attributes:
  check_mode:
    description: Tries old values, and writes nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: A second run notes nothing again.
    support: full
seealso:
  - module: watchparty.secrets.rotation_start
  - module: watchparty.secrets.rotation_continue
  - module: watchparty.secrets.rotation_info
  - name: Rotation
    description: Steps, kinds, and what to do when one stands still.
    link: https://github.com/watchparty/secrets/blob/main/docs/explanation/rotation.md
"""

EXAMPLES = r"""
- name: Note that a provider has revoked the old value
  watchparty.secrets.rotation_journal:
    state: revoked
    catalog: "{{ secrets_catalog }}"
    environment: production
    credentials: [twitch]
  delegate_to: web1
  run_once: true
"""

RETURN = r"""
messages:
  description: Which pending tasks that ends, and which stay.
  type: list
  elements: str
  returned: when O(state) is V(revoked), V(forgotten) or V(rotated)
revocations:
  description: Old values that third parties have yet to revoke, with their page, and in words what to type then.
  type: list
  elements: dict
  returned: when O(state=revoked)
  sample: [{"id": "r-20261125T153024-068d/youtube", "credential": "youtube", "page": "https://console.example.com"}]
summary:
  description: The outcome, for the operator.
  type: list
  elements: str
  returned: when O(state) is V(revoked), V(forgotten) or V(rotated)
verdict:
  description: Why the run fails. Empty if it does not fail.
  type: str
  returned: when O(state) is V(revoked), V(forgotten) or V(rotated)
still_accepted:
  description: Old values that still work although the operator says that they were revoked; they stay open.
  type: list
  elements: str
  returned: when O(state=revoked)
record:
  description:
    - The operator's confirmation in the format of the audit log. Empty if no credential waits for a confirmation.
  type: dict
  returned: when O(state) is V(revoked), V(forgotten) or V(rotated)
"""
