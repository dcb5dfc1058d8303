# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attributes that many modules share."""

from __future__ import annotations


class ModuleDocFragment:
    CONTROLLER = r"""
attributes:
  action:
    description: Runs on the controller, inside Ansible itself. Hosts need neither boto3 nor AWS credentials.
    support: full
"""

    SERVERS = r"""
attributes:
  action:
    description: Runs on the controller. The host of the task connects to the servers, and needs no AWS credentials.
    support: full
"""

    READS = r"""
attributes:
  check_mode:
    description: Reads, and changes nothing in either mode.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: N/A
  idempotent:
    description: It only reads.
    support: full
"""
