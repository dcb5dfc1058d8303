#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_log
short_description: Record, verify and rebuild the audit log of rotations
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - The log consists of JSON lines. Each line holds the digest of the previous line, so verification finds a missing,
    altered or reordered line. With O(head), verification also finds that the end of the log is missing.
  - The catalog's C(audit_log) names the log's store in CloudWatch Logs or in S3, and the local file O(path) is a copy.
    Production requires C(audit_log). In other environments, the local file may be the only log.
  - A record holds names, ids, times and counts. The module refuses unknown fields, so that no record holds a value.
options:
  state:
    description:
      - V(recorded) writes O(record) to the log, to the copy at O(path) and to O(changelog). A repeated call writes it
        only once.
      - V(verified) checks the log and the copy at O(path). If it finds problems, it lists all of them and fails.
      - V(rebuilt) replaces the copy at O(path) by the log, unless the log has a gap. If the copy differs from the log,
        the module keeps the old copy beside the new one.
    type: str
    choices: [recorded, verified, rebuilt]
    required: true
  record:
    description:
      - The record, with C(rotation), C(outcome), C(who) and C(at); docs/how-to/audit-log.md lists the other keys.
        C(rotation) and C(outcome) together are the record's id.
    type: dict
  head:
    description:
      - The newest record that the caller knows, as an earlier call returned it in RV(head). If the log ends before this
        record, O(state=recorded) numbers the new record after O(head), so that the gap shows. V(verified) and
        V(rebuilt) fail.
    type: dict
  path:
    description:
      - A file on the controller for the local copy, such as C(/var/lib/shop/audit.jsonl). If O(path) is the only log,
        it may not lie in the workspace of a CI job.
    type: path
  changelog:
    description: Path of a CHANGELOG.md on the controller. The module adds one line for the record.
    type: path
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Reads the log, and returns the record that would be written.
    support: full
  diff_mode:
    description: Shows the line that is recorded.
    support: full
  idempotent:
    description: A record with the same C(rotation) and C(outcome) is written once, whatever else differs.
    support: full
notes:
  - Needs C(logs:GetLogEvents), C(logs:PutLogEvents), C(logs:CreateLogStream) and C(logs:DescribeLogStreams) on the log
    group, or C(s3:ListBucket) on the bucket and C(s3:GetObject) and C(s3:PutObject) below the prefix. The module never
    deletes or overwrites a record.
seealso:
  - name: The audit log
    description: Format, how to verify it by hand, and how to rebuild it.
    link: https://github.com/watchparty/secrets/blob/main/docs/how-to/audit-log.md
"""

EXAMPLES = r"""
- name: Record a rotation
  watchparty.secrets.audit_log:
    catalog: "{{ secrets_catalog }}"
    environment: production
    state: recorded
    record:
      rotation: 2026-11-25-5f2b8c01
      outcome: completed
      who: ann@laptop
      at: "2026-11-25T10:00:00Z"
      credentials: [database]
      secrets:
        watchparty/production/core: 7d444840-9dc0-11d1-b245-5ffdce74fad2
    path: audit.jsonl
    changelog: CHANGELOG.md
  run_once: true
  register: recorded

- name: Verify the whole log
  watchparty.secrets.audit_log:
    catalog: "{{ secrets_catalog }}"
    environment: production
    state: verified
    head: "{{ recorded.head }}"
    path: audit.jsonl
  run_once: true

- name: Make a copy on this machine
  watchparty.secrets.audit_log:
    catalog: "{{ secrets_catalog }}"
    environment: production
    state: rebuilt
    path: audit.jsonl
  run_once: true
"""

RETURN = r"""
head:
  description: The newest record. With O(state=recorded), the record of this task.
  type: dict
  returned: success, also when O(state=verified) fails
  contains:
    number:
      description: Number of the record, from 1; 0 for an empty log.
      type: int
    digest:
      description: SHA-256 of the record's line with its newline.
      type: str
  sample:
    number: 12
    digest: 5a50ca9a1ba4d8ed1d3a1d4b5f3a4b5e0d76ad0dd8e2e6b92f7c1e2c4a1ce8ff
id:
  description: The record's id.
  type: str
  returned: with O(state=recorded)
  sample: 2026-11-25-5f2b8c01:completed
where:
  description: Where the log is, in AWS or as a local file. Empty if there is no log.
  type: str
  returned: success, and when O(state=verified) fails
  sample: log group /watchparty/secrets-audit, stream watchparty/production
records:
  description: Number of records in the log.
  type: int
  returned: with O(state=verified) and O(state=rebuilt)
  sample: 12
behind:
  description: Number of records that the copy at O(path) lacks.
  type: int
  returned: with O(state=verified)
  sample: 0
problems:
  description: Problems of the log and of the copy, each with the file or store and the records.
  type: list
  elements: str
  returned: with O(state=verified)
  sample: ["audit.jsonl: records 3 to 4 are missing"]
kept:
  description: Path of the old copy that differed from the log, or null.
  type: str
  returned: with O(state=rebuilt)
  sample: audit.jsonl.differs-5f2b8c01a9d3
"""
