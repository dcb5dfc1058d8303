# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_findings
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import matches
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import finding_command
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)

_PUT = {
    "secret": "secretsmanager put-resource-policy --secret-id {name} --resource-policy",
    "key": "kms put-key-policy --key-id {name} --policy-name default --policy",
    "bucket": "s3api put-bucket-policy --bucket {name} --policy",
}
_DELETE = {
    "secret": "secretsmanager delete-resource-policy --secret-id {name}",
    "bucket": "s3api delete-bucket-policy --bucket {name}",
}
_SHOW = {
    "secret": "secretsmanager get-resource-policy --secret-id {name}",
    "key": "kms get-key-policy --key-id {name}",
    "bucket": "s3api get-bucket-policy --bucket {name}",
}


def look(facts: Facts) -> Iterator[Outcome]:
    account, policies = facts.of("account"), facts.of("policies")
    for name, policy in sorted(policies.items()):
        place = f"secret {name}"
        if policy.get("problem"):
            yield unknown(policy["problem"], place)
            continue
        outsiders = list(policy_findings.outsiders(policy["document"], account))
        remaining = policy_findings.insiders(policy["document"] or {}, account)
        for message in outsiders:
            yield bad(message, place, command=_command("secret", name, remaining))
        if not outsiders:
            yield good("allows no other account" if policy["document"] else "has no resource policy", place)
    for name, key in sorted(facts.of("keys").items()):
        if key.get("problem") or key.get("access_problem"):
            yield unknown(key.get("problem") or key["access_problem"], f"key {name}")
        for message in policy_findings.outsiders(key.get("policy") or {}, account):
            remaining = policy_findings.insiders(key["policy"], account)
            yield bad(message, f"key {name}", command=_command("key", key["arn"], remaining))
    for place, bucket in sorted(facts.of("buckets").items()):
        if bucket.get("problem"):
            yield unknown(bucket["problem"], place)
        policy = bucket.get("policy") or {}
        concerning = _concerning(bucket)
        others = [entry for entry in policy_findings.statements(policy) if entry not in concerning["Statement"]]
        entries = [*others, *policy_findings.insiders(concerning, account)["Statement"]]
        for message in policy_findings.outsiders(concerning, account):
            yield bad(message, place, command=_command("bucket", bucket["bucket"], {**policy, "Statement": entries}))
    if not policies:
        yield not_applicable("the catalog names no secrets")


def _command(kind: str, name: str, policy: Mapping[str, Any]) -> str:
    """Command that writes the remaining policy."""
    put_command, delete_command, show_command = (
        ["aws", *(word.format(name=name) for word in table.get(kind, "").split())] for table in (_PUT, _DELETE, _SHOW)
    )
    if policy["Statement"]:
        return finding_command.with_policy(put_command, policy, finding_command.literal(show_command))
    return finding_command.literal(delete_command if delete_command[1:] else show_command)


def _concerning(bucket: Mapping[str, Any]) -> dict[str, Any]:
    """Statements about this object: AWS services may write elsewhere in the bucket."""
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
        "Name only principals of this account in the policy. The command writes the policy without the others, or "
        "shows a long policy. Keep a Deny that a leak response wrote for old versions."
    ),
    scope=(
        "Policies of the catalog's secrets, their KMS keys, and the buckets of the journal and the audit log.",
        "Not policies of replicas, grants of keys (WPS407), and access lists of buckets.",
        "A statement for everybody (*) passes if its condition names organizations (aws:PrincipalOrgID).",
    ),
    command="aws secretsmanager get-resource-policy --secret-id {name}",
    look=look,
    needs=("policies", "account", "keys", "buckets"),
)
