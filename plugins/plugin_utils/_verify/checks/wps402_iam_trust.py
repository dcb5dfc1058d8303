# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Only named principals of this account can assume the roles."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_findings
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
    account, roles = facts.of("account"), facts.of("roles")
    for name, role in sorted(roles.items()):
        place = f"role {name}"
        if role.get("problem"):
            yield unknown(role["problem"], place)
            continue
        outsiders = list(policy_findings.outsiders(role["trust"], account))
        for message in outsiders:
            yield bad(message, place)
        if not outsiders:
            yield good("its trust policy allows no other account", place)
    if not roles:
        yield not_applicable("the catalog names no roles (aws.roles)")


CHECK = Check(
    id="WPS402",
    name="iam-trust",
    area="iam",
    severity="high",
    title="Only named principals of this account can assume the roles",
    reason="Every principal that can assume the role can read production.",
    fix="Name principals of this account; for GitHub, one repository and one environment as the subject.",
    command="ansible-playbook watchparty.secrets.provision {run} --tags access --diff",
    look=look,
    needs=("roles", "account"),
)
