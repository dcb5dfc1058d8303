# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    good,
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import outcomes
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import CATALOG


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("readers")
    rows = result["rows"]
    yield from outcomes(rows)
    for message in result["unread"]:
        yield unknown(message)
    if not result["things"] and not result["unread"]:
        yield not_applicable("no secrets and parameters exist yet")
    elif not rows and not result["unread"]:
        yield good(f"none of {result['principals']} users and roles, of {result['things']} secrets and parameters")


CHECK = Check(
    id="WPS406",
    name="readers",
    area="iam",
    severity="high",
    title="Only principals that the catalog names can read the secrets",
    reason="Every user and role that can read production enlarges the attack surface and the investigation of a leak.",
    fix=(
        "The AWS administrator removes the permission in IAM, or the operator names the user or role in aws.readers of "
        "the catalog."
    ),
    scope=(
        "Users and roles of the account: their policies, permissions boundaries, and policies of secrets and keys.",
        "Secrets, parameters of high sensitivity, secrets of rotations, and .env.enc.",
        "Not organization and session policies, policies of replicas, and the KMS keys of parameters.",
    ),
    command=CATALOG,
    look=look,
    needs=("readers",),
)
