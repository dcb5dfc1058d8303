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
  - Reads the current, pending and previous version of every secret of the catalog, and every stored version of its
    parameters. Searches for these values in every form in which they leak. A finding is a fact, not a guess.
  - Searches each object of a repository once, reachable or not, with git's configuration, logs and messages, and the
    differences in the working tree. Opens archives and compressed files.
  - If gitleaks is installed, it searches for secrets that no store holds.
  - RV(not_checked) lists the parts that were not checked, with the reason. They never count as clean.
  - Findings name setting, version, form, file, commit, author and line, never the value.
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
    description: Whether to search the objects of O(repositories).
    type: bool
    default: true
  tree:
    description: Whether to search the files of the working tree that differ from the index.
    type: bool
    default: true
  ignored:
    description: Whether to search files that git ignores too, such as a developer's C(.env).
    type: bool
    default: false
  known_values:
    description:
      - V(auto) searches only for patterns if AWS cannot be used, and reports this in RV(not_checked).
      - V(required) fails if AWS cannot be used. V(none) does not ask AWS.
    type: str
    choices: [auto, required, none]
    default: auto
  patterns:
    description:
      - Whether gitleaks searches for secrets that no store holds. V(auto) skips this if gitleaks is not installed, and
        reports it in RV(not_checked). V(required) fails then.
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
    description: It only reads, apart from its reports.
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
  description: Whether nothing was found that the baseline does not accept, and the baseline itself is in order.
  type: bool
  returned: success
complete:
  description: Whether the module could search everything that was named.
  type: bool
  returned: success
findings:
  description: The findings.
  type: list
  elements: dict
  returned: success
  contains:
    rule:
      description: The setting or the secret's key; for a pattern, gitleaks's rule.
      type: str
      sample: DATABASE_URL
    kind:
      description: V(live value) or V(pattern).
      type: str
    form:
      description: How it stands there.
      type: str
      sample: password part, base64
    stage:
      description: Which version it is.
      type: str
      sample: previous
    also:
      description: Others that have the same value.
      type: list
      elements: str
    path:
      description: The file, as the commit has it.
      type: str
    inside:
      description: The archive's member.
      type: str
    line:
      description: Its line.
      type: int
    blob:
      description: The object's id.
      type: str
    commit:
      description: The oldest commit that brought it.
      type: str
    author:
      description: Who made that commit.
      type: str
    date:
      description: When.
      type: str
    reach:
      description: What still leads to it.
      type: str
      sample: a branch
    fingerprint:
      description: The same for the same finding in every run; made of no value. A baseline names it.
      type: str
accepted:
  description: Findings that the baseline accepts, with the reason.
  type: list
  elements: dict
  returned: success
not_checked:
  description: The parts that were not checked, each with the reason.
  type: list
  elements: dict
  returned: success
problems:
  description: Entries of the baseline that are malformed or have expired.
  type: list
  elements: str
  returned: success
left_out:
  description: How many values were not searched for, by reason.
  type: dict
  returned: success
left_out_names:
  description: Which they are, by reason.
  type: dict
  returned: success
searched_values:
  description: How many values were searched for.
  type: int
  returned: success
objects:
  description: How many objects and files were searched.
  type: int
  returned: success
bytes:
  description: How many bytes, unpacked members included.
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
  description: The files that were written, in full.
  type: list
  elements: str
  returned: success
summary:
  description: The report in one line.
  type: str
  returned: success
"""
