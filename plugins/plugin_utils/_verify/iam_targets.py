# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ARNs of an environment's AWS resources, for which rights are judged. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_findings
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies import CatalogReach
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_actions import EXAMPLE
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_readers import (
    Principal,
    is_named,
    tags_of,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_rights import Targets


@dataclass(frozen=True)
class Resources:
    """Facts of secrets, their policies, keys and buckets."""

    secrets: Mapping[str, Mapping[str, Any]]
    policies: Mapping[str, Mapping[str, Any]]
    keys: Mapping[str, Mapping[str, Any]]
    buckets: Mapping[str, Mapping[str, Any]]

    @property
    def problems(self) -> set[tuple[str, str]]:
        """Unreadable resources, by place. A missing resource gives no rights."""
        parts = (("secret ", self.secrets), ("secret ", self.policies), ("key ", self.keys), ("", self.buckets))
        return {
            (f"{kind}{name}", str(entry["problem"]))
            for kind, part in parts
            for name, entry in part.items()
            if entry.get("problem") and not entry.get("missing")
        }


def named(catalog: Catalog) -> Sequence[str]:
    """Principals that may have rights."""
    aws = catalog.aws
    return (*aws.roles.values(), *aws.operators, *aws.readers, aws.host_principal) if aws else ()


def targets(catalog: Catalog, scope: AwsScope, principals: Sequence[Principal], resources: Resources) -> Targets:
    region, reach, aws = scope.region, CatalogReach(catalog), catalog.aws
    people = [*aws.operators, *aws.readers] if aws else []
    own = [scope.arn("iam", f"role/{role}") for role in aws.roles.values()] if aws else []
    users = [scope.arn("iam", f"user/{user}") for user in reach.users]
    roles = [principal for principal in principals if is_named(principal, named(catalog))]
    secrets = {name: entry["arn"] for name, entry in resources.secrets.items() if entry.get("arn")}
    buckets = {scope.arn("s3", entry["bucket"], account=False): entry for entry in resources.buckets.values()}
    objects = {
        scope.arn("s3", f"{entry['bucket']}/{entry['object']}", account=False): entry
        for entry in resources.buckets.values()
    }
    # Access for everybody or other accounts is a separate finding.
    inside = functools.partial(policy_findings.insiders, account=scope.account)
    return Targets(
        secrets=tuple(secrets.values()),
        changed_secrets=tuple(secrets.values()),
        changed_parameters=(scope.parameter(f"{catalog.ssm_path}/{EXAMPLE}"),) if catalog.reads_ssm else (),
        policies={
            **{arn: inside(resources.policies.get(name, {}).get("document") or {}) for name, arn in secrets.items()},
            **{arn: inside(entry.get("policy") or {}) for arn, entry in (buckets | objects).items()},
        },
        context={arn: tags_of(resources.secrets[name].get("tags")) for name, arn in secrets.items()},
        trails=(scope.arn("cloudtrail", f"trail/{EXAMPLE}", region=region),),
        instances=(scope.arn("ec2", f"instance/i-{EXAMPLE}", region=region),),
        snapshots=(scope.arn("ec2", f"snapshot/snap-{EXAMPLE}", region=region, account=False),),
        keys={key["arn"]: key.get("policy") for key in resources.keys.values() if key.get("arn")},
        aliases=_aliases(scope, resources),
        trusts={role.arn: role.trust for role in roles},
        roles=tuple(dict.fromkeys([*own, *(arn for arn in people if ":role/" in arn)])),
        role_policies=tuple(sorted({arn for role in roles for arn in role.attached})),
        users=tuple({arn: None for arn in (*users, *people) if ":user/" in arn}),
        running=_running(catalog, scope, roles),
        providers=tuple(sorted({name for kind, name in _trusted(roles) if kind == "Federated"})),
        groups=tuple(scope.arn("elasticache", f"replicationgroup:{name}", region=region) for name in reach.groups),
        log_groups=tuple(_log_group(catalog, scope)),
        buckets=tuple(buckets),
        objects=tuple(objects),
        written=tuple(objects),
    )


def _log_group(catalog: Catalog, scope: AwsScope) -> Iterator[str]:
    """ARNs of a log group and its stream, as IAM uses them."""
    if "log_group" in catalog.audit_log:
        group = scope.arn("logs", f"log-group:{catalog.audit_log['log_group']}", region=scope.region)
        yield from (group, f"{group}:*", f"{group}:log-stream:{catalog.application}/{catalog.environment}")


def _aliases(scope: AwsScope, resources: Resources) -> dict[str, str]:
    """Key ARNs, by alias that the catalog or a secret uses."""
    named = {name: key["arn"] for name, key in resources.keys.items() if name.startswith("alias/") and key.get("arn")}
    return {scope.arn("kms", name, region=scope.region): arn for name, arn in named.items()}


def _running(catalog: Catalog, scope: AwsScope, roles: Sequence[Principal]) -> dict[str, tuple[str, ...]]:
    """Example ARNs of programs that may have one of the roles. The programs are not listed."""
    mirror = catalog.aws.roles.get("mirror") if catalog.aws else None
    examples = {
        "lambda": ("lambda", f"function:{EXAMPLE}", f"function:{mirror}"),  # its function has the role's name
        "ecs-tasks": ("ecs", f"task/{EXAMPLE}/{EXAMPLE}"),
        "codebuild": ("codebuild", f"project/{EXAMPLE}"),
    }
    trusted = {name.removesuffix(".amazonaws.com") for kind, name in _trusted(roles) if kind == "Service"}
    return {
        service: tuple(scope.arn(kind, rest, region=scope.region) for rest in rests)
        for service, (kind, *rests) in examples.items()
        if service in trusted
    }


def _trusted(roles: Sequence[Principal]) -> Iterator[tuple[str, str]]:
    """Kind and name of each principal that a role trusts."""
    for role in roles:
        yield from ((kind, name) for _statement, kind, name, _condition in policy_findings.allowed(role.trust))
