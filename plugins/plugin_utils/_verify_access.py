# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gathers what access there is in IAM and KMS, and compares it with what the catalog makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils import _readers
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import NoAccess, SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._iam import _access, _access_drift, _policy_limits
from ansible_collections.watchparty.secrets.plugins.module_utils._iam._policies import Ground
from ansible_collections.watchparty.secrets.plugins.module_utils._model import SSM, Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.access import Access
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.iam_oidc import OidcProviders
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.iam_policies import Policies
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_facts import AWS_KEY
from ansible_collections.watchparty.secrets.plugins.plugin_utils._aws import AwsConnection

PARAMETER_READS = tuple(
    f"ssm:{one}" for one in ("GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory")
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

    def drift(self, roles: Mapping[str, Any], asked: _access.Asked) -> list[dict[str, str]]:
        """Raises SecretsError where it cannot be said what should be there, or what is."""
        if self.catalog.aws is None:
            raise SecretsError("the catalog says nothing of AWS")
        _policy_limits.require_narrow(self.document, self.catalog)
        key = self._there.key_policy(self.catalog.aws.kms_key)
        region = self._region
        arn = _access.key_arn(self.account, region, self.partition, key["arn"] if key else None)
        plan = _access.plan(self.catalog, Ground(self.account, region, arn, self.partition), asked)
        return _access_drift.told(plan, roles, key, self._provider(plan["provider"]))

    @property
    def _region(self) -> str:
        if not self.connection.region:
            raise NoAccess("No AWS region was found; set AWS_REGION, the region option, or the catalog's region")
        return str(self.connection.region)

    def _provider(self, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
        if not wanted:
            return None
        try:
            found = OidcProviders(self.connection.store_client("iam")).find(wanted["url"].partition("://")[2])
        except SecretsError as error:
            return {"problem": one_line(error)}
        return None if found is None else {"clients": list(found.clients)}

    def readers(
        self,
        described: Mapping[str, Mapping[str, Any]],
        policies: Mapping[str, Mapping[str, Any]],
        read: Contents,
    ) -> dict[str, Any]:
        """Who may read what. Raises SecretsError where the account's details are not told."""
        every = list(_readers.principals(Policies(self.connection.store_client("iam")).everybody()))
        keys = {one["key"]: self._key(one["key"]) for one in described.values() if one.get("key")}
        held = [
            self._secret(name, one, policies.get(name, {}), keys[one["key"]])
            for name, one in sorted(described.items())
            if one.get("arn")
        ]
        held += self._parameters(read)
        return {
            "rows": _readers.told(every, held, self._named),
            "principals": len(every),
            "things": len(held),
            "unread": [f"secret {name}: {one['problem']}" for name, one in described.items() if one.get("problem")]
            + [f"secret {name}: {one['problem']}" for name, one in policies.items() if one.get("problem")],
        }

    def _key(self, name: str) -> dict[str, Any]:
        """The customer's key; nothing of AWS's own, which whoever may read the secret may use."""
        if name == AWS_KEY:
            return {}
        try:
            found = self._there.key_policy(name) or {}
        except SecretsError:  # then the identities' policies are asked for any key
            return {}
        return {} if found.get("manager") == "AWS" else found

    def _secret(
        self, name: str, one: Mapping[str, Any], policy: Mapping[str, Any], key: Mapping[str, Any]
    ) -> _readers.Held:
        via = {
            "kms:ViaService": f"secretsmanager.{self._region}.amazonaws.com",
            "kms:EncryptionContext:SecretARN": one["arn"],
        }
        return _readers.Held(
            f"secret {name}",
            one["arn"],
            ("secretsmanager:GetSecretValue",),
            policy.get("document") or {},
            key.get("arn", ""),
            key.get("policy"),
            via,
        )

    def _parameters(self, read: Contents) -> list[_readers.Held]:
        """Those that hold a setting of high sensitivity. Which key encrypts one is not asked."""
        sensitive = [one for one in self.catalog.settings.values() if one.sensitivity == "high"]
        names = {place.name for one in sensitive for place in one.places if place.store == SSM} & set(read.readings)
        start = f"arn:{self.partition}:ssm:{self._region}:{self.account}:parameter"
        return [_readers.Held(f"parameter {name}", start + name, PARAMETER_READS) for name in sorted(names)]

    @property
    def _named(self) -> Sequence[str]:
        aws = self.catalog.aws
        return (*aws.roles.values(), *aws.operators, *aws.readers, aws.host_principal) if aws else ()
