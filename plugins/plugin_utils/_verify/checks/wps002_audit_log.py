# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import CATALOG

KEEP_VERSIONS = "aws s3api put-bucket-versioning --bucket {target} --versioning-configuration Status=Enabled"
KEEP_RECORDS = "aws logs delete-retention-policy --log-group-name {target}"
RULES = "aws s3api get-bucket-lifecycle-configuration --bucket {target}"


def look(facts: Facts) -> Iterator[Outcome]:
    yield from _log(facts)
    for place, bucket in sorted(facts.of("buckets").items()):
        yield from _bucket(place, bucket)


def _log(facts: Facts) -> Iterator[Outcome]:
    if not facts.catalog.audit_log:
        yield bad("the catalog names no audit_log", "audit_log", command=CATALOG)
        return
    result = facts.of("audit")
    if result.get("problem"):
        yield bad(f"not readable: {result['problem']}", result["where"])
    elif result.get("retention"):
        message = f"its records are deleted after {result['retention']} days (retention)"
        group = facts.catalog.audit_log.get("log_group", "")
        yield bad(message, result["where"], target=group, command=KEEP_RECORDS)
    elif result.get("retention_problem"):
        yield unknown(f"its retention is not readable: {result['retention_problem']}", result["where"])
    else:
        yield good(f"{result['records']} records", result["where"])


def _bucket(place: str, bucket: Mapping[str, Any]) -> Iterator[Outcome]:
    if bucket.get("problem"):
        yield unknown(bucket["problem"], place)
        return
    if bucket["versions"] != "Enabled":
        message = f"the bucket keeps no version of a deleted object (versioning: {bucket['versions']})"
        yield bad(message, place, target=bucket["bucket"], command=KEEP_VERSIONS)
    for message in bucket["expires"]:
        yield bad(message, place, target=bucket["bucket"], command=RULES)
    if bucket["versions"] == "Enabled" and not bucket["expires"]:
        yield good("the bucket keeps versions, and no lifecycle rule deletes its objects", place)


CHECK = Check(
    id="WPS002",
    name="audit-log",
    area="contacts",
    severity="high",
    title="The audit log is readable, and AWS keeps its records and the journal",
    reason="The audit log records when and by whom each credential was rotated. Rotations need the journal.",
    fix=(
        "Set audit_log in the catalog to a log_group, which ansible-playbook watchparty.secrets.provision creates, "
        "or to s3 with a bucket of yours. If the log group has a retention, remove it: aws logs "
        "delete-retention-policy --log-group-name NAME. If a bucket has no versioning, enable it. If a lifecycle rule "
        "of a bucket deletes its objects, remove the rule."
    ),
    scope=(
        "Retention of the log group, and versioning and lifecycle rules of the journal's and the audit log's buckets.",
        "Not access lists, object locks, and lifecycle rules for objects with tags.",
    ),
    command="ansible-playbook watchparty.secrets.provision {run}",
    look=look,
    needs=("audit", "buckets"),
)
