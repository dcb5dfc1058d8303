# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gathers the access in IAM and KMS and compares it with the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, names_in
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    NoAccess,
    NotFound,
    SecretsError,
    one_line,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SSM
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import NOT_CHECKED, row
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import drift as access_drift
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_findings, policy_scope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_reader import Access
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.key_policy import env_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.oidc_store import OidcProviders
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies import CatalogReach, documents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies_reader import Policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import IamRequest, decide
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.secret_metadata import AWS_KEY
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import (
    iam_readers,
    iam_rights,
    iam_targets,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.cached_failure_property import cached_outcome
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import NotApplicable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_actions import EXAMPLE
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_targets import Resources

PARAMETER_READS = tuple(
    f"ssm:{name}" for name in ("GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory")
)
_BY_PATH = ("ssm:GetParametersByPath",)
_OF_AWS = "/aws/.*|/AmazonCloudWatch-.*"
"""AWS's public parameters, and those of its agents."""
_END = rf"(?:/.*|\W?{EXAMPLE}.*|-[^/]{{6}})?"
"""The end of an ARN after a name: a path, a wildcard, or the end that AWS adds to a secret's name."""
_GIVING = re.compile(r"sts:assume.*|iam:(?!get|list|generate|simulate)\w+", re.IGNORECASE)
"""Actions that give other rights. Wildcards are a finding of their own."""


def roles(catalog: Catalog, iam: Policies, environment: str | None) -> dict[str, Any]:
    """The catalog's roles, read from IAM. ``environment`` is that of the deploying jobs; None if the catalog's."""
    result: dict[str, Any] = {}
    if catalog.aws is None:
        return result
    for name in sorted(set(catalog.aws.roles.values())):
        try:
            result[name] = iam.role(name)
            if environment is not None:
                result[name]["environment"] = environment
        except SecretsError as error:
            missing = isinstance(error, NotFound)
            result[name] = {"missing": missing, "problem": one_line(error)}
            kinds = {kind for kind, role in catalog.aws.roles.items() if role == name}
            if missing and (lacks := _lacks(kinds, github=bool(catalog.github), operators=bool(catalog.aws.operators))):
                result[name]["unwanted"] = f"does not exist, because the catalog has no {lacks}"
    return result


def _lacks(kinds: set[str], *, github: bool, operators: bool) -> str:
    """Missing part of the catalog, for which aws_access creates no such role. Empty if none is missing."""
    if not github and kinds <= {"deploy"}:
        return "github.repository"
    return "aws.operators" if not operators and kinds <= {"rotate", "respond", "verify"} else ""


@dataclass(frozen=True)
class EnvironmentAccess:
    """Access to an environment, through one connection."""

    document: Mapping[str, Any]
    catalog: Catalog
    connection: AwsConnection
    account: str
    partition: str = "aws"

    @property
    def _access(self) -> Access:
        return Access(self.connection.store_client("iam"), self.connection.store_client("kms"))

    def drift(self, roles: Mapping[str, Any], options: access_resources.AccessOptions) -> list[dict[str, str]]:
        """Raises SecretsError if the wanted or the present state cannot be read."""
        if self.catalog.aws is None:
            raise NotApplicable("the catalog says nothing of AWS")
        policy_scope.require_narrow(self.document, self.catalog)
        key = self._access.key_policy(self.catalog.aws.kms_key)
        region = self._region
        arn = access_resources.key_arn(self.account, region, self.partition, key["arn"] if key else None)
        plan = access_resources.plan(self.catalog, AwsScope(self.account, region, arn, self.partition), options)
        return access_drift.compare(plan, roles, key, self._provider(plan["provider"]))

    @property
    def _region(self) -> str:
        if not self.connection.region:
            raise NoAccess(aws_errors.NO_REGION)
        return str(self.connection.region)

    def _provider(self, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
        if not wanted:
            return None
        try:
            provider = OidcProviders(self.connection.store_client("iam")).find(wanted["url"].partition("://")[2])
        except SecretsError as error:
            return {"problem": one_line(error)}
        return None if provider is None else {"clients": list(provider.clients)}

    def readers(
        self,
        described: Mapping[str, Mapping[str, Any]],
        policies: Mapping[str, Mapping[str, Any]],
        read: Contents,
    ) -> dict[str, Any]:
        """Rows of unnamed readers. Raises SecretsError if the account's details cannot be read."""
        principals = self.everybody
        keys = {entry["key"]: self._key(entry["key"]) for entry in described.values() if entry.get("key")}
        contents = [
            protected
            for name, entry in sorted(described.items())
            if entry.get("arn")
            for protected in self._places(name, entry, policies.get(name, {}), keys[entry["key"]])
        ]
        contents += [*self._parameters(read), self._of_rotations(keys.values()), *self._env_file(keys.values())]
        return {
            "rows": iam_readers.unnamed_readers(principals, contents, iam_targets.named(self.catalog)),
            "principals": len(principals),
            "things": len(contents),
            "unread": [
                f"{kind} {name}: {entry['problem']}"
                for kind, entries in (("secret", policies), ("key", keys))
                for name, entry in entries.items()
                if entry.get("problem")
            ],
        }

    def _key(self, name: str) -> dict[str, Any]:
        """The customer's key. Empty for AWS's own key, which every reader of the secret may use."""
        if name == AWS_KEY:
            return {}
        try:
            key_policy = self._access.key_policy(name) or {}
        except SecretsError as error:
            return {"arn": name, "problem": one_line(error)}
        return {} if key_policy.get("manager") == "AWS" else key_policy

    def _places(
        self, name: str, entry: Mapping[str, Any], policy: Mapping[str, Any], key: Mapping[str, Any]
    ) -> Iterator[iam_readers.ProtectedItem]:
        """The secret and its replicas. Policies and keys of replicas are not read."""
        secret = self._secret(name, entry, policy, key)
        yield secret
        for region in sorted(entry.get("replicas", {})):
            arn = secret.arn.replace(f":{self._region}:", f":{region}:")
            yield replace(secret, name=f"{secret.name} in {region}", arn=arn, policy={}, key="", key_policy=None)

    def _secret(
        self, name: str, entry: Mapping[str, Any], policy: Mapping[str, Any], key: Mapping[str, Any]
    ) -> iam_readers.ProtectedItem:
        via = {
            "kms:ViaService": f"secretsmanager.{self._region}.amazonaws.com",
            "kms:EncryptionContext:SecretARN": entry["arn"],
        }
        return iam_readers.ProtectedItem(
            f"secret {name}",
            entry["arn"],
            ("secretsmanager:GetSecretValue",),
            policy.get("document") or {},
            key.get("arn", ""),
            key.get("policy"),
            via,
            iam_readers.tags_of(entry.get("tags")),
        )

    def _parameters(self, read: Contents) -> list[iam_readers.ProtectedItem]:
        """Parameters with a setting of high sensitivity. Their keys are not judged."""
        sensitive = [setting for setting in self.catalog.settings.values() if setting.sensitivity == "high"]
        names = {*names_in(SSM, (place for setting in sensitive for place in setting.places))} & set(read.readings)
        start = f"arn:{self.partition}:ssm:{self._region}:{self.account}:parameter"
        paths = {str(path) for name in names for path in PurePosixPath(name).parents}
        return [
            *(iam_readers.ProtectedItem(f"parameter {name}", start + name, PARAMETER_READS) for name in sorted(names)),
            # Access to a path includes all parameters below it.
            *(iam_readers.ProtectedItem(f"parameters below {path}", start + path, _BY_PATH) for path in sorted(paths)),
        ]

    def _of_rotations(self, keys: Iterable[Mapping[str, Any]]) -> iam_readers.ProtectedItem:
        """Secrets that hold a rotation's new values, with the other secrets' key."""
        name = self.catalog.rotation_secret
        arn = self._arn("secretsmanager", f"secret:{name}/{EXAMPLE}")
        key: Mapping[str, Any] = next((key for key in keys if key.get("arn")), {})
        return self._secret(f"{name}/…", {"arn": arn}, {}, key)

    def _env_file(self, keys: Iterable[Mapping[str, Any]]) -> Iterator[iam_readers.ProtectedItem]:
        """The ``.env.enc``: whoever has the file needs only KMS to decrypt it."""
        declared = self.catalog.encrypted_env
        context = env_context(self.catalog)
        policies = {key["arn"]: key.get("policy") for key in keys if key.get("arn")}
        for arn in dict.fromkeys([*policies, *declared.keys]) if declared else ():
            read = ("kms:Decrypt",)
            yield iam_readers.ProtectedItem(
                ".env.enc", arn, read, key=arn, key_policy=policies.get(arn), via=context, context=context
            )

    def _arn(self, service: str, rest: str) -> str:
        return self._scope.arn(service, rest, region=self._region)

    @property
    def _scope(self) -> AwsScope:
        return AwsScope(self.account, self._region, "", self.partition)

    @cached_outcome
    def everybody(self) -> list[iam_readers.Principal]:
        return list(iam_readers.principals(Policies(self.connection.store_client("iam")).everybody()))

    def rights(self, resources: Resources) -> dict[str, Any]:
        """Rows of unnamed principals with rights. Raises SecretsError if the account's details cannot be read."""
        targets = iam_targets.targets(self.catalog, self._scope, self.everybody, resources)
        rows = iam_rights.unnamed_rights(self.everybody, targets, iam_targets.named(self.catalog))
        for name, key in sorted(resources.keys.items()):
            rows += iam_rights.by_grants(
                name, key.get("arn", name), key.get("grants", ()), iam_targets.named(self.catalog)
            )
            if key.get("access_problem"):
                rows.append(row(NOT_CHECKED, f"key {name}", key["access_problem"]))
        rows += [row(NOT_CHECKED, place, problem) for place, problem in sorted(resources.problems)]
        return {"rows": rows, "principals": len(self.everybody)}

    def granted(self, roles: Mapping[str, Mapping[str, Any]], resources: Resources) -> dict[str, list[str]]:
        """Rights of each of the environment's roles beyond its tasks, from all of its policies."""
        principals = {name: iam_readers.of_role(name, role) for name, role in roles.items() if "policies" in role}
        targets = iam_targets.targets(self.catalog, self._scope, [*principals.values()], resources)
        targets = replace(targets, trusts={})  # WPS402 judges who may assume these
        elsewhere, own_names = [*self._elsewhere()], self._own_names()
        planned = documents(self.catalog, self._scope)
        result = {}
        for kind, name in sorted(self.catalog.aws.roles.items()) if self.catalog.aws else ():
            if name not in principals:
                continue
            own = targets
            if kind in ("rotate", "respond"):  # they write the journal and the audit log, and rotate users' keys
                own = replace(own, written=(), users=(), changed_secrets=(), changed_parameters=(), groups=())
            if kind == "respond":  # denies leaked versions
                own = replace(own, secrets=())
            role = principals[name]
            others = (*elsewhere, *self._named_elsewhere(role, own_names))
            foreign = [item.name for item in others if iam_readers.may_read(role, item)]
            reads = [f"may read {iam_readers.few(foreign)}"] if foreign else []
            result[name] = [
                *reads,
                *_beyond_tasks(role, planned.get(kind, ())),
                *(message for message, _denied in iam_rights.rights(role, own)),
            ]
        return result

    def _elsewhere(self) -> Iterator[iam_readers.ProtectedItem]:
        """Secrets and parameters outside this environment: those of the others, and some that do not exist."""
        own = CatalogReach(self.catalog)
        mine = {*own.read, *own.rotating}
        secrets = {name.replace(self.catalog.environment, "another"): None for name in sorted(mine)}
        paths = {self.catalog.ssm_path.replace(self.catalog.environment, "another"): None, "/another/application": None}
        for name in sorted({*self.document.get("environments", {})} - {self.catalog.environment}):
            other = catalog_parser.parse(self.document, name)
            if other.expected_account_id in (None, self.account):
                reach = CatalogReach(other)
                secrets |= dict.fromkeys(sorted({*reach.read, *reach.rotating}))
                paths[other.ssm_path] = None
        for name in (*secrets, "another/application"):
            if name not in mine:
                arn = self._arn("secretsmanager", f"secret:{name}-{EXAMPLE}")
                yield iam_readers.ProtectedItem(f"secret {name}", arn, ("secretsmanager:GetSecretValue",))
        for path in paths:
            if path != self.catalog.ssm_path:
                arn = self._arn("ssm", f"parameter{path}/{EXAMPLE}")
                yield iam_readers.ProtectedItem(f"parameters below {path}", arn, PARAMETER_READS)

    def _own_names(self) -> dict[str, re.Pattern[str]]:
        """Names of this environment's secrets and parameters, by the mark before the name in an ARN."""
        reach, catalog = CatalogReach(self.catalog), self.catalog
        secrets = {*reach.read, *reach.rotating, catalog.rotation_secret, catalog.rotation_logins}
        folder = re.compile(rf".*?(?<![^\W_]){re.escape(catalog.environment)}(?![^\W_])")
        folders = {match[0] for match in map(folder.match, secrets) if match}
        parameters = (catalog.ssm_path, catalog.sent_path, *reach.written)
        return {
            ":secret:": re.compile("|".join(re.escape(name) + _END for name in (*secrets, *folders))),
            ":parameter": re.compile("|".join([re.escape(name) + _END for name in parameters] + [_OF_AWS])),
        }

    def _named_elsewhere(
        self, role: iam_readers.Principal, own_names: Mapping[str, re.Pattern[str]]
    ) -> Iterator[iam_readers.ProtectedItem]:
        """Secrets and parameters outside this environment that the role's policies name."""
        known = {EXAMPLE, "", self.account, self._region, *(self.catalog.aws.replicas if self.catalog.aws else ())}
        for mark, own in own_names.items():
            reads = PARAMETER_READS if mark == ":parameter" else ("secretsmanager:GetSecretValue",)
            for arn in iam_rights.examples(role, mark):
                place, _mark, name = arn.partition(mark)
                if not (own.fullmatch(name) and known.issuperset(place.split(":")[3:])):
                    text = f"{mark.strip(':')} {name.replace(EXAMPLE, '*')}"
                    yield iam_readers.ProtectedItem(text, arn, reads)


def _beyond_tasks(role: iam_readers.Principal, planned: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Rights to give rights that the planned policies would not give to the role."""
    opened = [iam_readers.opened(document, {}, lambda *_condition: True) for document in planned]
    for entry in iam_rights.allowing(role):
        for action in filter(_GIVING.fullmatch, policy_findings.texts(entry.get("Action"))):
            for pattern in policy_findings.texts(entry.get("Resource")):
                if not decide(opened, IamRequest(action, iam_rights.example(pattern))):
                    yield f"may {action} {pattern}"
