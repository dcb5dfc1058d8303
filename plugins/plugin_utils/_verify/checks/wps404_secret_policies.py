# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No resource policy of a secret, KMS key or bucket allows other accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_findings
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import matches
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)

OF_BUCKETS = "aws s3api get-bucket-policy --bucket {target}"
OF_KEYS = "ansible-playbook watchparty.secrets.provision {run} --tags access --diff"


def look(facts: Facts) -> Iterator[Outcome]:
    account, policies = facts.of("account"), facts.of("policies")
    for name, policy in sorted(policies.items()):
        place = f"secret {name}"
        if policy.get("problem"):
            yield unknown(policy["problem"], place)
            continue
        outsiders = list(policy_findings.outsiders(policy["document"], account))
        for message in outsiders:
            yield bad(message, place)
        if not outsiders:
            yield good("allows no other account" if policy["document"] else "has no resource policy", place)
    for name, key in sorted(facts.of("keys").items()):
        if key.get("problem") or key.get("access_problem"):
            yield unknown(key.get("problem") or key["access_problem"], f"key {name}")
        for message in policy_findings.outsiders(key.get("policy") or {}, account):
            yield bad(message, f"key {name}", command=OF_KEYS)
    for place, bucket in sorted(facts.of("buckets").items()):
        if bucket.get("problem"):
            yield unknown(bucket["problem"], place)
        for message in policy_findings.outsiders(_concerning(bucket), account):
            yield bad(message, place, target=bucket["bucket"], command=OF_BUCKETS)
    if not policies:
        yield not_applicable("the catalog names no secrets")


def _concerning(bucket: Mapping[str, Any]) -> dict[str, Any]:
    """The statements about this object: services of AWS may write elsewhere in the bucket."""
    names = (bucket["bucket"], f"{bucket['bucket']}/{bucket['object']}")
    entries = []
    for entry in policy_findings.statements(bucket.get("policy") or {}):
        patterns = [pattern.rpartition(":")[2] for pattern in policy_findings.texts(entry.get("Resource", "*"))]
        if any(matches(pattern, name) for pattern in patterns for name in names):
            entries.append(entry)
    return {"Statement": entries}


CHECK = Check(
    id="WPS404",
    name="secret-policies",
    area="iam",
    severity="high",
    title="No resource policy of a secret, KMS key or bucket allows other accounts",
    reason="A resource policy can give access that no policy of a user or role gives.",
    fix=(
        "Name only principals of this account in the policy. Keep a Deny that a leak response wrote for old versions. "
        "To write the policy of a secret: aws secretsmanager put-resource-policy --secret-id NAME --resource-policy "
        "file://FILE. Of a key: aws kms put-key-policy --key-id KEY --policy file://FILE. Of the bucket of the audit "
        "log or the journal: aws s3api put-bucket-policy --bucket NAME --policy file://FILE."
    ),
    scope=(
        "Policies of the catalog's secrets, their KMS keys, and the buckets of the journal and the audit log.",
        "Not policies of replicas, grants of keys (WPS407), and access lists of buckets.",
        "A statement for everybody (*) passes if its condition names one organization (aws:PrincipalOrgID).",
    ),
    command="aws secretsmanager get-resource-policy --secret-id {name}",
    look=look,
    needs=("policies", "account", "keys", "buckets"),
)
