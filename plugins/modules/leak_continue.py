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
  - Takes the registered results of the last step (C(leak_respond__...)), writes the incident's events into the journal,
    and returns the next step. The role P(watchparty.secrets.leak_respond#role) calls this module.
  - After the last step, the module makes revoked values unreadable in AWS. If AWS does not allow this, it reports the
    problem and does not fail.
  - In Secrets Manager, it removes the labels of every version that contains a revoked value. A resource policy then
    denies reads of these versions, also in each replica. If an open rotation or a pending task needs a version, the
    module keeps and names this version.
  - In Parameter Store, it writes the present value of a parameter again, until AWS has removed the old versions.
  - Then the module writes the post-mortem, as Markdown and as one HTML page, records the containment in the audit log,
    and closes the incident. If an item is still open, the module fails instead.
options:
  response:
    description: The last result of M(watchparty.secrets.leak_start) or of this module.
    type: dict
    required: true
  rotation:
    description:
      - The last result of M(watchparty.secrets.rotation_continue) in this wave. Needed if O(response) has
        RV(next=wave).
    type: dict
    default: {}
  python:
    description: The interpreter on the host that empties caches.
    type: str
  readers_seconds:
    description: Seconds that the search of CloudTrail for readers of leaked values may take, at the end.
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
    description: Not supported. A drill ends before this module.
    support: none
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: The journal gets each event once.
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
  description: Name of the next step, in the order of the keys below. V(end) after the last step.
  type: str
  returned: success
tasks:
  description:
    - Tasks file of the role to include for the next step. V(proceed) means that there is nothing to include.
  type: str
  returned: unless RV(next=end)
wave:
  description:
    - The C(credentials) of one rotation.
    - Also whether to abort the open rotation instead (C(abort)), whether to revoke old values first (C(immediate)), all
      credentials that the leak reaches (C(reached)), and the name of the variable that holds the operator's answers
      (C(answers)).
  type: dict
  returned: with RV(next=wave)
verify_skipped:
  description: The C(hosts) that an earlier run skipped.
  type: dict
  returned: with RV(next=verify_skipped)
sessions:
  description:
    - The C(host) that ends the sessions that hosts share, and the application's own C(command), which is empty for
      Django's engines.
  type: dict
  returned: with RV(next=sessions)
session_files:
  description: The other C(hosts) that keep sessions in files, or run the application's own C(command).
  type: dict
  returned: with RV(next=session_files)
session_tries:
  description:
    - What hosts need to try an old session. C(hosts) are the hosts other than the one that ended the sessions. The
      mapping also contains the replaced signing keys, as M(watchparty.secrets.previous_values_info) returns them.
  type: dict
  returned: with RV(next=session_tries)
ask:
  description: The C(names) of credentials whose new value the operator must enter, and the C(pages) of their providers.
  type: dict
  returned: with RV(next=ask)
copies:
  description:
    - For each host, the health URLs of its services (C(health)), and the reason if the run does not search the host for
      copies (C(unlooked)).
    - The result also contains the values to search for, as M(watchparty.secrets.previous_values_info) returns them.
  type: dict
  returned: with RV(next=copies)
incident:
  description: The C(id) of the incident, and since when others may have known the value (C(since)).
  type: dict
  returned: unless RV(next=end)
host:
  description:
    - Name of the host that connects to databases and caches. If this host still accepts a leaked key, the module
      chooses the next host.
  type: str
  returned: unless RV(next=end)
carried:
  description: State of the run, for the next call.
  type: dict
  returned: unless RV(next=end)
report:
  description: The outcome of the response.
  type: dict
  returned: with RV(next=end)
  contains:
    files:
      description: The paths of the post-mortem.
      type: list
      elements: str
    unwritten:
      description: Why the post-mortem could not be written, with the remedy. Empty if it was written.
      type: str
    open:
      description: One line for each open item.
      type: list
      elements: str
    unhealthy:
      description: The lines of C(open) about hosts that were not healthy at the end.
      type: list
      elements: str
    tried:
      description: One line for each old value. It says whether the run tried the value, or why not.
      type: list
      elements: str
    encrypted_env:
      description: Whether the encrypted C(.env) was written again, and the commits that contain old values.
      type: list
      elements: str
    clock:
      description: How long the containment took, as text.
      type: list
      elements: str
    contained_seconds:
      description:
        - Seconds from the declaration to the last rejection of an old value, or to the operator's last confirmation of
          a revocation. Null if an item is open.
      type: float
    on_word:
      description:
        - Old values whose revocation only the operator confirmed, as text. Empty if the run verified every revocation.
      type: str
    verdict:
      description: Why the run fails. Empty if it does not fail.
      type: str
"""
