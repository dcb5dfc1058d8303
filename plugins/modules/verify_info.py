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
  - Reads each source that the chosen checks need once, for all hosts. In AWS, the sources are secrets with their
    descriptions and policies, parameters, the journal, the audit log, KMS keys, and the users and roles of the account.
    Other sources are the values of other environments, GitHub, and a repository.
  - If a source cannot be read, the module reports this and does not fail.
  - The result contains names, times and text. Only RV(sealed) contains values, encrypted.
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
      - Jobs that may assume the role for deploys, in the format of
        O(watchparty.secrets.aws_access_info#module:workflow).
    type: dict
    suboptions:
      environment:
        description: Deployment environment of the jobs.
        type: str
      branch:
        description: Branch of the jobs.
        type: str
      tag:
        description: Tag of the jobs.
        type: str
      pull_request:
        description: Whether jobs of pull requests may assume the role.
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
      - Whether to read from servers, hosts, AWS and GitHub everything that M(watchparty.secrets.server_baseline)
        records, even if no baseline exists.
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
  - The page docs/how-to/verify.md lists the rights that the module needs.
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
  description: Facts that were read from each source.
  type: dict
  returned: success
absent:
  description: Sources that could not be read, each with the reason.
  type: dict
  returned: success
  sample: {users: AWS denies iam:ListUsers on this account}
left_out:
  description: Sources that no check needs, each with the reason.
  type: dict
  returned: success
  sample: {github: "the catalog names no repository of GitHub (github.repository)"}
sealed:
  description:
    - The settings that hosts must have, and the current and previous values that can be tried. Encrypted, so that only
      the tasks of this run can decrypt them.
  type: str
  returned: success
host_baseline:
  description:
    - Which hosts have a baseline, the key of its digests, and fingerprints of the catalog's SSH keys. Encrypted. For
      the option C(baseline) of M(watchparty.secrets.host_evidence).
  type: dict
  returned: success
checks:
  description: Ids of the chosen checks.
  type: list
  elements: str
  returned: success
  sample: [WPS201, WPS202]
former_on_each:
  description: Whether every host must try previous SSH keys.
  type: bool
  returned: success
servers_needed:
  description: Whether one host must ask databases and caches.
  type: bool
  returned: success
signing:
  description: Signing keys of which a previous key can be tried at the application.
  type: list
  elements: str
  returned: success
ends:
  description: When the time of the run ends, in seconds since 1970.
  type: float
  returned: success
hosts_needed:
  description: Whether a chosen check needs hosts.
  type: bool
  returned: success
"""
