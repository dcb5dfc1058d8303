# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The chain of the audit log is complete."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.engine import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    unknown,
)


def look(facts: Facts) -> Iterator[Outcome]:
    if not facts.catalog.audit_log:
        yield unknown("the catalog names no audit_log")
        return
    found = facts.of("audit")
    if found.get("problem"):
        yield unknown(f"not readable: {found['problem']}", found["where"])
        return
    for words in found["problems"]:
        yield bad(words, found["where"])
    if not found["problems"]:
        against = " against the head that the journal keeps" if found.get("head_known") else ""
        yield good(f"{found['records']} records, verified{against}", found["where"])


CHECK = Check(
    id="WPS804",
    name="audit-chain",
    area="ages",
    severity="high",
    title="The chain of the audit log is complete",
    reason="A missing or altered record can hide an unauthorized action.",
    fix="Compare the log with the local copy and CloudTrail before you rebuild it (docs/how-to/audit-log.md).",
    look=look,
    needs=("audit",),
)
