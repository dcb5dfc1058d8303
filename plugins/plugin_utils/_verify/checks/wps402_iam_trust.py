# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_findings
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_findings import Trusted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.trust_policies import LAMBDA, issuer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import ACCESS


def _trusted(catalog: Catalog, account: str, role: str, environment: str | None) -> Trusted:
    aws, github = catalog.aws, catalog.github
    mirrors = bool(aws and catalog.mirror and role == aws.roles.get("mirror"))
    return Trusted(
        account,
        frozenset((*aws.operators, *aws.readers, *aws.roles.values(), aws.host_principal) if aws else ()),
        frozenset((*([aws.host_principal] if aws else []), *([LAMBDA] if mirrors else []))),
        github.repository if github else None,
        environment,
        issuer(github) if github else None,
        (str(github.owner_id), str(github.repository_id)) if github and github.owner_id else None,
    )


def look(facts: Facts) -> Iterator[Outcome]:
    account, roles = facts.of("account"), facts.of("roles")
    for name, role in sorted(roles.items()):
        place = f"role {name}"
        if role.get("unwanted"):
            yield not_applicable(role["unwanted"], place)
            continue
        if role.get("problem"):
            yield unknown(role["problem"], place)
            continue
        environment = role.get("environment", facts.catalog.github.environment if facts.catalog.github else None)
        unnamed = list(policy_findings.unnamed(role["trust"], _trusted(facts.catalog, account, name, environment)))
        for message in unnamed:
            yield bad(message, place)
        if not unnamed:
            yield good("its trust policy allows only whom the catalog names", place)
    if not roles:
        yield not_applicable("the catalog names no roles (aws.roles)")


CHECK = Check(
    id="WPS402",
    name="iam-trust",
    area="iam",
    severity="high",
    title="Trust policies let only principals of the catalog assume the roles",
    reason="Every principal that can assume a role has the role's access to the secrets.",
    fix=(
        "Remove the principal from the trust policy, or name it in aws.operators, aws.readers or aws.host_principal "
        "of the catalog. For GitHub, the condition must name the audience, and the catalog's repository with one "
        "environment as the subject."
    ),
    scope=(
        "The text of the trust policies of the roles in aws.roles.",
        "Not organization policies, and who can act as a principal that the catalog names (WPS407).",
    ),
    command=ACCESS,
    look=look,
    needs=("roles", "account"),
)
