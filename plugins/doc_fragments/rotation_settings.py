# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that a run of rotate gives to each segment."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  settings:
    description: Options of the operator and the inventory. Give the same in every call of a run.
    type: dict
    required: true
    suboptions:
      credentials:
        description: Names of credentials to rotate. By default, all credentials that are due.
        type: list
        elements: str
        default: []
      force:
        description: Whether to rotate the credentials even if they are not due.
        type: bool
        default: false
      resume:
        description:
          - Id of the rotation to take over. V(any) means the open rotation, whatever its id. The module fails if
            another rotation is open, or if no recent rotation has this id.
        type: str
        default: ''
      abort:
        description: Whether to abort the open rotation instead of continuing it.
        type: bool
        default: false
      incident:
        description:
          - Name of the leak that is the reason for the rotation. If set, the rotation also replaces credentials that
            are not due, and revokes all old values itself.
        type: str
        default: ''
      immediate:
        description:
          - Whether to revoke the old values before the new ones are deployed. Until the hosts have the new values, the
            application is down.
        type: bool
        default: false
      reached:
        description:
          - With a leak, names of the credentials that the leak reaches. If the open rotation changes one of them, this
            rotation becomes part of the leak response, and revokes all old values itself.
        type: list
        elements: str
        default: []
      hosts:
        description: Names of all hosts in the inventory that read the values.
        type: list
        elements: str
        default: []
      targeted_hosts:
        description: Names of those O(settings.hosts) that the play reaches.
        type: list
        elements: str
        default: []
      reachable:
        description: Names of those O(settings.hosts) on which the run may change authorized SSH keys.
        type: list
        elements: str
        default: []
      skipped:
        description: Names of the hosts that the operator chose to skip.
        type: list
        elements: str
        default: []
      leaves_lost:
        description:
          - Whether the run continues without unreachable hosts, and names them. If false, an unreachable host stops the
            run.
        type: bool
        default: false
      serial:
        description: Sizes of a rollout's batches, in the format of Ansible's C(serial).
        type: list
        elements: raw
        default: [1, "25%"]
      merge_seconds:
        description:
          - Somebody may change other keys of a secret while the run promotes its new version. The run then merges this
            change and tries again, for at most this number of seconds.
        type: int
        default: 120
      wait_seconds:
        description: With a leak, how many seconds to wait for unreachable hosts.
        type: float
        default: 0
      python:
        description: The interpreter on the host that connects to databases and caches.
        type: str
      allow_sessions:
        description:
          - Whether to revoke an old value although sessions from unknown addresses use it. If false, the run stops
            before the revocation and names the addresses.
        type: bool
        default: false
      known_addresses:
        description:
          - Addresses and networks from which sessions may come, such as V(10.0.1.0/24). The addresses of the hosts need
            not be listed.
        type: list
        elements: str
        default: []
      gone_nodes:
        description: Nodes of Valkey that no longer exist, as C(host:port). The run does not connect to these nodes.
        type: list
        elements: str
        default: []
      values_file:
        description:
          - Path of a YAML file on the controller, with mode 0600, with new values that providers issued. Each key is a
            credential, and its value is a text, or a mapping of C(username) and C(password).
        type: path
      values_from:
        description: Name of the variable in which a result of M(watchparty.secrets.ask_secret) was registered.
        type: str
      audit_path:
        description:
          - Path on the controller for a local copy of the audit log. If the catalog names no log, this file is the log.
        type: path
      changelog:
        description: Path of a CHANGELOG.md on the controller. The run adds one line for each record of the audit log.
        type: path
"""
