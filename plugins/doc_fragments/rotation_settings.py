# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run of rotate gives to each of its segments."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  settings:
    description: What the operator and the inventory give the run. The same for every call of one run.
    type: dict
    required: true
    suboptions:
      credentials:
        description: Credentials to rotate; all that are due by default.
        type: list
        elements: str
        default: []
      force:
        description: Rotate regardless of age.
        type: bool
        default: false
      resume:
        description: Id of the rotation to take over, or V(any). Of one that has ended nothing is left to do;
          any other id is refused.
        type: str
        default: ''
      abort:
        description: Take the open rotation back instead of going on.
        type: bool
        default: false
      incident:
        description:
          - Name of the leak that makes the rotation necessary. Age does not count then, no former key is kept, and
            nothing is revoked later.
        type: str
        default: ''
      immediate:
        description: Remove the old values before the new ones are deployed. The application is down in between.
        type: bool
        default: false
      reached:
        description:
          - With a leak, the credentials that it reaches. An open rotation that changes one of them becomes the leak's
            own, which revokes nothing later.
        type: list
        elements: str
        default: []
      hosts:
        description: Every host of the inventory that reads the values.
        type: list
        elements: str
        default: []
      targeted_hosts:
        description: Those of them that the play reaches.
        type: list
        elements: str
        default: []
      reachable:
        description: Those on which keys may be changed.
        type: list
        elements: str
        default: []
      skipped:
        description: The hosts that the operator takes the responsibility for.
        type: list
        elements: str
        default: []
      leaves_lost:
        description: Whether unreachable hosts are skipped, and named. Without it they stop the run.
        type: bool
        default: false
      serial:
        description: The batches of a rollout, as Ansible's C(serial).
        type: list
        elements: raw
        default: [1, "25%"]
      merge_seconds:
        description: How long the promotion merges what somebody else writes into other keys of the same secrets.
        type: int
        default: 120
      wait_seconds:
        description: With a leak, how long hosts that cannot be reached are waited for.
        type: float
        default: 0
      python:
        description: The interpreter on the host that talks to the servers.
        type: str
      allow_sessions:
        description: End sessions of the old value that come from unknown addresses too.
        type: bool
        default: false
      known_addresses:
        description: Addresses and networks beside the hosts' own that sessions may come from.
        type: list
        elements: str
        default: []
      gone_nodes:
        description: Nodes of Valkey, C(host:port), that are gone for good.
        type: list
        elements: str
        default: []
      values_file:
        description:
          - A YAML file on the controller, mode 0600, with new values that third parties issued, one C(credential)
            V(value) pair a line, or a mapping of C(username) and C(password).
        type: path
      values_from:
        description: Name of the variable in which M(watchparty.secrets.ask_secret) was registered.
        type: str
      audit_path:
        description: A local copy of the audit log, or the log itself where the catalog names none.
        type: path
      changelog:
        description: A CHANGELOG.md that gets a line for each record of the audit log.
        type: path
"""
