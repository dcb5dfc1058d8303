# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policies of an environment's roles, derived from its catalog. Each grants what the role's runs use, and no more.

``deploy`` and ``host`` read the environment. ``rotate`` also writes rotated values, and ``respond`` also denies leaked
versions. Only these two read the new logins of a rotation. ``verify`` reads everything that it checks.
tests/integration/test_least_privilege.py compares the policies with the calls that runs make.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Credential,
    Place,
    names_in,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import (
    ELASTICACHE_AUTH_TOKEN,
    IAM_KEYS,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import mirror_policy
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope, key_grant
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.key_policy import env_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_size import Grant, fitted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import SOURCE
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.metrics import NAMESPACE


@dataclass(frozen=True)
class CatalogReach:
    """The secrets, parameters and other names that a catalog's runs use."""

    catalog: Catalog

    @property
    def read(self) -> tuple[str, ...]:
        """Secrets that hold settings."""
        return names_in(SECRETS_MANAGER, self.catalog.places)

    @property
    def rotating(self) -> tuple[str, ...]:
        """Secrets that a rotation writes: those with credentials, and those that list previous keys."""
        return names_in(SECRETS_MANAGER, self._places())

    @property
    def written(self) -> tuple[str, ...]:
        """Parameters that a rotation writes."""
        return names_in(SSM, self._places())

    @property
    def users(self) -> tuple[str, ...]:
        """IAM users whose keys rotate, with their paths, which are part of their ARNs."""
        options = [
            credential.options
            for credential in self._credentials
            if credential.kind in IAM_KEYS and credential.options.get("user")
        ]
        return _sorted(f"{option.get('user_path') or '/'}{option['user']}"[1:] for option in options)

    @property
    def groups(self) -> tuple[str, ...]:
        options = [credential.options for credential in self._credentials if credential.kind == ELASTICACHE_AUTH_TOKEN]
        return _sorted(str(option.get("replication_group") or "") for option in options)

    @property
    def distributions(self) -> tuple[str, ...]:
        return _sorted(invalidation.distribution for invalidation in self.catalog.invalidations.values())

    @property
    def sent(self) -> str:
        """The path of the record of values that were sent to GitHub."""
        return self.catalog.sent_path

    @property
    def reads_parameters(self) -> bool:
        return self.catalog.reads_ssm or bool(self.written)

    @property
    def _credentials(self) -> Iterable[Credential]:
        return self.catalog.credentials.values()

    def _places(self) -> Iterator[Place]:
        for credential in self._credentials:
            yield from credential_graph.changed_places(self.catalog, credential)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name}))


def documents(catalog: Catalog, scope: AwsScope) -> dict[str, tuple[dict[str, Any], ...]]:
    """The policy documents of each role, as few as AWS's limits allow. Raises PolicyError."""
    reach = CatalogReach(catalog)
    grants = {
        "deploy": [*_reading(reach, scope, reach.read), *_encrypted_env(reach, scope)],
        "host": [
            *_reading(reach, scope, reach.read),
            *_bucket(reach, scope),
            *_encrypted_env(reach, scope, writes=False),
        ],
        "rotate": _rotating(reach, scope),
        "respond": [*_rotating(reach, scope), *_responding(reach, scope)],
        "verify": [*_verifying(reach, scope), *mirror_policy.comparing(catalog, scope)],
        **({"mirror": _mirroring(reach, scope)} if catalog.mirror else {}),
    }
    names = catalog.aws.roles if catalog.aws else {}
    return {role: fitted(names.get(role, role), results) for role, results in grants.items()}


def _reading(reach: CatalogReach, scope: AwsScope, secrets: tuple[str, ...], *, further: bool = False) -> list[Grant]:
    """Grants for one read of an environment, in the versions that the journal names.

    During a rotation, a secret of its own holds the parameters' next values, and pinned parameters are read one by one.
    """
    catalog = reach.catalog
    named = (*map(scope.secret, secrets), scope.below(catalog.rotation_secret))
    reads_parameters = reach.reads_parameters if further else catalog.reads_ssm
    below = (scope.parameter(f"{catalog.ssm_path}/*"),)
    grants = [
        Grant("Batch", ("secretsmanager:BatchGetSecretValue",), ("*",)),
        Grant("ReadSecrets", ("secretsmanager:GetSecretValue",), named),
        key_grant(scope, "DecryptSecrets", "secretsmanager", ("kms:Decrypt",), named),
        *_journal(reach, scope, "ReadJournal", "s3:GetObject"),
    ]
    if reads_parameters:
        grants.append(Grant("ReadPaths", ("ssm:GetParametersByPath",), (scope.parameter(catalog.ssm_path),)))
        grants.append(Grant("ReadPinned", ("ssm:GetParameters",), below))
        grants.append(key_grant(scope, "DecryptParameters", "ssm", ("kms:Decrypt",), below))
    return grants


