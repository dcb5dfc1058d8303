#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: leak_start
short_description: Assess a leak, plan its containment, ask for the confirmation, and declare it
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Follows the credential graph from the leaked credentials, plans the rotations, and shows the plan, the effect on
    users and the manual work. The role P(watchparty.secrets.leak_respond#role) calls this module.
  - While the operator reads the plan, the module lists the sessions of leaked logins at databases and caches, and
    searches CloudTrail for reads of leaked values. It reports sources that did not answer.
  - After the operator's confirmation, the module declares an incident in the journal, or continues the open incident.
    Call M(watchparty.secrets.leak_continue) after each step of the response.
  - Delegate the task to the host that connects to databases and caches.
options:
  leaked:
    description:
      - Names of credentials that leaked. Also C(host:NAME) for the values in a host's C(.env), C(github) for the values
        synced to GitHub, C(secret:NAME) for the content of a secret in AWS, and C(all).
    type: list
    elements: str
    default: []
  found_in:
    description:
      - Path of a file on the controller that contains the leaked string, in UTF-8 or UTF-16. The module finds the
        credentials whose values are in the string.
    type: path
  found_by:
    description:
      - Name of the variable in which a result of M(watchparty.secrets.ask_secret) was registered. The result contains
        the leaked string.
    type: str
  exposed_since:
    description:
      - The earliest time at which others may have known the value, such as V(2026-11-20T10:00Z). If the leak is
        declared twice, the earlier time counts.
    type: str
    default: ''
  containment:
    description:
      - V(graceful) revokes old values at the end of each rotation.
      - V(immediate), also named V(block), disables them before new values are made. A second declaration of a leak can
        only change from V(graceful) to V(immediate).
    type: str
    choices: [graceful, immediate, block]
    default: graceful
  compromised_hosts:
    description: Names of hosts that an attacker may control. They get no new value, and the response does not use them.
    type: list
    elements: str
    default: []
  revoked:
    description:
      - Names of credentials whose old value the operator has revoked at the provider. Refused for a credential that a
        run itself revokes and verifies.
    type: list
    elements: str
    default: []
  sessions:
    description:
      - Whether to log out all users of the application. Has no effect if neither the catalog nor a host declares
        sessions.
    type: bool
    default: true
  go_on:
    description:
      - Whether to continue if the response cannot replace a credential that reveals other credentials. An attacker with
        this credential can then read the new values.
    type: bool
    default: false
  evidence_seconds:
    description:
      - Seconds that the collection of evidence from all hosts may take. The response makes no change before it ends.
    type: int
    default: 10
  evict:
    description:
      - Whether the response also removes footholds, for the whole incident. By default the key C(leak.evict) of the
        catalog, or false.
      - On hosts, it removes authorized keys that RV(watchparty.secrets.host_evidence#module:footholds) names. At
        databases and caches, it removes logins that neither the catalog nor the baseline has. In AWS, it deactivates
        access keys that a leaked key created.
    type: bool
  deny_sessions:
    description:
      - Whether the response denies temporary AWS credentials that an attacker may have obtained, by the inline policy
        C(AWSRevokeOlderSessions) on roles and users of the catalog. Hosts that use such a role lose their access to AWS
        until they get new credentials.
      - Needs C(iam:PutRolePolicy) and C(iam:PutUserPolicy).
    type: bool
    default: false
  report_path:
    description:
      - Folder on the controller for the post-mortem. The module creates it, and fails if it cannot write there.
    type: path
  group:
    description: Name of the inventory group with the application's hosts, for messages.
    type: str
    default: app_hosts
  hosts:
    description: Names of all hosts in the inventory that read the values.
    type: list
    elements: str
    required: true
  targeted_hosts:
    description: Names of those O(hosts) that the play reaches. All other hosts must be in O(compromised_hosts).
    type: list
    elements: str
    required: true
  host:
    description: Name of the host that connects to databases and caches.
    type: str
    required: true
  rotation_host:
    description: The extra variable C(rotation_host). Empty if O(host) is not the operator's choice.
    type: str
    default: ''
  candidates:
    description: Names of hosts that can connect to databases and caches instead of O(host), the best first.
    type: list
    elements: str
    default: []
  reached:
    description: Whether the drill has carried out the step RV(next=reach), which searches for a host that answers.
    type: bool
    default: false
  looked:
    description:
      - Names of the SSH key credentials for which M(watchparty.secrets.ssh_key) ran on each host with
        O(watchparty.secrets.ssh_key#module:state=looked). The role registers the results as C(leak_respond__looked).
    type: list
    elements: str
  evidence_until:
    description: The result RV(evidence_until) of the first call. Set it in the call after hosts collected evidence.
    type: float
    default: 0
  record_drill:
    description:
      - Whether to record a drill in the audit log. The record has the time, and the reasons that would stop a real
        response.
    type: bool
    default: false
  false_alarm:
    description: Whether to close the open incident as a false alarm instead of a response.
    type: bool
    default: false
  values_file:
    description:
      - Path of a YAML file on the controller, with mode 0600, with new values that providers issued. Each key is a
        credential, and its value is a text, or a mapping of C(username) and C(password).
    type: path
  python:
    description: The interpreter on the host of the task.
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
    description:
      - Check mode is a drill. The module plans, and checks at databases and caches that they would accept the plan. It
        does not ask for confirmation and writes nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: A second declaration of the same leak writes nothing.
    support: full
seealso:
  - module: watchparty.secrets.leak_continue
  - module: watchparty.secrets.host_evidence
  - module: watchparty.secrets.impact_info
  - name: Leak response
    description: What the response does, step by step.
    link: https://github.com/watchparty/secrets/blob/main/docs/explanation/leak-response.md
"""

EXAMPLES = r"""
- name: Declare a leak
  watchparty.secrets.leak_start:
    catalog: "{{ secrets_catalog }}"
    environment: production
    leaked: [cache]
    hosts: "{{ groups['app_hosts'] }}"
    targeted_hosts: "{{ ansible_play_hosts_all }}"
    host: web1
  delegate_to: web1
  run_once: true
  register: leak_respond_result
"""

RETURN = r"""
next:
  description:
    - Name of the next step.
    - V(false_alarm) with O(false_alarm=true).
    - V(paste) if the operator must enter the leaked string, because no option names a leak.
    - V(gather) if hosts must collect evidence.
    - V(reach) if a drill must find a host that answers.
    - V(look) if hosts must be searched for keys before the plan is complete.
    - V(end) after a drill.
    - After the declaration, a step of M(watchparty.secrets.leak_continue).
  type: str
  returned: success
tasks:
  description:
    - Tasks file of the role to include for the next step. V(proceed) means that there is nothing to include.
  type: str
  returned: success
look:
  description: The C(credentials) whose SSH keys the hosts must search for.
  type: dict
  returned: with RV(next=look)
gather:
  description:
    - What hosts need to collect evidence. C(hosts_until) is the time until which a host may begin, in seconds since
      1970. C(host_seconds) limits the seconds of each host, C(look_seconds) those of its search for footholds. The
      other keys are options of M(watchparty.secrets.host_evidence).
  type: dict
  returned: with RV(next=gather)
evidence_until:
  description: When the time for the collection of evidence ends, in seconds since 1970.
  type: float
  returned: with RV(next=gather) and RV(next=look)
incident:
  description: The C(id) of the incident, and since when others may have known the value (C(since)).
  type: dict
  returned: once the leak is declared
host:
  description: The host that connects to databases and caches.
  type: str
  returned: once the leak is declared
lines:
  description: Lines for the operator.
  type: list
  elements: str
  returned: with RV(next=end)
carried:
  description: State of the run, for M(watchparty.secrets.leak_continue).
  type: dict
  returned: once the leak is declared
"""
