# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit log is declared and readable."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    unknown,
)


def look(facts: Facts) -> Iterator[Outcome]:
    if not facts.catalog.audit_log:
        yield bad("the catalog names no audit_log", "audit_log")
        return
    result = facts.of("audit")
    if result.get("problem"):
        yield bad(f"not readable: {result['problem']}", result["where"])
    elif result.get("retention"):
        yield bad(f"its records are deleted after {result['retention']} days (retention)", result["where"])
    elif result.get("retention_problem"):
        yield unknown(f"its retention is not readable: {result['retention_problem']}", result["where"])
    else:
        yield good(f"{result['records']} records", result["where"])


CHECK = Check(
    id="WPS002",
    name="audit-log",
    area="contacts",
    severity="high",
    title="The audit log is declared and readable, and its log group deletes nothing",
    reason="The log is the only record of each rotation: what, when and by whom.",
    fix=(
        "Set audit_log in the catalog to a log_group or s3; ansible-playbook watchparty.secrets.provision "
        "creates the log and the roles that may read it. Remove a retention: aws logs delete-retention-policy."
    ),
    command="ansible-playbook watchparty.secrets.provision {run} --tags access",
    look=look,
    needs=("audit",),
)
