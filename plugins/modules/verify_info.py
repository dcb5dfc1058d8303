#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_info
short_description: Gather the facts of AWS and a checkout that the checks of an environment need
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Reads each source once, whatever the number of hosts. Secrets, parameters and the journal, the audit log,
    descriptions and policies of secrets, keys of KMS, the roles of the catalog, the account's users and roles, the
    other environments' values, GitHub, and the history and working tree of a repository.
  - Only what the chosen checks need is read. What cannot be read is reported and does not fail.
  - Values are compared in memory. The result holds names, times and words. Values, and the key of this run's
    fingerprints, are encrypted in RV(sealed).
options:
  only:
    description: Ids, names or areas of checks, such as V(WPS201) or V(drift). By default all.
    type: list
    elements: str
    default: []
  skip:
    description: Ids, names or areas of checks to leave out.
    type: list
    elements: str
    default: []
  repository:
    description: Path of a checkout of the application's repository on the controller.
    type: path
  baseline:
    description:
      - Path of a YAML file with accepted findings in the repository, in the format of M(watchparty.secrets.leak_scan).
    type: path
  workflow:
    description: File name of the workflow that deploys, in C(.github/workflows).
    type: str
    default: deploy.yml
  jobs:
    description:
      - Which jobs may use the role for deploys, in the format of O(watchparty.secrets.aws_access_info#module:workflow).
    type: dict
    suboptions:
      environment:
        description: Jobs of this deployment environment.
        type: str
      branch:
        description: Jobs of this branch.
        type: str
      tag:
        description: Jobs of this tag.
        type: str
      pull_request:
        description: Whether jobs of pull requests may use it.
        type: bool
        default: false
  wildcards:
    description: Whether the names in O(jobs) may contain wildcards.
    type: bool
    default: false
  budget:
    description:
      - Seconds that the run may take. Each source may take half of the remaining time. A source that needs longer is
        not checked.
    type: int
    default: 600
  record_baseline:
    description:
      - Whether to ask servers, AWS and GitHub for all that M(watchparty.secrets.server_baseline) records, even if no
        baseline exists.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.attributes.reads
  - watchparty.secrets.attributes.controller
notes:
  - What the role in use needs is in the page docs/how-to/verify.md.
seealso:
  - module: watchparty.secrets.verify_report
"""

EXAMPLES = r"""
- name: Gather what can be known without the hosts
  watchparty.secrets.verify_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
    repository: ~/src/watchparty
  register: verify_info
  run_once: true
"""

RETURN = r"""
parts:
  description: The facts, by name.
  type: dict
  returned: success
absent:
  description: Why some of it could not be.
  type: dict
  returned: success
  sample: {users: AWS denies iam:ListUsers on this account}
left_out:
  description: Why the other parts are not asked for.
  type: dict
  returned: success
  sample: {github: "the catalog names no repository of GitHub (github.repository)"}
sealed:
  description:
    - What hosts must hold, and the current and previous values that M(watchparty.secrets.revoked_logins) and
      M(watchparty.secrets.django_sessions) can try. Encrypted; only this run's own tasks can open it.
  type: str
  returned: success
checks:
  description: The ids of the chosen checks.
  type: list
  elements: str
  returned: success
  sample: [WPS201, WPS202]
former_on_each:
  description: Whether there is something to try at every host.
  type: bool
  returned: success
servers_needed:
  description: Whether databases and caches are to be asked, from one host.
  type: bool
  returned: success
signing:
  description: The signing keys of which a former one can be tried at the application.
  type: list
  elements: str
  returned: success
ends:
  description: When the run's time is over, in seconds since 1970.
  type: float
  returned: success
hosts_needed:
  description: Whether a chosen check asks for hosts.
  type: bool
  returned: success
"""
