# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets Manager and Parameter Store, over boto3 clients, with the calls that provisioning needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.provisioning_interfaces import (
    SECURE,
    ExistingEntry,
    ParameterMaking,
    SecretMaking,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager

DESCRIBED_AT_ONCE = 50
"""The most parameters in one filter of DescribeParameters."""


class MakingSecrets(SecretMaking, SecretsManager):
    def _kept(self, name: str) -> ExistingEntry:
        with aws_errors.translated("secretsmanager:DescribeSecret", f"secret {name}"):
            result = self._client.describe_secret(SecretId=name)
        form = Form(
            description=result.get("Description", ""),
            key=result.get("KmsKeyId"),
            tags={tag["Key"]: tag["Value"] for tag in result.get("Tags", [])},
            replicas=tuple(item["Region"] for item in result.get("ReplicationStatus", [])),
        )
        return ExistingEntry(name, form, deleted="DeletedDate" in result)

    def _update(self, name: str, description: str | None, key: str | None) -> None:
        parts = {"Description": description, "KmsKeyId": key}
        with aws_errors.translated("secretsmanager:UpdateSecret", f"secret {name}"):
            self._client.update_secret(SecretId=name, **{part: text for part, text in parts.items() if text})

    def _tag(self, name: str, tags: Mapping[str, str]) -> None:
        with aws_errors.translated("secretsmanager:TagResource", f"secret {name}"):
            self._client.tag_resource(SecretId=name, Tags=_tags(tags))

    def _replicate(self, name: str, regions: tuple[str, ...]) -> None:
        with aws_errors.translated("secretsmanager:ReplicateSecretToRegions", f"secret {name}"):
            self._client.replicate_secret_to_regions(
                SecretId=name, AddReplicaRegions=[{"Region": region} for region in regions]
            )

    def _schedule_deletion(self, name: str, days: int) -> None:
        with aws_errors.translated("secretsmanager:DeleteSecret", f"secret {name}"):
            self._client.delete_secret(SecretId=name, RecoveryWindowInDays=days)

    def _restore(self, name: str) -> None:
        with aws_errors.translated("secretsmanager:RestoreSecret", f"secret {name}"):
            self._client.restore_secret(SecretId=name)


class MakingParameters(ParameterMaking, ParameterStore):
    def kept(self, names: Sequence[str]) -> dict[str, ExistingEntry]:
        kept_values: dict[str, ExistingEntry] = {}
        paginator = self._client.get_paginator("describe_parameters")
        for start in range(0, len(names), DESCRIBED_AT_ONCE):
            batch = list(names[start : start + DESCRIBED_AT_ONCE])
            with aws_errors.translated("ssm:DescribeParameters", ", ".join(batch)):
                pages = paginator.paginate(ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": batch}])
                for item in pages.search("Parameters[]"):
                    form = Form(item.get("Description", ""), item.get("KeyId"), self._tags(item["Name"]))
                    kept_values[item["Name"]] = ExistingEntry(item["Name"], form)
        return kept_values

    def _tags(self, name: str) -> dict[str, str]:
        with aws_errors.translated("ssm:ListTagsForResource", f"parameter {name}"):
            answer = self._client.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
        return {tag["Key"]: tag["Value"] for tag in answer.get("TagList", [])}

    def _tag(self, name: str, tags: Mapping[str, str]) -> None:
        with aws_errors.translated("ssm:AddTagsToResource", f"parameter {name}"):
            self._client.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=_tags(tags))

    def _make(self, name: str, value: str, kind: str, form: Form, tier: str) -> None:
        extra: dict[str, Any] = {"Description": form.description, "Tags": _tags(form.tags)}
        extra["KeyId"] = form.key if kind == SECURE else None
        with aws_errors.translated("ssm:PutParameter", f"parameter {name}", carries=value):
            self._client.put_parameter(
                Name=name,
                Value=value,
                Type=kind,
                Tier=tier,
                Overwrite=False,
                **{key: option for key, option in extra.items() if option},
            )


def require_key(client: Any, alias: str) -> None:
    """Raises :class:`StoreError`, with the remedy, if the key does not exist or cannot be used."""
    try:
        with aws_errors.translated("kms:DescribeKey", alias):
            metadata = client.describe_key(KeyId=alias)["KeyMetadata"]
    except StoreError as error:
        if "NotFoundException" not in str(error):
            raise
        raise NotFound(
            f"the key {alias} does not exist. Create it by "
            "ansible-playbook watchparty.secrets.provision --tags access, or name "
            "another key in the catalog (aws.kms_key)"
        ) from None
    if (state := metadata["KeyState"]) != "Enabled":
        key = f"--key-id {metadata['KeyId']}"
        cancel = f"'aws kms cancel-key-deletion {key}', then " if state == "PendingDeletion" else ""
        raise StoreError(f"the key {alias} is {state}; run {cancel}'aws kms enable-key {key}'")


def _tags(tags: Mapping[str, str]) -> list[Mapping[str, str]]:
    return [{"Key": name, "Value": text} for name, text in sorted(tags.items())]
