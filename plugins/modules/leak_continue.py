#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: leak_continue
short_description: Evaluate a step of a leak response, and name the next one
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Takes the registered results of a step's tasks (C(leak_respond__...)), writes the incident's events into the
    journal, and returns the next step that has work.
  - After the last step, the module makes revoked values unreadable. It removes the labels of leaked versions, and sets
    a resource policy that denies these versions by id, also in each replica. It overwrites a parameter with its own
    value until the old versions are gone, so the parameter is never missing. It does the same with every other version
    of these secrets that holds a revoked value. If an open rotation or pending task needs a version, the module keeps
    and names this version. Other statements of a policy stay. If the module cannot make a value unreadable, it reports
    this and does not fail.
  - Then the module writes the post-mortem, as Markdown and as one HTML page that needs no network. It records the
    containment in the audit log, and closes the incident. If something is still open, it fails.
  - The role P(watchparty.secrets.leak_respond#role) calls this module.
options:
  response:
    description: The last result of M(watchparty.secrets.leak_start) or of this module.
    type: dict
    required: true
  rotation:
    description:
      - If that result has RV(next=wave), the last result of M(watchparty.secrets.rotation_continue) in this wave.
    type: dict
    default: {}
  python:
    description: The interpreter on the host that empties caches.
    type: str
  readers_seconds:
    description: Seconds for the search of CloudTrail at the end.
    type: int
    default: 60
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
    description: A drill ends before it.
    support: none
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: An event is kept once.
    support: full
notes:
  - Needs C(secretsmanager:GetResourcePolicy), C(secretsmanager:PutResourcePolicy),
    C(secretsmanager:ListSecretVersionIds) and C(ssm:GetParameterHistory) beside what a rotation needs.
  - AWS keeps 100 versions of a parameter, so each parameter needs up to 99 writes.
seealso:
  - module: watchparty.secrets.leak_start
"""

EXAMPLES = r"""
- name: Continue
  watchparty.secrets.leak_continue:
    catalog: "{{ secrets_catalog }}"
    environment: production
    response: "{{ leak_respond_result }}"
    rotation: "{{ secret_rotate_result | default({}) }}"
  run_once: true
  register: leak_respond_result
"""

RETURN = r"""
next:
  description: The step that is next, in the order of the keys below; V(end) after the last one.
  type: str
  returned: success
tasks:
  description: The file of the role's tasks to include for it. V(proceed) where the role's main file has them itself.
  type: str
  returned: unless RV(next=end)
wave:
  description:
    - The C(credentials) of one rotation; whether the open rotation is aborted instead (C(abort)), whether old values
      are removed first (C(immediate)), everything that the leak reaches (C(reached)), and the variable with the
      operator's C(answers).
  type: dict
  returned: with RV(next=wave)
verify_skipped:
  description: The C(hosts) that an earlier run skipped.
  type: dict
  returned: with RV(next=verify_skipped)
sessions:
  description: Empty; the task's host ends the sessions that hosts share.
  type: dict
  returned: with RV(next=sessions)
session_files:
  description: The other C(hosts), which hold sessions in files.
  type: dict
  returned: with RV(next=session_files)
session_tries:
  description:
    - The other C(hosts), on which an old session is tried. The signing keys that were replaced are in the result as
      M(watchparty.secrets.previous_values_info) returns them.
  type: dict
  returned: with RV(next=session_tries)
invalidate:
  description: The C(copies) at CloudFront, each with C(name), C(distribution) and C(paths).
  type: dict
  returned: with RV(next=invalidate)
ask:
  description: The C(names) of credentials whose new value is asked for, and their providers' C(pages).
  type: dict
  returned: with RV(next=ask)
copies:
  description:
    - By host, the addresses of its services (C(health)), and the reason why no copies are searched for (C(unlooked)),
      or an empty text. The result holds the values to search for as M(watchparty.secrets.previous_values_info) returns
      them.
  type: dict
  returned: with RV(next=copies)
incident:
  description: Its C(id), and C(since) when the leak may have been known to others.
  type: dict
  returned: unless RV(next=end)
host:
  description: The host that talks to the servers. One that still accepts a leaked key is given up for the next one.
  type: str
  returned: unless RV(next=end)
carried:
  description: What the run knows, for the next call.
  type: dict
  returned: unless RV(next=end)
report:
  description: What became of the leak.
  type: dict
  returned: with RV(next=end)
  contains:
    files:
      description: The paths of the post-mortem.
      type: list
      elements: str
    unwritten:
      description: Why it could not be written, with the remedy; empty if it was.
      type: str
    open:
      description: The open parts.
      type: list
      elements: str
    unhealthy:
      description: Of these, the problems of hosts that were not seen healthy in the end.
      type: list
      elements: str
    tried:
      description: The old values that were tried, and those that were not, with the reason.
      type: list
      elements: str
    encrypted_env:
      description: What became of the encrypted C(.env), and the commits that hold old values.
      type: list
      elements: str
    clock:
      description: The clock in words.
      type: list
      elements: str
    contained_seconds:
      description:
        - Seconds from the declaration to the last rejected value, or to the operator's last confirmation of a
          revocation, or null while something is open.
      type: float
    on_word:
      description: Whose end goes by the operator's confirmation, in words; empty if all were seen.
      type: str
    verdict:
      description: Why the run fails; empty where it does not.
      type: str
"""
