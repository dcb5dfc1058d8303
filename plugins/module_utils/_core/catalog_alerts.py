# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's section ``alerts``, and the names of the events."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema_parts import (
    described,
    schema_object,
)

ROTATION_STARTED = "rotation.started"
ROTATION_COMPLETED = "rotation.completed"
ROTATION_FAILED = "rotation.failed"
LEAK_DECLARED = "leak.declared"
LEAK_CONTAINED = "leak.contained"
LEAK_OPEN = "leak.open"
LEAK_DRILLED = "leak.drilled"
VERIFICATION_FAILED = "verification.failed"
DIGEST = "report.digest"
EVENTS = (
    ROTATION_STARTED,
    ROTATION_COMPLETED,
    ROTATION_FAILED,
    LEAK_DECLARED,
    LEAK_CONTAINED,
    LEAK_OPEN,
    LEAK_DRILLED,
    VERIFICATION_FAILED,
    DIGEST,
)
DEFAULT_TOPIC = "{application}-{environment}-secrets"
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,200}")
"""Shorter than SNS allows, because the names of alarms begin with the topic's name."""


@dataclass(frozen=True)
class Alerts:
    topic: str
    """Name of the SNS topic."""
    warn_days: Tuple[int, ...] = (14, 3)
    """Days before a credential is due. Each number has an alarm."""
    silent_hours: int = 26
    """Hours without a report after which every alarm fires."""
    verification_hours: int = 0
    """Hours without a passed verification after which its alarms fire. 0 for no such alarm."""
    emails: Tuple[str, ...] = ()
    event_bus: str = "default"


def problems(topic: str) -> Iterator[str]:
    if not TOPIC.fullmatch(topic):
        yield (
            f"alerts.topic: {topic!r} may have letters, digits, - and _ only, up to 200; write for example app-secrets"
        )


def parsed_alerts(raw: Mapping[str, Any], topic: str) -> Alerts:
    lists = {key: tuple(raw[key]) for key in ("warn_days", "emails") if key in raw}
    return Alerts(**{**raw, **lists, "topic": topic})


_DAYS = {"type": "integer", "minimum": 0, "maximum": 3650}
_HOURS = {"type": "integer", "minimum": 2, "maximum": 168}
"""Seven days at most, as far as CloudWatch looks back."""
ADDRESS = {"type": "string", "pattern": r"^[^@\s<>,]+@[^@\s<>,]+$"}
ALERTS = schema_object(
    {
        "warn_days": described(
            "An alarm fires this many days before a credential is due. By default 14 and 3.",
            {"type": "array", "items": _DAYS, "minItems": 1},
        ),
        "silent_hours": described(
            "After this many hours without metrics of a report, every alarm fires, except those about verifications. "
            "By default 26.",
            _HOURS,
        ),
        "verification_hours": described(
            "Hours after which alarms fire if no verification passed. By default, no alarm watches verifications.",
            _HOURS,
        ),
        "topic": described(f"Name of the SNS topic, {DEFAULT_TOPIC} by default.", {"type": "string"}),
        "emails": described(
            "Mail addresses that get the topic's messages. Each must first confirm a mail of AWS.",
            {"type": "array", "items": ADDRESS},
        ),
        "event_bus": described(
            "Name of the event bus in EventBridge. By default, the bus with the name default.",
            {"type": "string", "pattern": r"^[A-Za-z0-9._/-]{1,256}$"},
        ),
    }
)
