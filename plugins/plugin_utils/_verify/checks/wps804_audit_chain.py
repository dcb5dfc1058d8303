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
    for message, command in result["problems"]:
        yield bad(message, result["where"], command=command)
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
    fix=(
        "Find out who changed the log. In S3, the command restores a record's first version, and the other versions "
        "stay as evidence. CloudWatch Logs keeps no versions: the command shows who deleted log streams. Put missing "
        "records back from a copy that verifies (docs/how-to/audit-log.md)."
    ),
    command="aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=DeleteLogStream",
    look=look,
    needs=("audit",),
)
