# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's section ``mirror``: settings of Secrets Manager that are copied to Parameter Store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema_parts import (
    KMS_KEY_ARN,
    NAME,
    NUMBER,
    SWITCH,
    described,
    schema_map,
    schema_object,
)

ROLE_NAME = "{application}-{environment}-mirror"


@dataclass(frozen=True)
class MirrorFunction:
    schedule_minutes: int = 60
    alarm_hours: int = 6
    alarm_topic: Optional[str] = None
    xray: bool = False


@dataclass(frozen=True)
class Mirror:
    groups: Mapping[str, str] = field(default_factory=dict)
    """Path by group. The parser turns each into copies of settings."""
    deletes: int = 5
    replicas: bool = False
    replica_key: Optional[str] = None
    """ARN of a KMS key. None for AWS's own key."""
    function: Optional[MirrorFunction] = None


def parsed_mirror(raw: Optional[Mapping[str, Any]]) -> Optional[Mirror]:
    if raw is None:
        return None
    function = MirrorFunction(**raw["function"]) if "function" in raw else None
    return Mirror(**{**raw, "function": function})


MIRROR = schema_object(
    {
        "groups": described(
            "A path below stores.ssm.path for each group. Each setting of the group is copied to PATH/KEY.",
            schema_map(NAME),
        ),
        "deletes": described(
            "The most parameters that a run may delete, 5 by default. -e mirror_deletes overrides it.",
            {"type": "integer", "minimum": 0},
        ),
        "replicas": described("Whether the mirror also writes the parameters in the regions of aws.replicas.", SWITCH),
        "replica_key": described(
            "ARN of the KMS key in the regions of aws.replicas. By default AWS's own key.",
            KMS_KEY_ARN,
        ),
        "function": described(
            "A Lambda function that mirrors automatically. Provisioning creates it.",
            schema_object(
                {
                    "schedule_minutes": described(
                        "Minutes between two scheduled runs, 60 by default.",
                        NUMBER,
                    ),
                    "alarm_hours": described(
                        "Hours without a successful run after which the alarm fires, 6 by default, 24 at most.", NUMBER
                    ),
                    "alarm_topic": described(
                        "ARN of the SNS topic that gets the alarm. By default the topic of alerts.", NAME
                    ),
                    "xray": described("Whether AWS X-Ray traces the function, false by default.", SWITCH),
                }
            ),
        ),
    }
)
