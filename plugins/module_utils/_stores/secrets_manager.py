# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS Secrets Manager as a store. The caller passes the boto3 client."""

from __future__ import annotations

from functools import partial
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AlreadyExists, Denied, NotFound
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    BINARY,
    CURRENT,
    DELETED,
    DENIED,
    MISSING,
    Contents,
    Description,
    Failure,
    Reading,
    StoredVersion,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form, VersionedStore

BATCH = 20
"""Secrets in one BatchGetSecretValue call."""


class SecretsManager(VersionedStore):
    name = SECRETS_MANAGER

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Optional[Mapping[str, str]] = None,
        stages: Optional[Mapping[str, str]] = None,
    ) -> Contents:
        pins, stages = pins or {}, stages or {}
        special = [name for name in names if name in pins or name in stages]
        plain = [name for name in dict.fromkeys(names) if name not in special]
        contents = Contents()
        batches = [plain[start : start + BATCH] for start in range(0, len(plain), BATCH)]
        for item in self.side_by_side([partial(self._batch, batch) for batch in batches]):
            contents |= item
        selectors = {
            name: {"VersionId": pins[name]} if name in pins else {"VersionStage": stages[name]} for name in special
        }
        for item in self.side_by_side([partial(self._one, name, **selectors[name]) for name in special]):
            contents |= item
        return contents

    def _batch(self, names: Sequence[str]) -> Contents:
        with aws_errors.translated("secretsmanager:BatchGetSecretValue", ", ".join(names)):
            answer = self._client.batch_get_secret_value(SecretIdList=list(names))
        contents = Contents()
        for secret_value in answer.get("SecretValues", []):
            name = _asked(secret_value, names)
            # A version that lacks the label is not the current one, so it is read by label.
            current = CURRENT in secret_value.get("VersionStages", [])
            contents |= self._reading(name, secret_value) if current else self._one(name, VersionStage=CURRENT)
        for error in answer.get("Errors", []):
            name, code, message = error["SecretId"], error.get("ErrorCode", ""), error.get("Message", "")
            contents |= self._failed(name, code, message)
        for name in names:  # a response that would be too large lacks the rest
            if name not in contents.readings and name not in contents.failures:
                contents |= self._one(name)
        return contents

    def _one(self, name: str, **version: str) -> Contents:
        try:
            with aws_errors.translated("secretsmanager:GetSecretValue", f"secret {name}"):
                secret_value = self._client.get_secret_value(SecretId=name, **version)
        except Denied as error:
            return self._failed(name, aws_errors.DENIED_CODES[0], error.detail)
        except NotFound as error:
            reason = DELETED if aws_errors.speaks_of_deletion(str(error)) else MISSING
            return Contents({}, {name: Failure(self.name, name, reason, str(error) if version else "")})
        return self._reading(name, secret_value)

    def _reading(self, name: str, answer: Mapping[str, Any]) -> Contents:
        if "SecretString" not in answer:
            return Contents({}, {name: Failure(self.name, name, BINARY)})
        reading = Reading(self.name, name, answer["VersionId"], answer["SecretString"], written=_date(answer))
        return Contents({name: reading})

    def _failed(self, name: str, code: str, message: str) -> Contents:
        if code in aws_errors.DENIED_CODES:
            return Contents({}, {name: Failure(self.name, name, DENIED, message)})
        if aws_errors.is_scheduled_for_deletion(code, message):
            return Contents({}, {name: Failure(self.name, name, DELETED)})
        if code == "ResourceNotFoundException":
            return Contents({}, {name: Failure(self.name, name, MISSING)})
        return self._one(name)  # throttled, or failed alone: read again, with retries and its own error

    def describe(self, name: str) -> Description:
        with aws_errors.translated("secretsmanager:DescribeSecret", f"secret {name}"):
            description = self._client.describe_secret(SecretId=name)
        versions = description.get("VersionIdsToStages", {})
        return Description(
            name=name,
            stages={label: version for version, labels in versions.items() for label in labels},
            rotation_enabled=bool(description.get("RotationEnabled")),
            deleted="DeletedDate" in description,
            arn=description.get("ARN", ""),
            key=description.get("KmsKeyId"),
            created=_date(description),
        )

    def list_versions(self, name: str) -> List[StoredVersion]:
        versions: List[Mapping[str, Any]] = []
        ask: Dict[str, Any] = {"SecretId": name, "IncludeDeprecated": True}
        while True:  # botocore has no paginator for it
            with aws_errors.translated("secretsmanager:ListSecretVersionIds", f"secret {name}"):
                page = self._client.list_secret_version_ids(**ask)
            versions += page.get("Versions", [])
            if not page.get("NextToken"):
                break
            ask["NextToken"] = page["NextToken"]
        return [
            StoredVersion(row["VersionId"], timestamps.stamp(row["CreatedDate"]), tuple(row.get("VersionStages", ())))
            for row in sorted(versions, key=lambda entry: entry["CreatedDate"])
        ]

    def _create(self, name: str, content: str, version: str, form: Form) -> None:
        extra = {
            "Description": form.description,
            "KmsKeyId": form.key,
            "Tags": [{"Key": tag, "Value": text} for tag, text in form.tags.items()],
            "AddReplicaRegions": [{"Region": region} for region in form.replicas],
        }
        options = {option: value for option, value in extra.items() if value}
        try:
            with aws_errors.translated("secretsmanager:CreateSecret", f"secret {name}", carries=content):
                self._client.create_secret(Name=name, SecretString=content, ClientRequestToken=version, **options)
        except NotFound as error:  # the name is not free yet, or the key does not exist
            if form.key and not aws_errors.speaks_of_deletion(str(error)):
                raise
            raise AlreadyExists(str(error)) from None

    def _put(self, name: str, content: str, version: str, label: str) -> Sequence[str]:
        with aws_errors.translated("secretsmanager:PutSecretValue", f"secret {name}", carries=content):
            answer = self._client.put_secret_value(
                SecretId=name, SecretString=content, ClientRequestToken=version, VersionStages=[label]
            )
        labels: Sequence[str] = answer.get("VersionStages", [])
        return labels

    def _move(self, name: str, label: str, *, to: Optional[str], off: Optional[str]) -> None:
        ends = {"MoveToVersionId": to, "RemoveFromVersionId": off}
        with aws_errors.translated("secretsmanager:UpdateSecretVersionStage", f"secret {name}"):
            self._client.update_secret_version_stage(
                SecretId=name, VersionStage=label, **{key: version for key, version in ends.items() if version}
            )

    def _delete(self, name: str) -> None:
        with aws_errors.translated("secretsmanager:DeleteSecret", f"secret {name}"):
            self._client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def _date(answer: Mapping[str, Any]) -> str:
    return timestamps.stamp(answer["CreatedDate"]) if "CreatedDate" in answer else ""


def _asked(answer: Mapping[str, Any], names: Sequence[str]) -> str:
    """The name in the request. AWS answers with the secret's name and ARN, and either may have been requested."""
    return next((name for name in names if name in (answer.get("Name"), answer.get("ARN"))), answer["Name"])
