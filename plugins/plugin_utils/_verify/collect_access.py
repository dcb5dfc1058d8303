# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gathers what access there is in IAM and KMS, and compares it with what the catalog makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, names_in
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess, SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SSM
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import drift as access_drift
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_scope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_reader import Access
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.oidc_store import OidcProviders
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies_reader import Policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import iam_readers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import NotApplicable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.secret_metadata import AWS_KEY

PARAMETER_READS = tuple(
    f"ssm:{name}" for name in ("GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory")
)


@dataclass(frozen=True)
class Look:
    """One environment's access, through one connection."""

    document: Mapping[str, Any]
    catalog: Catalog
    connection: AwsConnection
    account: str
    partition: str = "aws"

    @property
    def _there(self) -> Access:
        return Access(self.connection.store_client("iam"), self.connection.store_client("kms"))

    def drift(self, roles: Mapping[str, Any], asked: access_resources.AccessOptions) -> list[dict[str, str]]:
        """Raises SecretsError where it cannot be said what should be there, or what is."""
        if self.catalog.aws is None:
            raise NotApplicable("the catalog says nothing of AWS")
        policy_scope.require_narrow(self.document, self.catalog)
        key = self._there.key_policy(self.catalog.aws.kms_key)
        region = self._region
        arn = access_resources.key_arn(self.account, region, self.partition, key["arn"] if key else None)
        plan = access_resources.plan(self.catalog, AwsScope(self.account, region, arn, self.partition), asked)
        return access_drift.compared(plan, roles, key, self._provider(plan["provider"]))

    @property
    def _region(self) -> str:
        if not self.connection.region:
            raise NoAccess("No AWS region was found; set AWS_REGION, the region option, or the catalog's region")
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
        """Who may read what. Raises SecretsError where the account's details cannot be read."""
        principals = list(iam_readers.principals(Policies(self.connection.store_client("iam")).everybody()))
        keys = {entry["key"]: self._key(entry["key"]) for entry in described.values() if entry.get("key")}
        held = [
            self._secret(name, entry, policies.get(name, {}), keys[entry["key"]])
            for name, entry in sorted(described.items())
            if entry.get("arn")
        ]
        held += self._parameters(read)
        return {
            "rows": iam_readers.unnamed_readers(principals, held, self._named),
            "principals": len(principals),
            "things": len(held),
            "unread": [
                f"secret {name}: {policy['problem']}" for name, policy in policies.items() if policy.get("problem")
            ],
        }

    def _key(self, name: str) -> dict[str, Any]:
        """The customer's key; nothing of AWS's own, which whoever may read the secret may use."""
        if name == AWS_KEY:
            return {}
        try:
            key_policy = self._there.key_policy(name) or {}
        except SecretsError:  # then the identities' policies are asked for any key
            return {}
        return {} if key_policy.get("manager") == "AWS" else key_policy

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
        )

    def _parameters(self, read: Contents) -> list[iam_readers.ProtectedItem]:
        """Those that hold a setting of high sensitivity. Which key encrypts one is not asked."""
        sensitive = [setting for setting in self.catalog.settings.values() if setting.sensitivity == "high"]
        names = {*names_in(SSM, (place for setting in sensitive for place in setting.places))} & set(read.readings)
        start = f"arn:{self.partition}:ssm:{self._region}:{self.account}:parameter"
        return [iam_readers.ProtectedItem(f"parameter {name}", start + name, PARAMETER_READS) for name in sorted(names)]

    @property
    def _named(self) -> Sequence[str]:
        aws = self.catalog.aws
        return (*aws.roles.values(), *aws.operators, *aws.readers, aws.host_principal) if aws else ()
