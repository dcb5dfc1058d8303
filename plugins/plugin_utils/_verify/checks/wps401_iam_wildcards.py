# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_findings
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.drift import DETACH, INLINE
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies_reader import INLINE_END
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.resources import is_numbered
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


def look(facts: Facts) -> Iterator[Outcome]:
    roles, granted = facts.of("roles"), facts.of("granted")
    for name, role in sorted(roles.items()):
        place = f"role {name}"
        if role.get("unwanted"):
            yield not_applicable(role["unwanted"], place)
            continue
        if role.get("problem"):
            yield unknown(role["problem"], place)
            continue
        findings = [
            (f"{policy}: {message}", *_correction(name, role, policy))
            for policy, document in sorted(role["policies"].items())
            for message in policy_findings.wildcards(document)
        ]
        findings += [(message, "", "") for message in granted.get(name, [])]
        for message, policy, command in findings:
            yield bad(message, place, target=policy, command=command)
        if not findings:
            yield good(f"no wildcards and no rights beyond the environment in {len(role['policies'])} policies", place)
    if not roles:
        yield not_applicable("the catalog names no roles (aws.roles)")


def _correction(name: str, role: Mapping[str, Any], policy: str) -> tuple[str, str]:
    """Target and command. Empty for the catalog's own policies, which the check's command writes again."""
    arn = role.get("attached", {}).get(policy, "")
    if not arn and policy.removesuffix(INLINE_END) in role.get("inline", ()):
        return policy.removesuffix(INLINE_END), INLINE
    return (arn, DETACH) if arn and not is_numbered(policy, name) else ("", "")


CHECK = Check(
    id="WPS401",
    name="iam-wildcards",
    area="iam",
    severity="high",
    title="The roles' policies allow only actions and resources of the environment",
    reason="With a wildcard, a stolen session of one application reaches the whole account.",
    fix=(
        "Write the catalog's policies again: ansible-playbook watchparty.secrets.provision --tags access. Detach "
        "policies that were attached by hand."
    ),
    scope=(
        "The text of the policies of the roles in aws.roles, inline and attached.",
        "Of services without secrets, only actions with a wildcard. A condition on a tag counts as a limit.",
        "Not permissions boundaries and organization policies, which only take rights away.",
    ),
    command=ACCESS,
    look=look,
    needs=("roles", "granted"),
)