def _journal(reach: CatalogReach, scope: AwsScope, sid: str, action: str) -> list[Grant]:
    return _object(reach.catalog.journal_place, scope, sid, action)


def _baseline(reach: CatalogReach, scope: AwsScope, sid: str, action: str) -> list[Grant]:
    """A grant on the baseline. ``rotate`` may compare with the baseline, but not write it, so it can hide nothing."""
    return _object(reach.catalog.baseline_place, scope, sid, action)


def _object(place: tuple[str, str], scope: AwsScope, sid: str, action: str) -> list[Grant]:
    """A grant on one object, so that no role needs to list the bucket. Empty without a bucket."""
    bucket, key = place
    return [Grant(sid, (action,), (scope.arn("s3", f"{bucket}/{key}", account=False),))] if bucket else []


def _bucket(reach: CatalogReach, scope: AwsScope) -> list[Grant]:
    """Grants on the bucket of the application's files."""
    bucket = reach.catalog.aws.bucket if reach.catalog.aws else None
    if not bucket:
        return []
    arn = scope.arn("s3", bucket, account=False)
    return [
        Grant("ListFiles", ("s3:ListBucket",), (arn,)),
        Grant("Files", ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), (f"{arn}/*",)),
    ]


def _rotating(reach: CatalogReach, scope: AwsScope) -> list[Grant]:
    secrets = tuple(map(scope.secret, reach.rotating))
    written = tuple(map(scope.parameter, reach.written))
    logins = scope.below(reach.catalog.rotation_logins)
    own = (scope.below(reach.catalog.rotation_secret), logins)
    making = ("CreateSecret", "TagResource", "DeleteSecret")
    grants = [
        *_reading(reach, scope, _sorted((*reach.read, *reach.rotating)), further=True),
        Grant("ReadLogins", ("secretsmanager:GetSecretValue",), (logins,)),
        key_grant(scope, "DecryptLogins", "secretsmanager", ("kms:Decrypt",), (logins,)),
        Grant("Own", tuple(f"secretsmanager:{name}" for name in making), own),
        key_grant(scope, "EncryptSecrets", "secretsmanager", ("kms:GenerateDataKey",), (*secrets, *own)),
        *_journal(reach, scope, "WriteJournal", "s3:PutObject"),
        *_baseline(reach, scope, "Baseline", "s3:GetObject"),
    ]
    if secrets:
        staging = ("DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage")
        grants.append(Grant("Stage", tuple(f"secretsmanager:{name}" for name in staging), secrets))
    if written:
        # Parameter Store uses kms:Encrypt for standard parameters, and a data key for advanced ones.
        encrypt = ("kms:Encrypt", "kms:GenerateDataKey")
        grants.append(Grant("Parameters", ("ssm:GetParameter", "ssm:PutParameter"), written))
        grants.append(Grant("DescribeParameters", ("ssm:DescribeParameters",), ("*",)))
        grants.append(key_grant(scope, "EncryptParameters", "ssm", encrypt, written))
    own_servers = [*_servers(reach, scope), *_sent(reach, scope)]
    announcing = _announcing(reach, scope)
    return [*grants, *_audited(reach, scope), *own_servers, *_encrypted_env(reach, scope), *announcing]


def _encrypted_env(reach: CatalogReach, scope: AwsScope, *, writes: bool = True) -> list[Grant]:
    """Grants on the keys of the ``.env.enc``. They hold only with the encryption context of this environment."""
    declared = reach.catalog.encrypted_env
    if not declared:
        return []
    bound = env_context(reach.catalog)
    grants = [Grant("OpenEnvEnc", ("kms:Decrypt",), (scope.key, *declared.keys), bound)]
    if writes:
        grants.append(Grant("WriteEnvEnc", ("kms:GenerateDataKey",), (scope.key,), bound))
    if writes and declared.keys:
        grants.append(Grant("WrapEnvEnc", ("kms:Encrypt",), declared.keys, bound))
    return grants


