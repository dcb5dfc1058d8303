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

ENABLE = {
    "Disabled": "aws kms enable-key --key-id {target}",
    "PendingDeletion": "aws kms cancel-key-deletion --key-id {target}",
}
SHOW = "aws kms describe-key --key-id {target}"


def _others(facts: Facts) -> Iterator[Outcome]:
    """Secrets under another key than the catalog's, if that exists."""
    keys, secrets, aws = facts.of("keys"), facts.of("secrets"), facts.catalog.aws
    declared = keys.get(aws.kms_key, {}).get("arn") if aws else None
    for name, secret in sorted(secrets.items()) if declared else ():
        if secret.get("key") and keys.get(secret["key"], {}).get("arn", secret["key"]) != declared:
            yield bad(
                f"is encrypted with {secret['key']} instead of {aws.kms_key if aws else ''}",
                f"secret {name}",
                target=aws.kms_key if aws else "",
                command="aws secretsmanager update-secret --secret-id {name} --kms-key-id {target}",
            )


def look(facts: Facts) -> Iterator[Outcome]:
    keys = facts.of("keys")
    for key, result in sorted(keys.items()):
        place, arn = f"key {key}", result.get("arn", "")
        if result.get("problem"):
            yield unknown(result["problem"], place)
            continue
        if result["state"] != "Enabled":
            yield bad(f"is {result['state']}", place, target=arn, command=ENABLE.get(result["state"], SHOW))
        elif result["manager"] == "AWS":
            yield good("AWS's own, which AWS rotates", place)
        elif result["rotating"] is None:
            yield unknown(result.get("why") or "its rotation was not checked", place)
        elif not result["rotating"]:
            yield bad("does not rotate", place, target=arn)
        else:
            yield good("enabled, rotates every year", place)
    yield from _others(facts)
    if not keys:
        yield not_applicable("no secret names its KMS key")


CHECK = Check(
    id="WPS1003",
    name="kms",
    area="recovery",
    severity="high",
    title="The secrets use the catalog's KMS key, and the keys are enabled and rotate",
    reason="A key that is disabled or deleted makes every version unreadable immediately.",
    fix=(
        "Correct the key: aws kms enable-key, cancel-key-deletion or enable-key-rotation, each with --key-id KEY. Give "
        "a secret the right key: aws secretsmanager update-secret --secret-id NAME --kms-key-id ALIAS."
    ),
    command="aws kms enable-key-rotation --key-id {target}",
    look=look,
    needs=("keys", "secrets"),
)
