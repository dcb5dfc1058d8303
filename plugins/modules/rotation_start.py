#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_start
short_description: Plan and open a rotation, and run it to its first rollout
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Makes the plan, asks the servers whether they would accept the changes, and opens the rotation or continues the open
    rotation. Works until hosts have work to do. M(watchparty.secrets.rotation_continue) follows each rollout.
  - The playbook C(watchparty.secrets.rotate) calls this module; use it directly only in a playbook of your own.
  - Delegate the task to the host that talks to the servers.
options:
  ask:
    description:
      - Whether to return the names of credentials whose value the operator must supply in RV(needs). If false, the
        module refuses them.
    type: bool
    default: false
  looked:
    description:
      - Names of the SSH key credentials that M(watchparty.secrets.ssh_key) searched for on each host, with
        O(watchparty.secrets.ssh_key#module:state=looked), in a loop whose result each host registered as
        C(secret_rotate__looked).
      - If not set and the plan contains SSH keys, the module does not open the rotation and returns their names in
        RV(looks).
    type: list
    elements: str
  waited:
    description: Seconds that earlier rotations of the same leak have waited for hosts.
    type: float
    default: 0
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
  - watchparty.secrets.rotation_settings
  - watchparty.secrets.attributes.servers
attributes:
  check_mode:
    description: Plans, and writes nothing.
    support: full
  diff_mode:
    description: Shows every place that would change, without values.
    support: full
  idempotent:
    description: Goes on from where the journal stands; an act that was cut short is carried out again.
    support: full
seealso:
  - module: watchparty.secrets.rotation_continue
  - module: watchparty.secrets.rotation_info
  - name: Rotation
    description: Steps, kinds, and what to do when one stands still.
    link: https://github.com/watchparty/secrets/blob/main/docs/explanation/rotation.md
"""

EXAMPLES = r"""
- name: Plan, and carry it on to the first rollout
  watchparty.secrets.rotation_start:
    catalog: "{{ secrets_catalog }}"
    environment: production
    settings:
      credentials: [database]
      hosts: "{{ groups['app_hosts'] }}"
      targeted_hosts: "{{ ansible_play_hosts_all }}"
  delegate_to: web1
  run_once: true
"""

RETURN = r"""
messages:
  description: The plan, or what happens to an open rotation, for the operator.
  type: list
  elements: str
  returned: success
plan:
  description: What changes where, which credentials are refused or passed over, and how many rollouts it takes.
  type: dict
  returned: when a rotation is planned and not opened
looks:
  description: The SSH key credentials that the hosts must search for before the plan can be opened.
  type: list
  elements: str
  returned: when there are some and O(looked) is not given
needs:
  description: The credentials whose new value must be given.
  type: list
  elements: str
  returned: when a rotation is planned and not opened
next:
  description:
    - V(deploy) or V(deliver), a rollout; V(stop), the end of what a leaked signing key opens.
    - V(verify), a comparison of each host with what the journal prescribes; V(await), after a leak a wait for
      those that are not verified.
    - V(acts), what M(watchparty.secrets.ssh_key) has to do on each host of RV(acts).
    - V(sessions), a try of sessions that the key RV(dropped) signed, on each host of RV(acts).
    - Empty where the rotation has ended or stands still.
  type: str
  returned: success
tasks:
  description: The task file of the role C(watchparty.secrets.secret_rotate) with which it goes on.
  type: str
  returned: success
ends:
  description: The task file that ends the run; before it V(encrypted) may renew the encrypted C(.env).
  type: str
  returned: when RV(next) is empty
hosts_do:
  description: By host, the task file that it has to carry out now.
  type: dict
  returned: when RV(next) is not empty
later:
  description: The batches of hosts that follow.
  type: list
  elements: list
  returned: when RV(next) is not empty
acts:
  description: Credential, host, state and pending task of each act.
  type: list
  elements: dict
  returned: when RV(next) is V(acts) or V(sessions)
dropped:
  description: The credential whose former key was dropped, and its versions.
  type: dict
  returned: when RV(next) is V(sessions)
id:
  description: Name of the rotation.
  type: str
  returned: when one is open or has ended in this run
  sample: r-20261125T153024-068d
run:
  description: The run that holds it.
  type: str
  returned: with RV(id)
step:
  description: The step that has begun.
  type: str
  returned: with RV(id)
todo:
  description: The stages that remain, the present one first.
  type: list
  elements: str
  returned: with RV(id)
credentials:
  description: Name, kind and act of each credential.
  type: list
  elements: dict
  returned: with RV(id)
closed:
  description: Whether it has ended.
  type: bool
  returned: when it has
stopped:
  description: Why it stands still.
  type: str
  returned: when it does
opened:
  description: Hosts that still accept a leaked key. They get nothing new.
  type: list
  elements: str
  returned: with RV(id)
refused:
  description: Reason by credential.
  type: dict
  returned: success
revocations:
  description: Old values that third parties have yet to revoke, with their page, and in words what to type then.
  type: list
  elements: dict
  returned: success
waited:
  description: Seconds that a leak has waited for hosts.
  type: float
  returned: with RV(id)
summary:
  description: The outcome, for the operator.
  type: list
  elements: str
  returned: success
verdict:
  description: Why the run fails. Empty if it does not fail.
  type: str
  returned: success
"""
