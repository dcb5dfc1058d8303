# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Denies temporary AWS credentials that an intruder may have got with a leak. They outlive the leaked value.

A policy with a date denies them before new values are made, and again after each revocation of a credential that could
get new ones until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.module_utils._core import honeytokens, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.blast_radius import (
    ALL,
    GITHUB,
    HOST,
    READS_HOSTS,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import AWS_ACCESS_KEY
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import session_denial
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.account_reader import deniable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_findings import account_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.session_denial import IamIdentity
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.made_with_keys import MadeWithKey
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

DENY_SESSIONS = "leak_deny_sessions"
USED_BY_THIS_RUN, UNKNOWN = "this run uses it", "the catalog does not name the key's user (options.user)"
SECONDS = 8.0
"""Seconds for one call to IAM, because containment must not wait for it."""
DENIED, ABSENT = "denied", "absent"
_BEFORE = ", issued before "
Exposed = Mapping[IamIdentity, tuple[str, ...]]
"""Leaked credentials that can get temporary credentials, by user or role."""


@dataclass(frozen=True)
class LeakedAccess:
    """The part of a leak that leads to AWS."""

    impact: Mapping[str, Any]
    declared: Sequence[str] = ()
    compromised: Sequence[str] = ()


def exposed(catalog: Catalog, about: LeakedAccess) -> Exposed:
    """Only roles and users that the catalog names."""
    reached, declared = about.impact.get("credentials", ()), {*about.declared}
    keys = tuple(item["name"] for item in reached if item["kind"] in READS_HOSTS)
    roles = catalog.aws.roles if catalog.aws else {}
    result: dict[IamIdentity, tuple[str, ...]] = {}
    if roles and (keys or about.compromised or any(name == ALL or name.startswith(HOST) for name in declared)):
        result[session_denial.role(roles["host"])] = keys
    if roles and catalog.github and declared & {GITHUB, ALL}:
        result[session_denial.role(roles["deploy"])] = ()
    for name, user, arn_end in _users(catalog, reached):
        if user:
            result[session_denial.user(user)] = (name,)
        for role in _assumable(catalog, arn_end):
            result[role] = (*result.get(role, ()), name)
    return result


def unknown_users(catalog: Catalog, impact: Mapping[str, Any]) -> list[str]:
    """Access keys whose user the catalog does not name."""
    return [name for name, user, _arn_end in _users(catalog, impact.get("credentials", ())) if not user]


def _users(catalog: Catalog, reached: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Access keys with their user and the end of its ARN. A honeytoken's user has no rights."""
    honeytoken_users, result = honeytokens.users(catalog), []
    for name in (item["name"] for item in reached if item["kind"] == AWS_ACCESS_KEY):
        options = catalog.credentials[name].options if name in catalog.credentials else {}
        user = str(options.get("user") or "")
        if name not in honeytoken_users:
            result.append((name, user, f":user{options.get('user_path') or '/'}{user}"))
    return result


def _assumable(catalog: Catalog, arn_end: str) -> list[IamIdentity]:
    """Roles that the user may assume as an operator. CloudTrail shows later who else assumed them."""
    if catalog.aws is None or not any(arn.endswith(arn_end) for arn in catalog.aws.operators):
        return []
    kinds = ("rotate", "respond", "verify", *(["mirror"] if catalog.mirror else []))
    return [session_denial.role(catalog.aws.roles[kind]) for kind in kinds if kind in catalog.aws.roles]


def due(incident: Incident | None, principals: Exposed) -> list[IamIdentity]:
    """Principals that were not denied yet, or not since the revocation of a credential that exposes them."""
    events = incident.events if incident else {}
    return [principal for principal, through in principals.items() if _is_due(events, principal, through)]


def _is_due(events: Mapping[str, str], principal: IamIdentity, through: Sequence[str]) -> bool:
    denied = [at for event, at in events.items() if event.startswith(f"{DENIED}/{principal}{_BEFORE}")]
    is_late = not denied or max(denied) < _revoked(events, through)
    return is_late and f"{ABSENT}/{principal}" not in events


def _revoked(events: Mapping[str, str], through: Sequence[str]) -> str:
    """Time of the last revocation. Empty without one."""
    return max(
        (events.get(f"{event}/{name}", "") for name in through for event in ("refused", "confirmed")), default=""
    )


def denied_before(events: Iterable[str], principal: IamIdentity) -> str:
    """Date of the principal's policy, by AWS's clock. Empty without one."""
    start = f"{DENIED}/{principal}{_BEFORE}"
    return max((event.removeprefix(start) for event in events if event.startswith(start)), default="")


@dataclass(frozen=True)
class DenialPlan:
    denied: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Reasons by user, role or access key. Empty reasons if nobody asked for a denial."""


def plan_denials(
    setting: RotationSetup, incident: Incident, impact: Mapping[str, Any], args: Mapping[str, Any]
) -> DenialPlan:
    access = LeakedAccess(impact, incident.declared, args["compromised_hosts"])
    principals, denies = due(incident, exposed(setting.catalog, access)), args["deny_sessions"]
    own = own_principal(setting) if denies and principals else None
    denied = tuple(str(item) for item in principals if denies and item != own)
    reasons = {str(item): USED_BY_THIS_RUN if item == own else "" for item in principals if str(item) not in denied}
    return DenialPlan(denied, {**reasons, **dict.fromkeys(unknown_users(setting.catalog, impact), UNKNOWN)})


def own_principal(setting: RotationSetup) -> IamIdentity | None:
    """The run's own role or user, which it never denies. None if AWS does not answer; then ``deny`` denies nobody."""
    try:
        return session_denial.caller(setting.connection.bounded_client("sts", SECONDS)).principal
    except (SecretsError, AnsibleActionFail):
        return None


@dataclass
class DenialResult:
    events: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def deny(setting: RotationSetup, principals: Sequence[IamIdentity]) -> DenialResult:
    """Denies each principal's temporary credentials, except the run's own. Reports failures and continues."""
    result = DenialResult()
    if not principals:
        return result
    try:
        caller = session_denial.caller(setting.connection.bounded_client("sts", SECONDS))
        iam = setting.connection.bounded_client("iam", SECONDS)
    except (SecretsError, AnsibleActionFail) as error:
        result.problems.append(f"temporary credentials were not denied: {one_line(error)}")
        return result
    at = timestamps.stamp(caller.now)
    for principal in principals:
        if principal == caller.principal:
            continue
        try:
            session_denial.put(iam, principal, caller.now)
        except NotFound:
            result.events[f"{ABSENT}/{principal}"] = "it does not exist in IAM"
        except SecretsError as error:
            result.problems.append(f"temporary credentials of {principal} were not denied: {one_line(error)}")
        else:
            result.events[f"{DENIED}/{principal}{_BEFORE}{at}"] = session_denial.POLICY
            result.lines.append(f"temporary credentials of {principal} that were issued before {at} are denied")
    return result


@dataclass
class SettledSessions:
    """Acts without denied sessions, and lines on those."""

    made: list[MadeWithKey]
    lines: list[str] = field(default_factory=list)
    denial: DenialResult = field(default_factory=DenialResult)


def separate_denied(
    setting: RotationSetup, incident: Incident | None, acts: list[MadeWithKey], *, asked: bool
) -> SettledSessions:
    """Separates sessions that are denied, after denying more if ``asked``. CloudTrail shows those that the catalog
    cannot: anybody may assume a role by its trust policy."""
    sessions = [item for item in acts if item.made.kind == "session"]
    events = {*(incident.events if incident else ())}
    if not sessions or not (asked or any(event.startswith(f"{DENIED}/") for event in events)):
        return SettledSessions(acts)
    try:
        account = aws_errors.account_id(setting.connection.bounded_client("sts", SECONDS))
    except (SecretsError, AnsibleActionFail) as error:
        problem = f"whether temporary credentials are denied: {one_line(error)}"
        return SettledSessions(acts, denial=DenialResult(problems=[problem]))
    ours = {*deniable(setting.catalog)}
    holders = {item: holder for item in sessions if (holder := _holder(item, account)) in ours}

    def is_denied(item: MadeWithKey) -> bool:
        return item in holders and timestamps.stamp(item.at) < denied_before(events, holders[item])

    missing = dict.fromkeys(holders[item] for item in holders if not is_denied(item))
    result = SettledSessions(acts, denial=deny(setting, [*missing]) if asked else DenialResult())
    events |= {*result.denial.events}
    result.lines = [f"{item.made.name}, {item.when}: denied" for item in sessions if is_denied(item)]
    result.made = [item for item in acts if not is_denied(item)]
    return result


def _holder(session: MadeWithKey, account: str) -> IamIdentity | None:
    """The assumed role, or the user whose key got the session. None for another account."""
    assumed = session.made.name.partition(" of ")[2]
    arn = assumed if assumed.startswith("arn:") else session.who
    return session_denial.principal_of(arn) if account_of(arn) == account else None


def remaining(
    setting: RotationSetup, incident: Incident, about: LeakedAccess, *, asked: bool
) -> tuple[list[str], list[str]]:
    """Lines on temporary credentials that still work, with the command: those left to people, and those that the run
    failed to deny. An unrevoked credential is open itself."""
    now = rotation_context.now()
    at, principals = timestamps.stamp(now), exposed(setting.catalog, about)
    waiting = [item for item in due(incident, principals) if _may_be_left(incident, principals[item])]
    own = own_principal(setting) if asked and waiting else None
    others, failed = [], []
    for principal in waiting:
        command = session_denial.command(principal, now)
        line = (
            f"{principal}: if it is in use, an intruder may have temporary credentials that work until they expire. "
            f"Deny those that were issued before {at}: {command}"
        )
        if asked and principal != own:
            failed.append(f"{line}. Then run the same command again without -e {DENY_SESSIONS}=true")
        else:
            others.append(line)
    others += [
        f"{name}: temporary credentials that were issued with the leaked key before {at} work until they expire. "
        "Deny them for the key's user, see docs/runbooks/by-hand.md (An access key)"
        for name in unknown_users(setting.catalog, about.impact)
        if _may_be_left(incident, [name])
    ]
    return others, failed


def _may_be_left(incident: Incident, through: Sequence[str]) -> bool:
    return not through or bool(_revoked(incident.events, through))
