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
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import renewed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import ROTATE


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("isolation")
    for environment, why in sorted(result["unread"].items()):
        yield unknown(why, environment)
    for environment, shared in sorted(result["others"].items()):
        pairs = [pair for pair in shared if pair["own"] not in result["signing"]]
        for pair in pairs:
            same = "" if pair["own"] == pair["other"] else f" (as {pair['other']} there)"
            finding = bad(f"{pair['own']} has the same value{same}", environment)
            yield renewed(finding, facts.catalog, pair["own"])
        if not pairs:
            yield good(f"no shared values among {result['compared']}", environment)
    if not result["others"] and not result["unread"]:
        yield not_applicable("the catalog names no other environment")


CHECK = Check(
    id="WPS901",
    name="shared-values",
    area="isolation",
    severity="high",
    title="No other environment shares a secret value or credential with this one",
    reason="An attacker in the weaker environment can also enter the stronger one.",
    fix="The operator rotates the credential in one of the environments, or creates a separate one at the provider.",
    scope=(
        "Values of high sensitivity and passwords in URLs, from 8 characters. Passwords of credentials of any length.",
        "Environments of this catalog. An environment in another AWS account is not checked.",
        "Not signing keys (WPS902).",
    ),
    command=ROTATE,
    look=look,
    needs=("isolation",),
)
