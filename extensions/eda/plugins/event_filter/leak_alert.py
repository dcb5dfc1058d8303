# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps of an alert what a leak response needs, by name, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

DOCUMENTATION = r"""
---
short_description: Turn an alert of a leak into the words of a leak response.
description:
  - Takes GitHub's C(secret_scanning_alert) webhook, as C(ansible.eda.webhook) hands it over, and what EventBridge sends
    of GuardDuty's findings and AWS Health's exposed credentials, as C(ansible.eda.aws_sqs_queue) does.
  - The event that goes on has the key C(leak_alert) and no other. Whatever else was in it, such as the secret itself, a
    header or a signature, reaches no rule, no playbook and no log.
  - C(leak_alert.names) has a list for each thing that the alert tells of, since AWS Health names several keys in one.
    In it are the names by which the operator's own map may know it, the narrowest first, C(aws/USER_NAME),
    C(aws/ACCESS_KEY_ID), C(github/SECRET_TYPE), and C(github/*) or C(aws/*) for any other. What is declared as leaked
    stands in that map, so that nobody who can send an alert chooses it.
  - C(leak_alert.about) tells alerts of the same reference apart, such as one that AWS has added a key to.
  - ansible-rulebook fills in no variables in a filter's options, so the map is applied in the rule.
options:
  min_severity:
    description: GuardDuty's severity from which a finding starts anything, 0 to 10.
    type: float
    default: 7
"""

EXAMPLES = r"""
- watchparty.secrets.leak_alert:
    min_severity: 4
"""

BEGINNINGS = ("created", "reopened", "publicly_leaked")
"""What GitHub says of an alert that somebody must act on."""
GUARDDUTY, HEALTH = "aws.guardduty", "aws.health"
EXPOSED = (
    "AWS_RISK_CREDENTIALS_EXPOSED",
    "AWS_RISK_CREDENTIALS_COMPROMISED",
    "AWS_RISK_CREDENTIALS_EXPOSURE_SUSPECTED",
)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@#:+=-]{0,199}")


class Alert(NamedTuple):
    """One alert, by names that are plain words."""

    source: str
    kind: str
    """What sort of secret, or finding, it is."""
    about: list[list[str]]
    """Of each thing that it tells of, the names by which the operator's map may know it."""
    reference: str
    """Where to look it up; the same for the same alert."""
    starts: bool
    """Whether it is new and grave enough."""
    severity: float = 10.0


def main(event: dict[str, Any], min_severity: float = 7) -> dict[str, Any]:
    """The event that goes on."""
    found = _github(event) or _aws(_mapping(event.get("body")), float(min_severity))
    if found is None:
        return {"leak_alert": {"source": "unknown", "starts": False, "names": []}}
    source = found.source.partition(".")[0]
    names = [[f"{source}/{name}" for name in (*one, found.kind, "*") if name] for one in found.about]
    about = " ".join(name for one in found.about for name in one)
    return {"leak_alert": {**found._asdict(), "names": names, "about": about}}


def _github(event: Mapping[str, Any]) -> Alert | None:
    payload = _mapping(event.get("payload"))
    alert = _mapping(payload.get("alert"))
    kind = _word(alert.get("secret_type"))
    if not kind or "location" in payload:  # one more place of an alert that was told before
        return None
    repository = _word(_mapping(payload.get("repository")).get("full_name"))
    number = alert.get("number")
    return Alert(
        source="github",
        kind=kind,
        about=[[]],
        reference="%s#%s" % (repository, number if isinstance(number, int) else ""),
        starts=payload.get("action") in BEGINNINGS,
    )


def _aws(body: Mapping[str, Any], least: float) -> Alert | None:
    detail, source = _mapping(body.get("detail")), body.get("source")
    if source == GUARDDUTY:
        return _guardduty(detail, least)
    if source == HEALTH and detail.get("eventTypeCode") in EXPOSED:
        entities = detail.get("affectedEntities")
        values = [_word(_mapping(one).get("entityValue")) for one in entities] if isinstance(entities, list) else []
        about = [[value] for value in values if value] or [[]]
        reference = _word(detail.get("eventArn")) or _word(body.get("id"))
        return Alert(HEALTH, str(detail["eventTypeCode"]), about, reference, detail.get("statusCode") != "closed")
    return None


def _guardduty(detail: Mapping[str, Any], least: float) -> Alert | None:
    resource = _mapping(detail.get("resource"))
    keys = _mapping(resource.get("accessKeyDetails"))
    kind = _word(detail.get("type"))
    if not kind or not keys:
        return None
    severity = detail.get("severity")
    grave = float(severity) if isinstance(severity, (int, float)) else 0.0
    archived = _mapping(detail.get("service")).get("archived") is True
    about = [[_word(keys.get("userName")), _word(keys.get("accessKeyId"))]]
    return Alert(GUARDDUTY, kind, about, _word(detail.get("id")), grave >= least and not archived, grave)


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _word(found: Any) -> str:
    """A name as it may be shown and compared; anything else is nothing."""
    return found if isinstance(found, str) and _WORD.fullmatch(found) else ""
