# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, good
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import outcomes
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import CATALOG


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("rights")
    yield from outcomes(result["rows"])
    if not result["rows"]:
        yield good(f"none of {result['principals']} users and roles, and no grant of a key")


CHECK = Check(
    id="WPS407",
    name="rights",
    area="iam",
    severity="high",
    title="Only principals that the catalog names can grant access or change secrets",
    reason=(
        "A user who can change policies, trusts or the key can give itself access to production at any time, and may "
        "delete the evidence."
    ),
    fix=(
        "The AWS administrator removes the permission in IAM, or the operator names the user or role in "
        "aws.operators or aws.readers of the catalog. To revoke a key's grant: aws kms revoke-grant --key-id KEY "
        "--grant-id ID."
    ),
    scope=(
        "The account's users and roles, by the text of policies and permissions boundaries, and grants of keys.",
        "A condition on the caller, such as an address or a date, counts as met.",
        "Not organization policies, rds:ModifyDBInstance, rds-db:connect, and rights to alarms and event rules.",
    ),
    command=CATALOG,
    look=look,
    needs=("rights",),
)