def _audited(reach: CatalogReach, scope: AwsScope, *, writes: bool = True) -> list[Grant]:
    """Grants to read and write the audit log. None allows a removal."""
    where, stream = reach.catalog.audit_log, f"{reach.catalog.application}/{reach.catalog.environment}"
    if "log_group" in where:
        group = scope.arn("logs", f"log-group:{where['log_group']}", region=scope.region)
        acts = ("logs:GetLogEvents", *(("logs:PutLogEvents", "logs:CreateLogStream") if writes else ()))
        return [
            Grant("Audit", acts, (f"{group}:log-stream:{stream}",)),
            Grant("AuditStreams", ("logs:DescribeLogStreams",), (group, f"{group}:*")),
        ]
    if "s3" in where:
        bucket, prefix = audit_chain.location(where["s3"])
        arn, below = scope.arn("s3", bucket, account=False), f"{prefix}{stream}/"
        return [
            Grant("Audit", ("s3:GetObject", *(("s3:PutObject",) if writes else ())), (f"{arn}/{below}*",)),
            Grant("AuditList", ("s3:ListBucket",), (arn,), {"s3:prefix": below}),
        ]
    return []


def _retention(reach: CatalogReach, scope: AwsScope) -> list[Grant]:
    """Grants to read the settings that delete records of the audit log or the journal, or allow others to."""
    audit, (journal, _key) = reach.catalog.audit_log, reach.catalog.journal_place
    names = {journal, audit_chain.location(audit["s3"])[0] if "s3" in audit else ""} - {""}
    buckets = tuple(scope.arn("s3", name, account=False) for name in sorted(names))
    actions = ("s3:GetBucketVersioning", "s3:GetLifecycleConfiguration", "s3:GetBucketPolicy")
    return [
        *([Grant("AuditGroups", ("logs:DescribeLogGroups",), ("*",))] if "log_group" in audit else []),
        *([Grant("Buckets", actions, buckets)] if buckets else []),
    ]


def _announcing(reach: CatalogReach, scope: AwsScope) -> list[Grant]:
    """Grants for this collection's events on one bus, and for its metrics. They cannot forge others."""
    if not reach.catalog.alerts:
        return []
    bus = scope.arn("events", f"event-bus/{reach.catalog.alerts.event_bus}", region=scope.region)
    grant = Grant("Metrics", ("cloudwatch:PutMetricData",), ("*",), {"cloudwatch:namespace": NAMESPACE})
    return [Grant("Events", ("events:PutEvents",), (bus,), {"events:source": SOURCE}), grant]


def _servers(reach: CatalogReach, scope: AwsScope) -> list[Grant]:
    """Grants on ElastiCache groups and IAM users whose credentials rotate."""
    keys = ("ListAccessKeys", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "GetAccessKeyLastUsed")
    users = tuple(scope.arn("iam", f"user/{name}") for name in reach.users)
    groups = tuple(scope.arn("elasticache", f"replicationgroup:{name}", region=scope.region) for name in reach.groups)
    tokens = ("elasticache:DescribeReplicationGroups", "elasticache:ModifyReplicationGroup")
    return [
        *([Grant("AccessKeys", tuple(f"iam:{key}" for key in keys), users)] if users else []),
        *([Grant("AuthTokens", tokens, groups)] if groups else []),
    ]


def _sent(reach: CatalogReach, scope: AwsScope) -> list[Grant]:
    """Grants on the record of values that were sent to GitHub."""
    if not reach.catalog.github:
        return []
    path = scope.parameter(reach.sent)
    return [
        Grant("SentPath", ("ssm:GetParametersByPath",), (path,)),
        Grant("Sent", ("ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameters"), (f"{path}/*",)),
    ]


