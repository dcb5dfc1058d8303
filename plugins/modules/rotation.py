#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation
short_description: Plan, open, advance and close a rotation of credentials
version_added: 0.2.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Keeps the journal of a rotation, numbered SSM parameters below C(stores.ssm.journal) that can each be created once.
    The journal is the lock, the state and the head of the audit log; it holds names, ids and steps, never a value.
  - The playbook C(watchparty.secrets.rotate) calls this module; use it directly only in a playbook of your own.
options:
  state:
    description:
      - V(planned) tells what would be done. V(begun) opens a rotation, or goes on with the one that is open.
      - V(advanced) records what the present step came to, and begins the one that follows from it.
      - V(gated) tells which hosts stand against removing a value.
      - V(closed) ends the rotation, notes what is left for later, and trims the journal.
      - V(prepared) notes that a database server has both logins of O(credentials), V(unprepared) that it has not.
      - V(revoked) takes the operator's word that third parties have revoked the old values of O(credentials). Call it
        in check mode for the audit record first, then with O(audit). During a leak it is the leak's confirmation too;
        then it is refused for what a run ends and proves refused itself.
      - V(forgotten) ends what rotations left for later of O(credentials), or by its id, without carrying it out. Call
        it in check mode for the audit record first, then with O(audit).
    type: str
    choices: [planned, begun, gated, advanced, closed, prepared, unprepared, revoked, forgotten]
    required: true
  credentials:
    description: Credentials to rotate; all that are due by default.
    type: list
    elements: str
    default: []
  force:
    description: Rotate regardless of age.
    type: bool
    default: false
  ask:
    description: With O(state=begun), return the credentials whose value must be asked for instead of refusing them.
    type: bool
    default: false
  preflight:
    description:
      - With O(state=planned) or O(state=begun), return RV(checks) and open nothing yet, where there are any. Ask those
        servers, then call again without it, and with what was found in O(against).
    type: bool
    default: false
  against:
    description: By credential, what its server has against rotating it. It is refused in these words.
    type: dict
    default: {}
  unasked:
    description: Why no server could be asked; shown as a warning.
    type: str
    default: ''
  incident:
    description:
      - Name of the leak that makes the rotation necessary. Age does not count then, no former key is kept, and nothing
        is retired later.
    type: str
    default: ''
  immediate:
    description: Remove the old values before the new ones are deployed. The application is down in between.
    type: bool
    default: false
  reached:
    description:
      - With O(incident), the credentials that the leak reaches. An open rotation that changes one of them becomes the
        leak's own, which retires nothing later and which O(immediate) hastens.
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
  tried:
    description:
      - With O(state=revoked), what M(watchparty.secrets.external_value) found, by what waits for the word. What was
        V(accepted) stays open.
    type: dict
    default: {}
  seen:
    description:
      - What M(watchparty.secrets.ssh_key) saw with O(watchparty.secrets.ssh_key#module:state=looked), one mapping a
        credential and host. Without it, a plan that holds SSH keys is not opened, and names them in RV(looks).
    type: list
    elements: dict
  resume:
    description: Id of the rotation to take over, or V(any). Of one that has ended nothing is left to do;
      any other id is refused.
    type: str
  abort:
    description: Take the open rotation back instead of going on.
    type: bool
    default: false
  hosts:
    description: Every host of the inventory that reads the values.
    type: list
    elements: str
    default: []
  here:
    description: Those of O(hosts) that this run reaches; all by default. What becomes of the others is said.
    type: list
    elements: str
  recorded:
    description:
      - With O(state) V(planned) or V(begun), whether a record is made though the catalog names no C(audit_log), in a
        file. One that the audit log would refuse is an error before a rotation is opened, unless it answers a leak.
    type: bool
    default: false
  proven:
    description: With O(state=gated), the hosts that were just seen to run on the other value.
    type: list
    elements: str
    default: []
  skipped:
    description: The hosts that the operator takes the responsibility for.
    type: list
    elements: str
    default: []
  leaves_lost:
    description: With O(state=gated), whether hosts that are not proven are only told of. Without it they are an error.
    type: bool
    default: false
  outcome:
    description: With O(state=advanced), what the present step came to.
    type: str
    default: done
  words:
    description: With O(state=advanced), the reason for people; with O(state=gated), what hosts said last.
    type: str
    default: ''
  sent:
    description: With O(state=advanced), the names that GitHub was sent at the promotion, for the audit log.
    type: list
    elements: str
    default: []
  notes:
    description: With O(state=advanced), what later stages need, by credential. No values.
    type: dict
    default: {}
  refusals:
    description:
      - With O(state=advanced) and a leak, what the modules answered that took old values away, by credential. It
        becomes the evidence in the leak's report, and what they could not end (C(alive)) is open there.
    type: dict
    default: {}
  proven_at:
    description: With O(state=advanced) and a leak, when hosts were proven, in seconds since 1970.
    type: list
    elements: float
    default: []
  left:
    description:
      - With O(state=advanced), the hosts that could not be reached and still let a leaked key in, by credential.
    type: dict
    default: {}
  behind:
    description:
      - With O(state=advanced), the hosts that were not proven when the value went that goes. The audit record names
        them.
    type: list
    elements: str
    default: []
  audit:
    description: With O(state=closed), O(state=revoked) or O(state=forgotten), number and digest of the audit record.
    type: dict
    default: {}
  unrecorded:
    description: With O(state=closed) in a leak, why the audit log has no record of it. The leak's report names it.
    type: str
    default: ''
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
    description: A step that was begun is not begun again; nothing due means nothing done.
    support: full
  action:
    description: Runs on the controller, inside Ansible itself; hosts need neither boto3 nor credentials.
    support: full
seealso:
  - module: watchparty.secrets.secret_version
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
  returned: when O(state) is V(planned), V(begun), V(revoked) or V(forgotten)
revocations:
  description: Old values that third parties have yet to revoke, with their page, and in words what to type then.
  type: list
  elements: dict
  returned: when O(state) is V(planned), V(begun), V(closed) or V(revoked)
  sample: [{"id": "r-20261125T153024-068d/youtube", "credential": "youtube", "page": "https://console.example.com"}]
alive:
  description: Old values that still work although the operator says that they were revoked; they stay open.
  type: list
  elements: str
  returned: when O(state=revoked)
tries:
  description: The credentials whose old values can be tried first, as the tasks of their kinds know them.
  type: list
  elements: dict
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
  returned: when O(state) is V(planned) or V(begun)
ends:
  description:
    - What the end of the rotation that is open does, where a leak is planned for beside it. The old values that it
      C(removes), whether C(first), before the new ones are deployed; whether it is C(past) its return; whether it
      C(restarts) hosts.
  type: dict
  returned: with O(incident), when a rotation is open and O(state=planned)
  sample: {"removes": ["cache"], "first": false, "past": false, "restarts": true}
looks:
  description: The credentials whose hosts must be looked at before the plan can be opened.
  type: list
  elements: str
  returned: when there are some and O(seen) is not given
nothing:
  description: Whether there is nothing to do.
  type: bool
  returned: when O(state) is V(planned) or V(begun)
checks:
  description: The credentials whose servers can be asked first, since their kinds have a C(check.yml).
  type: list
  elements: dict
  returned: with O(preflight), when there are any
  sample: [{"name": "database", "kind": "postgresql_role"}]
rotation:
  description: The open rotation, or the one that was just closed.
  type: dict
  returned: when there is one
  contains:
    id:
      description: Its name.
      type: str
      sample: r-20261125T153024-068d
    run:
      description: The run that holds it.
      type: str
    step:
      description: The step that has begun.
      type: str
    todo:
      description: The stages that remain, the present one first.
      type: list
      elements: str
    credentials:
      description:
        - Name, kind, act and task folder of each credential; C(hosts) where only those are concerned, C(left), the
          hosts that could not be reached so far after a leak, and C(dropped_from), the versions that hold the key of
          sessions that is dropped.
      type: list
      elements: dict
    opened:
      description: The hosts that still let a leaked key in, since they could not be reached. They get nothing new.
      type: list
      elements: str
    behind:
      description: The hosts that were left behind when the value went that goes.
      type: list
      elements: str
    closed:
      description: That it is closed.
      type: bool
      returned: when O(state=closed)
    to_refusal:
      description:
        - Of the old values that the rotation has removed, how long they stayed valid after the promotion, in words. By
          the times of the journal's entries, also where several runs wrote them.
      type: list
      elements: str
      returned: when O(state=closed)
      sample: ["from promotion to refusal: 4 s (cache, database)"]
way:
  description: What follows from the outcome. V(go), V(back), V(stop) or V(again).
  type: str
  returned: when O(state) is V(advanced) or V(closed)
objections:
  description: Why a value may not be removed yet.
  type: list
  elements: str
  returned: when O(state=gated)
"""
