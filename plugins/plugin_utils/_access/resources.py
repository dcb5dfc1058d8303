# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The key, provider, policies and roles that provisioning creates in AWS, with names and tags, as data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Aws, Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import key_policy, policy_size, trust_policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policies as _policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope

MANAGED_BY = "watchparty.secrets"
OURS = ("Application", "Environment", "ManagedBy")
"""Tags that identify the owner of a resource."""
NOT_MADE = "not-made-yet"
"""A placeholder for the key's id until the key exists: in check mode, and in the first read."""
_TAG = re.compile(r"[\w .:/=+@-]{0,256}")
DESCRIPTIONS = {
    "deploy": "Reads what a deploy of {0} to {1} needs",
    "host": "Reads what application hosts of {0} in {1} need",
    "rotate": "Rotates the credentials of {0} in {1}",
    "respond": "Contains leaks of credentials of {0} in {1}",
    "mirror": "Repeats secrets of {0} in {1} in parameters",
    "verify": "Verifies whether {0} in {1} is as it should be, and changes nothing",
}


@dataclass(frozen=True)
class ExistingResource:
    """An existing resource with one of the catalog's names."""

    kind: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AccessOptions:
    workflow: trust_policies.Workflow = field(default_factory=trust_policies.Workflow)
    """Jobs that may deploy. If no field is set, the jobs of the catalog's environment."""
    wildcards: bool = False
    adopt: tuple[str, ...] = ()


def tags(catalog: Catalog) -> dict[str, str]:
    """The tags of all resources. Raises PolicyError for a tag that AWS refuses."""
    extra = dict(_aws(catalog).tags)
    reserved = sorted(set(extra) & {*OURS, "Owner"})
    if reserved:
        raise PolicyError(f"aws.tags.{reserved[0]}: provisioning sets this tag itself; for Owner use aws.owner")
    owner = _aws(catalog).owner or catalog.contacts.get("security") or catalog.application
    ours = {"Application": catalog.application, "Environment": catalog.environment}
    result = {**extra, **ours, "Owner": owner, "ManagedBy": MANAGED_BY}
    for name, value in result.items():
        if not _TAG.fullmatch(f"{name}") or not _TAG.fullmatch(value) or len(name) > 128 or name.startswith("aws:"):
            raise PolicyError(
                f"aws.tags: {name}={value!r} is not a tag that AWS accepts: letters, digits and ' .:/=+-@_'"
            )
    return result


def _aws(catalog: Catalog) -> Aws:
    if catalog.aws is None:
        raise PolicyError("the catalog has no key aws; add it (docs/how-to/grant-access.md)")
    return catalog.aws


def conflicts(catalog: Catalog, standing: Sequence[ExistingResource], adopt: Sequence[str]) -> tuple[str, ...]:
    """Resources with the catalog's names but other tags, unless they are adopted."""
    wanted = {name: value for name, value in tags(catalog).items() if name in OURS}
    messages = []
    for item in standing:
        differs = [f"{name}={item.tags.get(name, '(none)')}" for name in wanted if item.tags.get(name) != wanted[name]]
        if differs and item.name not in adopt:
            messages.append(
                f"{item.kind} {item.name} exists and belongs to another owner ({', '.join(differs)}); choose "
                f"another name in the catalog's aws, or take it over by -e aws_access_adopt={item.name}"
            )
    return tuple(messages)


def unknown(adopt: Sequence[str], standing: Sequence[ExistingResource]) -> tuple[str, ...]:
    return tuple(name for name in adopt if name not in {item.name for item in standing})


def policy_names(role: str, count: int) -> tuple[str, ...]:
    return tuple(role if number == 1 else f"{role}-{number}" for number in range(1, count + 1))


def is_numbered(name: str, role: str) -> bool:
    """Whether this is the name of one of the role's policies."""
    return name == role or bool(re.fullmatch(re.escape(role) + r"-[0-9]{1,2}", name))