def _responding(reach: CatalogReach, scope: AwsScope) -> list[Grant]:
    """Grants of a leak response in addition to those of a rotation.

    A leak response searches every version for the leaked value, denies versions that hold it, also in replicas, looks
    up who read them, and invalidates cached copies. It also records and compares the baseline.
    """
    replicas = reach.catalog.aws.replicas if reach.catalog.aws else ()
    secrets = [scope.secret(name, region) for region in ("", *replicas) for name in reach.rotating]
    distributions = tuple(
        scope.arn("cloudfront", f"distribution/{distribution}") for distribution in reach.distributions
    )
    deny = ("secretsmanager:GetResourcePolicy", "secretsmanager:PutResourcePolicy")
    results = tuple(map(scope.secret, reach.rotating))
    written = tuple(map(scope.parameter, reach.written))
    described = tuple(map(scope.secret, sorted({*reach.read} - {*reach.rotating})))
    describe = ("secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy")
    return [
        *_baseline(reach, scope, "WriteBaseline", "s3:PutObject"),
        *_account(scope),
        Grant("UsersKeys", ("iam:ListAccessKeys", "iam:GetLoginProfile"), (scope.arn("iam", "user/*"),)),
        *([Grant("Describe", describe, described)] if described else []),
        Grant("Trail", ("cloudtrail:LookupEvents",), ("*",)),
        *([Grant("Versions", ("secretsmanager:ListSecretVersionIds",), results)] if results else []),
        *([Grant("History", ("ssm:GetParameterHistory",), written)] if written else []),
        *([Grant("Deny", deny, tuple(secrets))] if secrets else []),
        *([Grant("Forget", ("cloudfront:CreateInvalidation",), distributions)] if distributions else []),
    ]


def _account(scope: AwsScope) -> list[Grant]:
    """Grants to read who may act in the account, and who may use the key."""
    key = ("kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:GetKeyPolicy", "kms:ListGrants")
    return [
        Grant("Key", key, (scope.key,)),
        Grant("Account", ("iam:GetAccountAuthorizationDetails",), ("*",)),
    ]


def _verifying(reach: CatalogReach, scope: AwsScope) -> list[Grant]:
    """Grants of a verification: values, to compare them in memory, and metadata of secrets, keys and users."""
    names = _sorted((*reach.read, *reach.rotating))
    secrets = tuple(map(scope.secret, names))
    aws = reach.catalog.aws
    roles = tuple(scope.arn("iam", f"role/{role}") for role in sorted(set(aws.roles.values()))) if aws else ()
    # Any policy may have been attached by hand, also one of AWS.
    policies = (scope.arn("iam", "policy/*"), f"arn:{scope.partition}:iam::aws:policy/*")
    look = ("GetRole", "ListRolePolicies", "GetRolePolicy", "ListAttachedRolePolicies")
    users = ("iam:ListAccessKeys", "iam:GetAccessKeyLastUsed", "iam:GetLoginProfile")
    grants = [
        *_reading(reach, scope, names, further=True),
        *_audited(reach, scope, writes=False),
        *_retention(reach, scope),
        *_baseline(reach, scope, "Baseline", "s3:GetObject"),
        *_announcing(reach, scope),
        *_account(scope),
        *([Grant("Roles", tuple(f"iam:{name}" for name in look), roles)] if roles else []),
        Grant("Policies", ("iam:GetPolicy", "iam:GetPolicyVersion"), policies),
        Grant("UsersKeys", users, (scope.arn("iam", "user/*"),)),
        Grant("Users", ("iam:ListUsers",), ("*",)),
        Grant("Secrets", ("secretsmanager:ListSecrets",), ("*",)),
    ]
    if secrets:
        described = ("DescribeSecret", "GetResourcePolicy", "ListSecretVersionIds")
        grants.append(Grant("Describe", tuple(f"secretsmanager:{name}" for name in described), secrets))
    if reach.reads_parameters:
        history = scope.parameter(f"{reach.catalog.ssm_path}/*")
        grants.append(Grant("History", ("ssm:GetParameterHistory",), (history,)))
    if reach.catalog.github:
        providers = scope.arn("iam", "oidc-provider/*")
        grants.append(Grant("Provider", ("iam:ListOpenIDConnectProviders",), ("*",)))
        grants.append(Grant("Providers", ("iam:GetOpenIDConnectProvider",), (providers,)))
    return grants


def _mirroring(reach: CatalogReach, scope: AwsScope) -> list[Grant]:
    grants = mirror_policy.mirroring(reach.catalog, scope)
    return [*grants, *(_journal(reach, scope, "ReadJournal", "s3:GetObject") if grants else [])]
