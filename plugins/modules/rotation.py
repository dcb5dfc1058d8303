#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation
short_description: Tell what a rotation would do, and keep what the operator says in the journal
version_added: 0.2.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Answers for a leak response what would be rotated, and notes what happened outside of a rotation.
  - M(watchparty.secrets.rotation_start) and M(watchparty.secrets.rotation_continue) rotate.
options:
  state:
    description:
      - V(planned) tells what would be done.
      - V(prepared) notes that a database server has both logins of O(credentials), V(unprepared) that it has not.
      - V(revoked) takes the operator's word that third parties have revoked the old values of O(credentials). It tries
        them first where the catalog says how, and writes it into the audit log and the journal. During a leak it is the
        leak's confirmation too; then it is refused for what a run ends and proves refused itself.
      - V(forgotten) ends what rotations left for later of O(credentials), or by its id, without carrying it out.
    type: str
    choices: [planned, prepared, unprepared, revoked, forgotten]
    required: true
  credentials:
    description: Credentials to rotate; all that are due by default.
    type: list
    elements: str
    default: []
  force:
    description: Plan regardless of age.
    type: bool
    default: false
  ask:
    description: Plan as if what an operator supplies were there.
    type: bool
    default: false
  preflight:
    description: Whether the servers are asked what they have against the plan.
    type: bool
    default: false
  incident:
    description: Name of the leak that makes it necessary. Age does not count then, and nothing old is kept.
    type: str
    default: ''
  immediate:
    description: Plan to remove the old values before the new ones are deployed.
    type: bool
    default: false
  reached:
    description: With O(incident), the credentials that the leak reaches.
    type: list
    elements: str
    default: []
  spoiled:
    description:
      - With O(state=planned), the new values that may have leaked too, as C(spoiled) of
        RV(watchparty.secrets.incident#module:incident). Beside those that the journal tells, they replace nothing.
    type: list
    elements: str
    default: []
  values_file:
    description:
      - A YAML file on the controller, mode 0600, with new values that third parties issued, one C(credential) V(value)
        pair a line, or a mapping of C(username) and C(password). A name that the catalog does not have, or whose kind
        takes no value from an operator, is refused.
    type: path
  values_from:
    description: Name of the variable in which M(watchparty.secrets.ask_secret) was registered.
    type: str
  seen:
    description:
      - What M(watchparty.secrets.ssh_key) saw with O(watchparty.secrets.ssh_key#module:state=looked), one mapping a
        credential and host. Without it a plan names SSH keys in RV(looks).
    type: list
    elements: dict
  resume:
    description: Id of the rotation to take over, or V(any).
    type: str
    default: ''
  abort:
    description: Plan to take the open rotation back.
    type: bool
    default: false
  hosts:
    description: Every host of the inventory that reads the values.
    type: list
    elements: str
    default: []
  here:
    description: Those of O(hosts) that this run reaches; all by default.
    type: list
    elements: str
  skipped:
    description: The hosts that the operator takes the responsibility for.
    type: list
    elements: str
    default: []
  python:
    description: The interpreter on the host that talks to the servers.
    type: str
  gone_nodes:
    description: Nodes of Valkey, C(host:port), that are gone for good.
    type: list
    elements: str
    default: []
  audit_path:
    description: A local copy of the audit log, or the log itself where the catalog names none.
    type: path
  changelog:
    description: A CHANGELOG.md that gets a line for each record of the audit log.
    type: path
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
attributes:
  check_mode:
    description: Plans, and writes nothing.
    support: full
  diff_mode:
    description: Shows every place that would change, without values.
    support: full
  idempotent:
    description: What was noted is not noted again.
    support: full
  action:
    description: Runs on the controller. The task's host runs what talks to the servers, and needs no AWS credentials.
    support: full
seealso:
  - module: watchparty.secrets.rotation_start
  - module: watchparty.secrets.rotation_continue
  - module: watchparty.secrets.rotation_info
  - name: Rotation
    description: Steps, kinds, and what to do when one stands still.
    link: https://github.com/watchparty/secrets/blob/main/docs/rotation.md
"""

EXAMPLES = r"""
- name: What would be rotated
  watchparty.secrets.rotation:
    state: planned
    catalog: "{{ secrets_catalog }}"
    environment: production
  run_once: true
"""

RETURN = r"""
said:
  description: The plan, or what becomes of an open rotation, in words.
  type: list
  elements: str
  returned: when O(state) is V(planned), V(revoked) or V(forgotten)
revocations:
  description: Old values that third parties have yet to revoke, with their page, and in words what to type then.
  type: list
  elements: dict
  returned: when O(state) is V(planned) or V(revoked)
  sample: [{"id": "r-20261125T153024-068d/youtube", "credential": "youtube", "page": "https://console.example.com"}]
words:
  description: What the operator reads at the end.
  type: list
  elements: str
  returned: when O(state) is V(revoked) or V(forgotten)
verdict:
  description: Why the run fails; empty where it does not.
  type: str
  returned: when O(state) is V(revoked) or V(forgotten)
alive:
  description: Old values that still work although the operator says that they were revoked; they stay open.
  type: list
  elements: str
  returned: when O(state=revoked)
record:
  description: The operator's word as the audit log takes it; empty where nothing waits for one.
  type: dict
  returned: when O(state) is V(revoked) or V(forgotten)
plan:
  description: What changes where, which credentials are refused or passed over, and how many rollouts it takes.
  type: dict
  returned: when a rotation is planned
refused:
  description: Reason by credential.
  type: dict
  returned: when a rotation is planned
takes_down:
  description:
    - The credentials that change and without which the application is down, if they are removed before new ones are
      deployed.
  type: list
  elements: str
  returned: when O(state) is V(planned)
ends:
  description:
    - What the end of the rotation that is open does, where a leak is planned for beside it. The old values that it
      C(removes), whether C(first), before the new ones are deployed; whether it is C(past) its return; whether it
      C(restarts) hosts.
  type: dict
  returned: with O(incident), when a rotation is open and O(state=planned)
  sample: {"removes": ["cache"], "first": false, "past": false, "restarts": true}
against:
  description: By credential, what its server has against it.
  type: dict
  returned: with O(preflight), when servers were asked
looks:
  description: The credentials whose hosts must be looked at before the plan can be opened.
  type: list
  elements: str
  returned: when there are some and O(seen) is not given
nothing:
  description: Whether there is nothing to do.
  type: bool
  returned: when O(state) is V(planned)
"""
