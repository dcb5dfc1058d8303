# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A short name may stand in an inventory for another purpose, so it counts from the command line only."""

from __future__ import annotations

from tests.unit.playbooks.variables import read_by_templates, read_from_the_command_line

PREFIXES = (
    *("ansible_", "app_", "aws_access_", "django_", "env_", "github_", "leak_", "provision_", "rotation_", "scan_"),
    *("secret_provision_", "secret_rotate_", "secrets_verify_", "verify_"),
)
ANSIBLE = {"groups", "hostvars", "inventory_hostname", "item", "lookup", "now", "omit", "query", "role_path"}
PUBLIC = {"secrets_catalog", "ssh_host_keys"}
"""Names that are meant for an inventory."""
WITHOUT_EFFECT = {
    "impact": "registered by the task before",
    "nowhere_without": "set by the import of the play that reads it",
    "scan": "registered by the task before",
}
GENERIC = {
    *("confirm", "leaked", "leaked_value", "leaked_value_file", "exposed_since", "containment", "compromised_hosts"),
    *("credential", "deploy", "env_file", "import_values", "name", "only", "repository", "set_anyway", "setting"),
    *("value_file", "values_file"),
}


def test_no_template_reads_a_name_without_a_prefix() -> None:
    known = ANSIBLE | PUBLIC | set(WITHOUT_EFFECT)
    found = {
        name: files
        for name, files in read_by_templates().items()
        if name not in known and not name.startswith(PREFIXES)
    }
    assert found == {}, "read it by the lookup extra_variable, or give it the role's prefix"


def test_what_counts_from_the_command_line() -> None:
    """env_file has a prefix by chance; the other names have none."""
    assert read_from_the_command_line() == GENERIC
    assert "env_file" not in read_by_templates()
