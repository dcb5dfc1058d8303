#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_report
short_description: Run the checks of an environment on gathered facts, and report
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - The result of a check is pass, fail, not checked (with the reason) or not applicable. A check that the run cannot
    make does not pass. A check is not applicable if neither the catalog nor the operator asks for it.
  - Asks the URLs in O(outside) from the controller, prints a table, and writes C(verify.json), C(verify.sarif) and
    C(verify.html) into O(path). Only their owner can read these files.
  - If a check failed, the module writes all files, sends the event C(verification.failed), and then fails. With
    O(not_checked=fail), a check that the run could not make has the same effect.
options:
  catalog:
    description: The catalog, usually C({{ secrets_catalog }}).
    type: dict
    required: true
  environment:
    description: Name of the environment, such as V(production).
    type: str
    required: true
  info:
    description: Name of the variable in which a result of M(watchparty.secrets.verify_info) was registered.
    type: str
    required: true
  hosts:
    description:
      - Results of M(watchparty.secrets.host_check) by host. Give an empty result for a host that gave no answer.
    type: dict
    default: {}
  tried:
    description:
      - Results of M(watchparty.secrets.revoked_logins) by host. Give an empty result for a host that gave no answer.
    type: dict
    default: {}
  servers:
    description: The result of M(watchparty.secrets.revoked_logins) on the host that asked databases and caches.
    type: dict
    default: {}
  sessions:
    description: Results of M(watchparty.secrets.django_sessions), by the credential whose previous keys were tried.
    type: dict
    default: {}
  outside:
    description: URLs that must answer 200 from the controller.
    type: list
    elements: str
    default: []
  cafile:
    description: Path of a file with the certificates to trust for O(outside), instead of the system's.
    type: path
  timeout:
    description: Seconds that each URL may take.
    type: int
    default: 5
  baseline:
    description:
      - Path of a YAML file with a list C(accepted). Each entry has C(check), C(place), C(message) (a part of the
        finding's message), C(reason) and C(expires) (a day). Until that day, such a finding is not applicable.
    type: path
  not_checked:
    description: Whether a check that could not be made fails the run (V(fail)) or causes a warning (V(warn)).
    type: str
    choices: [fail, warn]
    default: fail
  path:
    description: Folder for the report's files. The module creates it. If not set, the module writes no files.
    type: path
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Check mode makes no difference. The module writes only the files of the report.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: N/A
seealso:
  - module: watchparty.secrets.verify_info
  - module: watchparty.secrets.host_check
  - name: The checks
    description: Every check with its reason and fix.
    link: https://github.com/watchparty/secrets/blob/main/docs/reference/checks.md
"""

EXAMPLES = r"""
- name: Report
  watchparty.secrets.verify_report:
    catalog: "{{ secrets_catalog }}"
    environment: production
    info: verify_info
    hosts: "{{ dict(groups['app_hosts'] | zip(groups['app_hosts'] | map('extract', hostvars, 'host_check'))) }}"
    path: verification
  run_once: true
"""

RETURN = r"""
counts:
  description: Number of checks with each status.
  type: dict
  returned: success, and when a check fails
  sample: {pass: 30, fail: 1, not_checked: 0, not_applicable: 12}
failed_checks:
  description: Ids of the checks that failed.
  type: list
  elements: str
  returned: success, and when a check fails
  sample: [WPS201]
not_checked:
  description: Ids of the checks that could not be made.
  type: list
  elements: str
  returned: success, and when a check fails
  sample: [WPS204]
files:
  description: Paths of the written files.
  type: list
  elements: str
  returned: success, and when a check fails
"""
