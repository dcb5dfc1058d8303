# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)


def look(facts: Facts) -> Iterator[Outcome]:
    if not facts.catalog.audit_log:
        yield not_applicable("the catalog names no audit_log")
        return
    result = facts.of("audit")
    if result.get("problem"):
        yield unknown(f"not readable: {result['problem']}", result["where"])
        return
    for message in result["problems"]:
        yield bad(message, result["where"])
    if not result["problems"]:
        against = " against the head that the journal keeps" if result.get("head_known") else ""
        yield good(f"{result['records']} records, verified{against}", result["where"])


CHECK = Check(
    id="WPS804",
    name="audit-chain",
    area="ages",
    severity="high",
    title="The audit log's records form an unbroken chain, up to the journal's head",
    reason="A missing or altered record can hide an unauthorized action.",
    fix="Compare the log with the local copy and CloudTrail before you rebuild the copy (docs/how-to/audit-log.md).",
    command="ansible-playbook watchparty.secrets.rotation_report {run}",
    look=look,
    needs=("audit",),
)
