# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Grants of the mirror, and of a verification of it. The grants of other roles cover the journal."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import mirror_plan
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope, key_grant
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_size import Grant


def _copies(catalog: Catalog) -> list[str]:
    """Parameters that the mirror writes. For a group, all below its path, because former members are deleted."""
    declared = catalog.mirror.groups.values() if catalog.mirror else ()
    below = {f"{catalog.ssm_path}/{path}/" for path in declared}
    single = {name for name in mirror_plan.pairs(catalog) if not name.startswith(tuple(below))}
    return sorted({*single, *(f"{path}*" for path in below)})


def mirroring(catalog: Catalog, scope: AwsScope) -> list[Grant]:
    """Grants to read the mirror's sources, and to write its parameters, also in the regions of replicas."""
    mirrored, copies = catalog.mirror, _copies(catalog)
    if mirrored is None or not copies:
        return []
    sources = sorted({place.name for _setting, place in mirror_plan.pairs(catalog).values()})
    secrets, parameters = tuple(map(scope.secret, sources)), tuple(map(scope.parameter, copies))
    regions = mirror_plan.regions(catalog)
    written = tuple(scope.parameter(name, region) for region in regions for name in copies)
    # GetParameter is used only if another writer writes at the same moment.
    acts = ("GetParameters", "GetParameter", "PutParameter", "DeleteParameters")
    grants = [
        Grant("Batch", ("secretsmanager:BatchGetSecretValue",), ("*",)),
        Grant("ReadSecrets", ("secretsmanager:GetSecretValue",), secrets),
        key_grant(scope, "DecryptSecrets", "secretsmanager", ("kms:Decrypt",), secrets),
        Grant("DescribeParameters", ("ssm:DescribeParameters",), ("*",)),
        Grant("Copies", tuple(f"ssm:{act}" for act in acts), written),
        key_grant(scope, "CopiesKey", "ssm", ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"), parameters),
    ]
    grants += _replica_keys(catalog, scope, ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"))
    return [*grants, *_function(catalog, scope)]


def _replica_keys(catalog: Catalog, scope: AwsScope, acts: tuple[str, ...]) -> list[Grant]:
    """Grants for keys of other regions. AWS's own key needs no grant."""
    key = catalog.mirror.replica_key if catalog.mirror else None
    if not key:
        return []
    context = "kms:EncryptionContext:PARAMETER_ARN"
    return [
        Grant(
            f"ReplicaKey{number}",
            acts,
            (key,),
            {"kms:ViaService": scope.via("ssm", region)},
            (context, tuple(scope.parameter(name, region) for name in _copies(catalog))),
        )
        for number, region in enumerate(mirror_plan.regions(catalog)[1:], 1)
    ]


def _function(catalog: Catalog, scope: AwsScope) -> list[Grant]:
    """Grants for the function's log, and for the queue of failed events."""
    aws, mirrored = catalog.aws, catalog.mirror
    if aws is None or mirrored is None or mirrored.function is None:
        return []
    name = aws.roles["mirror"]
    log = scope.arn("logs", f"log-group:/aws/lambda/{name}:log-stream:*", region=scope.region)
    tracing = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
    return [
        Grant("Log", ("logs:CreateLogStream", "logs:PutLogEvents"), (log,)),
        Grant("Failed", ("sqs:SendMessage",), (scope.arn("sqs", f"{name}-failed", region=scope.region),)),
        *([Grant("Trace", tracing, ("*",))] if mirrored.function.xray else []),
    ]


def comparing(catalog: Catalog, scope: AwsScope) -> list[Grant]:
    """Grants to verify mirrored parameters, in addition to the environment's own."""
    if not _copies(catalog):
        return []
    elsewhere = tuple(
        scope.parameter(name, region) for region in mirror_plan.regions(catalog)[1:] for name in _copies(catalog)
    )
    return [
        Grant("DescribeParameters", ("ssm:DescribeParameters",), ("*",)),
        *([Grant("Copies", ("ssm:GetParameters",), elsewhere)] if elsewhere else []),
        *_replica_keys(catalog, scope, ("kms:Decrypt",)),
    ]