def plan(catalog: Catalog, scope: AwsScope, options: AccessOptions) -> dict[str, Any]:
    """All resources, as data for the tasks. Raises PolicyError."""
    ours, labels = _aws(catalog), tags(catalog)
    documents = _policies.documents(catalog, scope)
    trusted = _trusted(catalog, scope, options)
    roles: list[dict[str, Any]] = []
    policies: list[dict[str, Any]] = []
    for kind, trust in trusted.items():
        name = ours.roles[kind]
        description = DESCRIPTIONS[kind].format(catalog.application, catalog.environment)
        names = policy_names(name, len(documents[kind]))
        arns = [scope.arn("iam", f"policy/{name}") for name in names]
        for policy_name, arn, document in zip(names, arns, documents[kind], strict=False):
            policy = {"name": policy_name, "arn": arn, "role": kind}
            policies.append({**policy, "description": description, "document": document})
        roles.append(
            {
                "kind": kind,
                "name": name,
                "description": description,
                "trust": trust,
                "policies": arns,
                "profile": kind == "host" and ours.host_principal == trust_policies.EC2,
            }
        )
    return {
        "tags": labels,
        "key": {
            "alias": ours.kms_key,
            "description": f"Secrets and parameters of {catalog.application} in {catalog.environment}",
            "policy": key_policy.key_policy(scope, catalog),
        },
        "provider": _provider(catalog, scope) if catalog.github else {},
        "policies": policies,
        "roles": roles,
        "notes": list(_notes(catalog)),
        "summary": [_summed(role, policies) for role in roles],
    }


def _provider(catalog: Catalog, scope: AwsScope) -> dict[str, Any]:
    url = trust_policies.issuer(catalog.github) if catalog.github else ""
    return {
        "url": f"https://{url}",
        "arn": scope.arn("iam", f"oidc-provider/{url}"),
        "client_ids": [trust_policies.AUDIENCE],
    }


def _trusted(catalog: Catalog, scope: AwsScope, options: AccessOptions) -> dict[str, dict[str, Any]]:
    """The trust policy of each role that a principal may assume."""
    trusted: dict[str, dict[str, Any]] = {}
    ours, github = _aws(catalog), catalog.github
    if github:
        workflow = options.workflow
        if workflow == trust_policies.Workflow():
            workflow = trust_policies.Workflow(environment=github.environment)
        accepted = trust_policies.subjects(github, workflow, wildcards=options.wildcards)
        provider = _provider(catalog, scope)["arn"]
        trusted["deploy"] = trust_policies.of_github(
            provider, trust_policies.issuer(github), accepted, wildcards=options.wildcards
        )
    trusted["host"] = trust_policies.of_hosts(ours.host_principal, scope.account)
    function = bool(catalog.mirror and catalog.mirror.function)
    if catalog.mirror and (function or ours.operators):
        trusted["mirror"] = trust_policies.of_mirror(ours.operators, function=function)
    if ours.operators:
        trusted["rotate"] = trusted["respond"] = trusted["verify"] = trust_policies.of_operators(ours.operators)
    return trusted


def _notes(catalog: Catalog) -> Iterator[str]:
    ours = _aws(catalog)
    if not catalog.github:
        yield "no role deploy: the catalog names no github.repository whose workflows could assume it"
    if not ours.operators:
        yield "no roles rotate, respond and verify: name in aws.operators the users or roles that may assume them"
    if trust_policies.is_for_any_account(ours.host_principal):
        yield (
            f"role {ours.roles['host']} trusts {ours.host_principal} for any account's resources, because that "
            "service may not report the account (aws:SourceAccount)"
        )


def _summed(role: Mapping[str, Any], policies: Sequence[Mapping[str, Any]]) -> str:
    sizes = [policy_size.size(policy["document"]) for policy in policies if policy["role"] == role["kind"]]
    who = ", ".join(sorted(_who(role["trust"])))
    total = f"{sum(sizes):,} characters in {len(sizes)} " + ("policy" if len(sizes) == 1 else "policies")
    return f"role {role['name']} for {who}: {total}"


def _who(trust: Mapping[str, Any]) -> Iterator[str]:
    for item in trust["Statement"]:
        for operator in item.get("Condition", {}).values():
            for key, values in operator.items():
                if key.endswith(":sub"):
                    yield from values
        for kind, names in item["Principal"].items():
            if kind != "Federated":
                yield from [names] if isinstance(names, str) else names


def key_arn(account: str, region: str, partition: str, text: str | None) -> str:
    return text or f"arn:{partition}:kms:{region}:{account}:key/{NOT_MADE}"
