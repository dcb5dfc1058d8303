#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_version
short_description: Stage, promote, take back or tidy up the versions of a rotation
version_added: 0.2.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Acts on the secrets and parameters of the rotation that this run holds. Version ids are derived from the rotation,
    the secret and the phase, so that every act can be repeated.
  - The new values are made once, and wait in a secret of the rotation's own until it ends. What parameters will hold
    waits in a second one, which hosts and deploys read. No value is returned.
options:
  state:
    description:
      - V(staged) puts one new version into each secret and phase, all other keys as they are, and labels the last one
        C(AWSPENDING). A pending version that is not of this rotation is named, and left as it is.
      - V(promoted) moves C(AWSCURRENT) in each secret, and only from the version that was planned from; then it writes
        the parameters. What somebody else wrote meanwhile into other keys is merged, within O(merge_seconds). What
        GitHub holds too is sent there; where that cannot be, nothing is moved, unless an incident is open.
      - V(restored) moves C(AWSCURRENT) to an unchanged copy of what was there before, so that a promotion that is
        still on its way is refused, and sends former parameters again, and to GitHub what it held. Where that cannot be
        sent, it fails before anything is moved, unless an incident is open.
      - V(discarded) takes the rotation's labels off and removes its own secrets.
    type: str
    choices: [staged, promoted, restored, discarded]
    required: true
  merge_seconds:
    description: With O(state=promoted), for how many seconds other people's changes of other keys are merged.
    type: int
    default: 120
  values_file:
    description: As for M(watchparty.secrets.rotation).
    type: path
  values_from:
    description: As for M(watchparty.secrets.rotation).
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
attributes:
  check_mode:
    description: Names the secrets, and writes nothing.
    support: full
  diff_mode:
    description: There is nothing to show but values.
    support: none
  idempotent:
    description: Every act can be repeated; the task tells C(changed) each time.
    support: partial
  action:
    description: Runs on the controller, inside Ansible itself; hosts need neither boto3 nor credentials.
    support: full
seealso:
  - module: watchparty.secrets.rotation
"""

EXAMPLES = r"""
- name: Make the staged versions the current ones
  watchparty.secrets.secret_version:
    state: promoted
    catalog: "{{ secrets_catalog }}"
    environment: production
    run: "{{ begun.rotation.run }}"
  run_once: true
"""

RETURN = r"""
rotation:
  description: Id of the rotation.
  type: str
  returned: success
versions:
  description: The staged version ids by secret, one a phase.
  type: dict
  returned: when O(state=staged)
outcome:
  description:
    - V(done); V(taken) if somebody wrote the keys that rotate, which ends in taking the rotation back; V(blocked) if
      GitHub cannot be sent its copies, and then nothing was moved, or if others wrote other keys for longer than
      O(merge_seconds).
  type: str
  returned: when O(state=promoted)
words:
  description: Why nothing was promoted; or what was merged, and what GitHub was not sent during an incident.
  type: str
  returned: when O(state=promoted)
sent:
  description: The names that GitHub was sent.
  type: list
  elements: str
  returned: when O(state=promoted)
told:
  description: What was left as it is because somebody else wrote it, and what GitHub was not sent during an incident.
  type: list
  elements: str
  returned: when O(state=restored)
"""
