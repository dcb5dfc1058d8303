# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's section ``aws``: names, tags and roles of the resources that provisioning creates."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema_parts import (
    NAME,
    described,
    schema_map,
    schema_object,
)

ROLES = ("deploy", "host", "rotate", "respond", "verify")
_ROLE_NAME = {"type": "string", "pattern": r"^[A-Za-z0-9+=,.@_{}-]+$"}
"""A name that IAM accepts, with placeholders. It contains no line break, because workflows contain it."""
_NAMES = {"type": "array", "items": NAME}
AWS = schema_object(
    {
        "kms_key": described("Alias of the KMS key, alias/{application}-{environment} by default.", NAME),
        "owner": described("Value of the tag Owner, by default contacts.security or the application.", NAME),
        "tags": described("Additional tags of every resource that provisioning creates.", schema_map(NAME)),
        "recovery_days": described(
            "Days within which a deleted secret can be restored, 30 by default.",
            {"type": "integer", "minimum": 7, "maximum": 30},
        ),
        "replicas": described("Regions that hold replicas of the secrets.", _NAMES),
        "roles": described(
            "Names of the IAM roles, with {application} and {environment}.",
            schema_object(dict.fromkeys((*ROLES, "mirror"), _ROLE_NAME)),
        ),
        "host_principal": described("The principal that may assume the role host, ec2.amazonaws.com by default.", NAME),
        "operators": described(
            "ARNs of the users and roles that may assume the roles rotate, respond, mirror and verify.", _NAMES
        ),
        "readers": described(
            "ARNs of other principals that may read the secrets. Verify reports every other reader.", _NAMES
        ),
        "bucket": described("Name of the S3 bucket that the application's hosts may use, if there is one.", NAME),
    }
)
