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
  - Plans the rotation, and checks at databases, caches and AWS that they would accept the changes. Then opens the
    rotation, or continues the open rotation, until hosts have work to do.
  - Call M(watchparty.secrets.rotation_continue) after each rollout. The playbook C(watchparty.secrets.rotate) calls
    this module; use it directly only in a playbook of your own.
  - Delegate the task to the host that connects to databases and caches (C(rotation_host)).
options:
  ask:
    description:
      - Whether RV(needs) returns the credentials whose new value the operator must supply. If false, the module refuses
        these credentials.
    type: bool
    default: false
  looked:
    description:
      - Names of the SSH key credentials for which M(watchparty.secrets.ssh_key) ran on each host with
        O(watchparty.secrets.ssh_key#module:state=looked), registered as C(secret_rotate__looked). If not set and the
        plan contains SSH keys, the module returns their names in RV(looks) instead of opening the rotation.
    type: list
    elements: str
  waited:
    description: Seconds that earlier rotations of the same leak have already waited for hosts.
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
    description: Shows every location that would change, without values.
    support: full
  idempotent:
    description: Continues after the journal's newest entry. An interrupted act is carried out again.
    support: full
seealso:
  - module: watchparty.secrets.rotation_continue
  - module: watchparty.secrets.rotation_info
  - name: Rotation
    description: Steps, kinds, and what to do if a rotation does not continue.
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
  description: Lines for the operator, with the plan or the state of the open rotation.
  type: list
  elements: str
  returned: success
plan:
  description:
    - The changes with their locations, the credentials that are refused or skipped, and the number of rollouts.
  type: dict
  returned: when a rotation is planned and not opened
looks:
  description: Names of the SSH key credentials that hosts must search for before the rotation can be opened.
  type: list
  elements: str
  returned: when the plan contains SSH keys and O(looked) is not given
needs:
  description: Names of the credentials whose new value the operator must supply.
  type: list
  elements: str
  returned: when a rotation is planned and not opened
next:
  description:
    - What the hosts must do next.
    - V(deploy) or V(deliver) is a rollout. V(stop) stops the services until a leaked signing key is replaced.
    - V(verify) compares each host with the journal. V(await), in a leak response, waits for hosts that are not
      verified.
    - V(acts) calls M(watchparty.secrets.ssh_key) on each host of RV(acts).
    - V(sessions) tries sessions that the key in RV(dropped) signed, on each host of RV(acts).
    - Empty if the rotation has ended or cannot continue.
  type: str
  returned: success
tasks:
  description: Tasks file of the role C(watchparty.secrets.secret_rotate) for the next step.
  type: str
  returned: success
ends:
  description: Tasks file that ends the run. Before it, V(encrypted) may write the encrypted C(.env) again.
  type: str
  returned: when RV(next) is empty
hosts_do:
  description: Tasks file that each host must carry out now. The keys are names of hosts.
  type: dict
  returned: when RV(next) is not empty
later:
  description: The batches of hosts after the present batch.
  type: list
  elements: list
  returned: when RV(next) is not empty
acts:
  description: For each act, its credential, host, state and pending task.
  type: list
  elements: dict
  returned: when RV(next) is V(acts) or V(sessions)
dropped:
  description: The credential whose previous signing key was removed, and the versions of this key.
  type: dict
  returned: when RV(next) is V(sessions)
id:
  description: Id of the rotation.
  type: str
  returned: when a rotation is open or has ended in this run
  sample: r-20261125T153024-068d
run:
  description: Id of the run that holds the rotation.
  type: str
  returned: with RV(id)
step:
  description: The present step of the rotation.
  type: str
  returned: with RV(id)
todo:
  description: The remaining stages, the present stage first.
  type: list
  elements: str
  returned: with RV(id)
credentials:
  description: For each credential, its name, kind and act.
  type: list
  elements: dict
  returned: with RV(id)
closed:
  description: Whether the rotation has ended.
  type: bool
  returned: when the rotation has ended
stopped:
  description: Why the rotation cannot continue.
  type: str
  returned: when the rotation cannot continue
opened:
  description: Hosts that still accept a leaked key. They get no new value.
  type: list
  elements: str
  returned: with RV(id)
refused:
  description: Why each refused credential was refused. The keys are names of credentials.
  type: dict
  returned: success
revocations:
  description:
    - Old values that you must still revoke at a provider, with the URL of the provider's page and the command that
      confirms the revocation.
  type: list
  elements: dict
  returned: success
waited:
  description: Seconds that the leak response has waited for hosts.
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
