#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: leak_scan
short_description: Search repositories, files and logs for live values
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Reads the current, pending and previous version of every secret in the catalog, and every version of every
    parameter. Searches for the values in these versions, also in encoded forms. So each match is a real value.
  - Searches every object of a Git repository, Git's configuration, logs and messages, and changed files of the working
    tree. With O(history=false), searches all files of the working tree instead. Opens archives and compressed files.
  - If gitleaks is installed, the module uses it to search for secrets that no store holds.
  - RV(not_checked) lists the parts that were not checked, with the reason. A finding never contains the value.
options:
  catalog:
    description:
      - The catalog, usually C({{ secrets_catalog }}). If O(catalog) or O(environment) is not set, the module searches
        only for patterns.
    type: dict
  environment:
    description: Name of the environment whose values the module searches for, such as V(production).
    type: str
  repositories:
    description: Paths of Git repositories, also bare ones. Name submodules separately.
    type: list
    elements: path
    default: []
  staged:
    description: Paths of Git repositories. The module searches only the changes that the next commit would add.
    type: list
    elements: path
    default: []
  paths:
    description: Paths of files, such as logs, and of directories. The module does not follow links.
    type: list
    elements: path
    default: []
  streams:
    description: Paths that can be read only once, such as named pipes.
    type: list
    elements: path
    default: []
  history:
    description:
      - Whether to search the objects of O(repositories), and Git's configuration, logs and messages.
    type: bool
    default: true
  tree:
    description:
      - Whether to search working trees, that is untracked files, and files that differ from the index. If
        O(history=false), the module searches all files that Git does not ignore.
    type: bool
    default: true
  ignored:
    description: Whether to search files that git ignores too, such as a developer's C(.env).
    type: bool
    default: false
  known_values:
    description:
      - V(auto) searches only for patterns if AWS cannot be used, and reports this in RV(not_checked).
      - V(required) fails if AWS cannot be used.
      - V(none) does not ask AWS.
    type: str
    choices: [auto, required, none]
    default: auto
  patterns:
    description:
      - Whether gitleaks searches for secrets that no store holds. V(auto) skips this if gitleaks is not installed, and
        reports it in RV(not_checked). V(required) fails without gitleaks.
    type: str
    choices: [auto, required, none]
    default: auto
  baseline:
    description:
      - Path of a YAML file with accepted findings, each with a reason and an end date. See
        docs/how-to/scan-a-repository.md.
    type: path
  json_file:
    description: Path of the report in JSON.
    type: path
  sarif_file:
    description: Path of the report in SARIF 2.1.0.
    type: path
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Scans, and writes no report.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
  idempotent:
    description: Only reads, and writes its reports.
    support: full
  action:
    description: Runs on the controller, inside Ansible itself. Nothing is sent to a host.
    support: full
notes:
  - Searches with C(hyperscan) or C(ahocorasick-rs), if the Python that runs Ansible has one of them. Without both, the
    search finds the same values more slowly, and prints a warning.
  - Does not search for values of low sensitivity, placeholders, and values that are too short or too common, but counts
    them. The page docs/how-to/scan-a-repository.md has the rule.
  - Needs C(secretsmanager:BatchGetSecretValue), C(secretsmanager:GetSecretValue), C(ssm:GetParametersByPath) and
    C(ssm:GetParameterHistory).
  - A finding does not fail the task; see RV(clean).
seealso:
  - module: watchparty.secrets.impact_info
  - module: watchparty.secrets.env_copies
"""

EXAMPLES = r"""
- name: Scan a repository and the logs
  watchparty.secrets.leak_scan:
    catalog: "{{ secrets_catalog }}"
    environment: production
    repositories: [/srv/src/shop]
    paths: [/var/log/shop]
    sarif_file: scan.sarif
  register: scan

- name: Fail on findings
  ansible.builtin.fail:
    msg: "{{ scan.summary }}"
  when: not scan.clean
"""

RETURN = r"""
clean:
  description: Whether the baseline accepts every finding and has no problem itself.
  type: bool
  returned: success
complete:
  description: Whether the module could search everything that the options name.
  type: bool
  returned: success
findings:
  description: The findings that the baseline does not accept.
  type: list
  elements: dict
  returned: success
  contains:
    rule:
      description: Name of the setting or of the secret's key. For a pattern, the rule of gitleaks.
      type: str
      sample: DATABASE_URL
    kind:
      description: V(live value) or V(pattern).
      type: str
    form:
      description: Form of the value in the file, such as plain or base64.
      type: str
      sample: password part, base64
    stage:
      description: Version of the value.
      type: str
      sample: previous
    also:
      description: Other settings with the same value.
      type: list
      elements: str
    path:
      description: Path of the file in the commit.
      type: str
    inside:
      description: Member of the archive that contains the value.
      type: str
    line:
      description: Number of the line.
      type: int
    blob:
      description: Id of the Git object.
      type: str
    commit:
      description: The oldest commit that contains the finding.
      type: str
    author:
      description: Author of that commit.
      type: str
    date:
      description: Date of that commit.
      type: str
    reach:
      description: Branches, tags and other references that still reach the commit.
      type: str
      sample: a branch
    fingerprint:
      description:
        - Id of the finding, the same in every run and not derived from the value. A baseline names findings by it.
      type: str
accepted:
  description: Findings that the baseline accepts, each with the reason.
  type: list
  elements: dict
  returned: success
not_checked:
  description: The parts that were not checked, each with the reason.
  type: list
  elements: dict
  returned: success
problems:
  description: Problems of the baseline, such as malformed or expired entries.
  type: list
  elements: str
  returned: success
left_out:
  description: Number of values that the module did not search for. The keys are the reasons.
  type: dict
  returned: success
left_out_names:
  description: Names of the values that the module did not search for. The keys are the reasons.
  type: dict
  returned: success
searched_values:
  description: Number of values that the module searched for.
  type: int
  returned: success
objects:
  description: Number of objects and files that the module searched.
  type: int
  returned: success
bytes:
  description: Number of bytes that the module searched, with the members of archives.
  type: int
  returned: success
engine:
  description: The program that searched for secrets that no store holds. Empty if none did.
  type: str
  returned: success
text:
  description: The report for a terminal.
  type: list
  elements: str
  returned: success
files:
  description: Full paths of the written files.
  type: list
  elements: str
  returned: success
summary:
  description: The report in one line.
  type: str
  returned: success
"""
