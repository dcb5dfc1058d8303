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
  - Reads the journal. A store keeps one date for a whole JSON secret, so each credential's own date is kept in the
    journal when it is rotated.
  - For a credential without a rotation in the journal, asks the stores when its secret or parameter was created. The
    value can be younger, but not older in that store. Each row has this date as C(stored_since).
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
  description: One row a credential, those that are due longest first.
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
    - What closed rotations left for later. The act V(revoke) is the provider's, and waits for a confirmation. Where
      C(against) is not null, it says why no run can carry the act out, and what to do.
  type: list
  elements: dict
  returned: success
revocations:
  description: Old values that third parties have yet to revoke, with their page, and in words what to type then.
  type: list
  elements: dict
  returned: success
  sample: [{"id": "r-20261125T153024-068d/youtube", "credential": "youtube", "page": "https://console.example.com"}]
rotation:
  description: The open rotation, or null.
  type: dict
  returned: success
leak:
  description: Id, time and author of the declared leak that is not contained yet, or null.
  type: dict
  returned: success
act_now:
  description: Whether anything is due, open or to be revoked.
  type: bool
  returned: success
verdict:
  description: The same in sentences, with the command to run. Empty if nothing is due or open.
  type: str
  returned: success
table:
  description: All of it for people.
  type: list
  elements: str
  returned: success
journal:
  description: Number of the newest entry.
  type: int
  returned: success
audit:
  description: Number and digest of the newest audit record.
  type: dict
  returned: success
"""
