# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Variables have the prefix of their playbook or role; what is meant for one run counts from the command line only."""

from __future__ import annotations

import re

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.extra_variables import KNOWN, ROLES
from tests.unit.playbooks.variables import read_by_templates, read_from_the_command_line

PREFIXES = (
    *(
        "ansible_",
        "app_",
        "aws_access_",
        "django_",
        "ci_env_",
        "env_",
        "github_",
        "import_",
        "leak_",
        "mirror_",
        "provision_",
        "rotation_",
        "scan_",
        "set_",
    ),
    *("secret_provision_", "secret_rotate_", "secrets_verify_", "verify_"),
)
ANSIBLE = {
    "group_names",
    "groups",
    "hostvars",
    "inventory_hostname",
    "item",
    "lookup",
    "now",
    "omit",
    "query",
    "role_path",
}
PUBLIC = {"secrets_catalog", "ssh_host_keys"}
"""Names that are meant for an inventory."""
WITHOUT_EFFECT = {
    "impact": "registered by the task before",
    "extra_variable_prefixes": "set by the import of the play that reads it",
    "nowhere_without": "set by the import of the play that reads it",
    "scan": "registered by the task before",
}
FOR_ONE_RUN = {
    *("baseline_accept", "baseline_reason"),
    *("leak_compromised_hosts", "leak_confirm", "leak_containment", "leak_credentials", "leak_exposed_since"),
    *("leak_value", "leak_value_file", "rotation_credentials", "scan_repositories", "verify_only", "verify_repository"),
    *("decrypt_file", "decrypt_path", "encrypt_file", "encrypt_new_key"),
    *("mirror_conflict", "mirror_deletes", "provision_delete_function"),
    *(
        "import_file",
        "import_values",
        "set_deploy",
        "set_force",
        "set_names",
        "set_undo",
        "set_value_file",
        "set_values_file",
    ),
}
"""What would act in every run if an inventory set it."""

SET_BY_A_PLAY = {"leak_alert_missed", "leak_hosts_left_out", "provision_github", "rotation_hosts_left_out"}
SET_BY_A_PLAY |= {"mirror_allowed_deletes", "mirror_function", "mirror_result"}
SET_BY_A_PLAY |= {"github_env", "scan_repository_paths", "verify_info"}
READ_BY_A_PLUGIN = {"leak_footholds_checked", "leak_trusted_host"}
READ_BY_A_RULEBOOK = re.compile("leak_(alert|queue|webhook)_")


def test_no_template_reads_a_name_without_a_prefix() -> None:
    known = ANSIBLE | PUBLIC | set(WITHOUT_EFFECT)
    result = {
        name: files
        for name, files in read_by_templates().items()
        if name not in known and not name.startswith(PREFIXES)
    }
    assert result == {}, "give it the prefix of its playbook or role"


def test_what_counts_from_the_command_line_only() -> None:
    assert read_from_the_command_line() == FOR_ONE_RUN
    assert FOR_ONE_RUN.isdisjoint(read_by_templates())


def test_every_extra_variable_with_the_prefix_of_a_playbook_is_known() -> None:
    """One that validate_run does not know could not be given at all."""
    names = read_from_the_command_line() | READ_BY_A_PLUGIN | set(read_by_templates()) - SET_BY_A_PLAY
    read = {name for name in names if name.startswith(tuple(KNOWN)) and not name.startswith(ROLES)}
    known = {name for group in KNOWN.values() for name in group}
    assert {name for name in read ^ known if not READ_BY_A_RULEBOOK.match(name)} == set()
