#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_info
short_description: Show each credential's age and due date, and unfinished work
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Takes the date of each credential's last rotation from the journal.
  - If the journal has no rotation of a credential, the module reads when its secret or parameter was created. The value
    cannot be older than this date, but may be newer. Each row has this date as C(stored_since).
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
  - watchparty.secrets.attributes.reads
  - watchparty.secrets.attributes.controller
seealso:
  - module: watchparty.secrets.rotation_journal
"""

EXAMPLES = r"""
- name: Read the ages
  watchparty.secrets.rotation_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
  run_once: true
  register: ages
"""

RETURN = r"""
credentials:
  description: One row for each credential. Credentials that have been due for longest come first.
  type: list
  elements: dict
  returned: success
  sample:
    - name: database
      kind: postgresql_role
      age_days: 12
      max_age_days: 90
      due_in_days: 78
      due: false
      rotated_at: "2026-11-13T02:00:00Z"
      rotated_by: ann@laptop
      rotation: r-20261113T020000-9f2c
      stored_since: null
due:
  description: Names of the credentials that are due.
  type: list
  elements: str
  returned: success
pending_tasks:
  description:
    - Work that closed rotations left for a later run. The act V(revoke) waits for the operator's confirmation. If the
      catalog prevents the act, C(against) has the reason and the remedy.
  type: list
  elements: dict
  returned: success
revocations:
  description:
    - Old values that you must still revoke at a provider, with the URL of the provider's page and the command that
      confirms the revocation.
  type: list
  elements: dict
  returned: success
  sample: [{"id": "r-20261125T153024-068d/youtube", "credential": "youtube", "page": "https://console.example.com"}]
rotation:
  description: The open rotation. Null if no rotation is open.
  type: dict
  returned: success
leak:
  description: Id, time and author of the open incident, or null.
  type: dict
  returned: success
act_now:
  description: Whether a credential is due, a rotation or incident is open, or an old value must be revoked.
  type: bool
  returned: success
verdict:
  description: RV(act_now) as text, with the command to run. Empty if nothing is due or open.
  type: str
  returned: success
table:
  description: The whole result as a table for people.
  type: list
  elements: str
  returned: success
journal:
  description: Number of the journal's newest entry.
  type: int
  returned: success
audit:
  description: Number and digest of the newest audit record.
  type: dict
  returned: success
"""
