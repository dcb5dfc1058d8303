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
    of GuardDuty's findings, AWS Health's exposed credentials, calls with a honeytoken that CloudTrail recorded, and
    used honeytokens that C(watchparty.secrets.verify) found, as C(ansible.eda.aws_sqs_queue) does.
  - The event that goes on has the key C(leak_alert) and no other. Whatever else was in it, such as the secret itself, a
    header or a signature, reaches no rule, no playbook and no log.
  - C(leak_alert.names) has a list for each thing that the alert tells of, since AWS Health names several keys in one.
    One whose name is not a plain word has only the names of its sort, so that nothing is passed over.
    In it are the names by which the operator's own map may know it, the narrowest first, C(aws/USER_NAME),
    C(aws/ACCESS_KEY_ID), C(honeytoken/CREDENTIAL), C(github/SECRET_TYPE), and C(github/*) or C(aws/*) for any other.
    What is declared as leaked stands in that map, so that nobody who can send an alert chooses it.
  - Of GuardDuty's attack sequences these are the credentials that its actors used, and the access keys among its
    resources. One that is about credentials and names none starts a response that knows nothing, which fails.
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
CLOUDTRAIL = "aws.cloudtrail"
CALLS = ("AWS API Call via CloudTrail", "AWS Console Sign In via CloudTrail")
OURS, VERIFIED = "watchparty.secrets", "verification.failed"
SEQUENCES = ("AttackSequence:IAM/", "AttackSequence:S3/")
"""Attack sequences that are about credentials, whatever they name."""
_KEY_ID = re.compile(r"A[KS]IA[A-Z0-9]{12,}")
"""AWS's prefixes of an access key's id, as IAM's documentation of unique identifiers has them."""
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
    if not kind or "location" in payload:  # one more place of an alert that came before
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
    if (source, body.get("detail-type")) == (OURS, VERIFIED):
        used = [[name] for name in map(_word, _listed(detail.get("credentials"))) if name]
        return Alert("honeytoken", "used", used, _word(detail.get("application")), starts=True) if used else None
    if body.get("detail-type") in CALLS:
        return _call(_mapping(detail.get("userIdentity")))
    if source == HEALTH and detail.get("eventTypeCode") in EXPOSED:
        values = [_word(_mapping(one).get("entityValue")) for one in _listed(detail.get("affectedEntities"))]
        about = [[value] if value else [] for value in dict.fromkeys(values)] or [[]]
        reference = _word(detail.get("eventArn")) or _word(body.get("id"))
        return Alert(HEALTH, str(detail["eventTypeCode"]), about, reference, detail.get("statusCode") != "closed")
    return None


def _call(identity: Mapping[str, Any]) -> Alert | None:
    """A call by an IAM user, which the operator's rule passes on for honeytokens alone. Its later calls are no news."""
    user = _word(identity.get("userName"))
    about = [[name for name in (user, _word(identity.get("accessKeyId"))) if name]]
    return Alert(CLOUDTRAIL, "honeytoken", about, user, starts=True) if user else None


def _guardduty(detail: Mapping[str, Any], least: float) -> Alert | None:
    service, kind = _mapping(detail.get("service")), _word(detail.get("type"))
    keys = _mapping(_mapping(detail.get("resource")).get("accessKeyDetails"))
    about = [[_word(keys.get("userName")), _word(keys.get("accessKeyId"))]] if keys else []
    about = about or _sequence(_mapping(_mapping(service.get("detection")).get("sequence")))
    about = about or ([[]] if kind.startswith(SEQUENCES) else [])
    if not kind or not about:
        return None
    severity = detail.get("severity")
    grave = float(severity) if isinstance(severity, (int, float)) else 0.0
    return Alert(
        source=GUARDDUTY,
        kind=kind,
        about=about,
        reference=_word(detail.get("id")),
        starts=grave >= least and service.get("archived") is not True,
        severity=grave,
    )


def _sequence(sequence: Mapping[str, Any]) -> list[list[str]]:
    """An attack sequence's credentials: user and key. The fields are those of the SDK's service model (guardduty
    2017-11-28: Sequence, Actor, User, ResourceV2, AccessKey), where no access key has an id but the resource itself."""
    users = [_mapping(_mapping(one).get("user")) for one in _listed(sequence.get("actors"))]
    found = [[_word(user.get("name")), _word(user.get("credentialUid"))] for user in users]
    for resource in map(_mapping, _listed(sequence.get("resources"))):
        if resource.get("resourceType") == "ACCESS_KEY":
            user = _word(_mapping(_mapping(resource.get("data")).get("accessKey")).get("userName"))
            uid = _word(resource.get("uid"))
            found.append([user, uid if _KEY_ID.fullmatch(uid) or not user else ""])
    reported: list[list[str]] = []
    for names in ([name for name in one if name] for one in found):
        if names and not any(set(names) <= set(other) for other in reported):
            reported.append(names)
    return reported


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _word(found: Any) -> str:
    """A name as it may be shown and compared; anything else is nothing."""
    return found if isinstance(found, str) and _WORD.fullmatch(found) else ""
