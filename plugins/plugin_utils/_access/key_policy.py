# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The encryption key's own policy, derived from an environment's catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_size import VERSION


def env_context(catalog: Catalog) -> dict[str, str]:
    names = {"application": catalog.application, "environment": catalog.environment}
    return {f"kms:EncryptionContext:{name}": value for name, value in names.items()}


def key_policy(scope: AwsScope, catalog: Catalog) -> dict[str, Any]:
    """The policy of the encryption key. The account administers it, and IAM grants its use through the two stores only.

    So no principal, not even an administrator, can decrypt with the key directly without changing this policy first.
    The exception is a ``.env.enc``, if the catalog has one: its encryption context belongs to no value of a store. The
    policy allows no grants. A grant would bypass this policy, and neither store needs one.
    """
    root: Mapping[str, str] = {"AWS": scope.arn("iam", "root")}
    manage = (
        "CreateAlias",
        "Describe*",
        "Enable*",
        "List*",
        "Put*",
        "Update*",
        "Revoke*",
        "Disable*",
        "Get*",
        "Delete*",
    )
    additions = ("TagResource", "UntagResource", "ScheduleKeyDeletion", "CancelKeyDeletion", "RotateKeyOnDemand")
    use = ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
    services = [scope.via("secretsmanager"), scope.via("ssm")]
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "Administration",
                "Effect": "Allow",
                "Principal": dict(root),
                "Action": [f"kms:{name}" for name in (*manage, *additions)],
                "Resource": "*",
            },
            {
                "Sid": "UseThroughStores",
                "Effect": "Allow",
                "Principal": dict(root),
                "Action": [f"kms:{name}" for name in use],
                "Resource": "*",
                "Condition": {"StringEquals": {"kms:ViaService": services}},
            },
            *([_env_statement(dict(root), catalog)] if catalog.encrypted_env else []),
        ],
    }


def _env_statement(root: Mapping[str, str], catalog: Catalog) -> dict[str, Any]:
    return {
        "Sid": "UseForEnvEnc",
        "Effect": "Allow",
        "Principal": root,
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {"StringEquals": env_context(catalog)},
    }
