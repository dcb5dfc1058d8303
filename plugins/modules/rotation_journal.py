#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_journal
short_description: Record in the journal what an operator or a provider did
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Records work that was done outside of a rotation, such as at a provider or at a database server.
  - This module rotates nothing. M(watchparty.secrets.rotation_start) and M(watchparty.secrets.rotation_continue)
    rotate.
options:
  state:
    description:
      - V(prepared) records that a database server has both logins of O(credentials), V(unprepared) that it does not.
      - V(revoked) records the operator's confirmation that the providers have revoked the old values of O(credentials),
        also for an open incident. If the catalog declares a test, the module first tries the old values. It refuses a
        credential that a run itself revokes and verifies.
      - V(forgotten) deletes pending tasks of O(credentials) without carrying them out.
      - V(rotated) records that O(credentials) were rotated elsewhere at the time O(at). The stores must hold the new
        values already.
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
        V(2026-11-01T10:00:00Z). It may not be in the future, or before the last rotation in the journal.
      - The module fails if a store's value was last written before O(at), because this is still the old value.
    type: str
    default: ''
  reason:
    description:
      - With O(state=rotated), where and why the credentials were rotated. The audit log keeps this text. Required.
    type: str
    default: ''
  incident:
    description: Name of the leak that is the reason for the record.
    type: str
    default: ''
  python:
    description: The interpreter on the host that connects to databases and caches.
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
    description: A second run records nothing.
    support: full
seealso:
  - module: watchparty.secrets.rotation_start
  - module: watchparty.secrets.rotation_continue
  - module: watchparty.secrets.rotation_info
  - name: Rotation
    description: Steps, kinds, and what to do if a rotation does not continue.
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
  description: Lines for the operator. They name the pending tasks that the record ends, and those that stay.
  type: list
  elements: str
  returned: when O(state) is V(revoked), V(forgotten) or V(rotated)
revocations:
  description:
    - Old values that you must still revoke at a provider, with the URL of the provider's page and the command that
      confirms the revocation.
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
  description:
    - Old values that the provider still accepts, although the operator confirmed the revocation. Their pending tasks
      stay open.
  type: list
  elements: str
  returned: when O(state=revoked)
record:
  description:
    - The operator's confirmation in the format of the audit log. Empty if no credential waits for a confirmation.
  type: dict
  returned: when O(state) is V(revoked), V(forgotten) or V(rotated)
"""
