# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rights that lead to access: to grant it, open the key, or remove evidence. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED, row
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.account_inventory import OF_SERVICES
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import IamRequest, decide
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_findings import (
    FORMAL,
    account_of,
    statements,
    texts,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import iam_actions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_actions import EXAMPLE, GRANTS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_readers import (
    Document,
    Principal,
    allows,
    denying,
    few,
    is_named,
    opened,
    own_statements,
)

_CODE = "may run its own code with a role of the environment"
_ITSELF, _LIMITS = "may grant itself access", "may remove policies that limit it"
Way = tuple[str, tuple[str, ...], str]
"""Message, actions of which any one is enough, and ARN."""
Right = tuple[str, str, str]
"""Name, action and ARN. No ARN if the action is harmless without the others."""


@dataclass(frozen=True)
class Targets:
    """ARNs of an environment's resources, for which rights are judged."""

    secrets: tuple[str, ...] = ()
    changed_secrets: tuple[str, ...] = ()
    changed_parameters: tuple[str, ...] = ()
    """Secrets and parameters. Empty for roles that have a reason to change them."""
    keys: Mapping[str, Document | None] = field(default_factory=dict)
    """Key policies. None if unknown."""
    policies: Mapping[str, Document] = field(default_factory=dict)
    """Policies of secrets, buckets and objects."""
    context: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Condition keys, by ARN."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Keys, by alias."""
    trusts: Mapping[str, Document] = field(default_factory=dict)
    """Trust policies of roles that only named principals have a reason to assume."""
    roles: tuple[str, ...] = ()
    """Roles of the environment, operators and readers."""
    role_policies: tuple[str, ...] = ()
    running: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Programs with one of the roles, by service of :data:`iam_actions.RUNNING`."""
    providers: tuple[str, ...] = ()
    """Identity providers whose tokens the roles accept."""
    groups: tuple[str, ...] = ()
    """Replication groups of ElastiCache."""
    users: tuple[str, ...] = ()
    """Operators, readers, and users whose keys rotate."""
    log_groups: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    """Buckets of the audit log and the journal."""
    trails: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    """The objects. Empty for roles that have a reason to write them."""


def unnamed_rights(principals: Sequence[Principal], targets: Targets, named: Sequence[str]) -> list[dict[str, str]]:
    """A row for each unnamed principal that may take or give rights."""
    rows: list[dict[str, str]] = []
    for principal in principals:
        if is_named(principal, named):
            continue
        try:
            for message, denied in rights(principal, targets):
                rows.append({**row(FAIL, str(principal), message), "command": denying(principal, denied)})
        except PolicyError as error:
            rows.append(row(NOT_CHECKED, str(principal), str(error)))
        if principal.unread:
            rows.append(
                row(NOT_CHECKED, str(principal), f"IAM did not return the policy {', '.join(principal.unread)}")
            )
    return rows


def rights(principal: Principal, targets: Targets) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Messages by kind of right, with the actions by ARN to deny. Raises PolicyError."""
    results: dict[str, list[Right]] = {}
    judge = _Judge(principal, targets)
    for message, actions, arn in _ways(principal, targets):
        results.setdefault(message, []).extend((action, action, arn) for action in actions if judge.may(action, arn))
    combinations = (
        (_CODE, judge.started()),
        (_ITSELF, judge.taken()),
        ("may move the key's alias to another key", judge.moved()),
        ("may assume a role of the environment, of operators or of readers", judge.assumed()),
    )
    for message, combined in combinations:
        results.setdefault(message, []).extend(combined)
    for message, rights in results.items():
        denied: dict[str, list[str]] = {}
        for _name, action, arn in rights:
            if arn:
                denied.setdefault(arn.replace(EXAMPLE, "*"), []).append(action)
        if rights:
            yield f"{message} ({few([*dict.fromkeys(name for name, _action, _arn in rights)])})", denied


def _ways(principal: Principal, targets: Targets) -> Iterator[Way]:
    evidence = "may remove or overwrite the audit log, the journal or CloudTrail's"
    elsewhere, key = "may copy the audit log or the journal elsewhere", "may let others use the key"
    roles, code = "may change the roles' policies", "may change a program that runs with a role of the environment"
    other_users = [arn for arn in targets.users if arn != principal.arn]
    other_roles = [arn for arn in targets.roles if arn != principal.arn]
    table: tuple[tuple[str, tuple[str, ...], Sequence[str]], ...] = (
        *_own_ways(principal),
        ("may change the roles' trust policies", iam_actions.TRUSTS, targets.roles),
        ("may change the identity providers of the roles", iam_actions.PROVIDERS, targets.providers),
        (roles, iam_actions.OF_ROLES, other_roles),
        (roles, iam_actions.VERSIONS, targets.role_policies),
        ("may log in as another user", iam_actions.USERS, other_users),
        ("may change another user's policies", iam_actions.OF_USERS, other_users),
        ("may share the secrets", iam_actions.SHARES, targets.secrets),
        ("may change or copy the secrets", iam_actions.SECRETS, targets.changed_secrets),
        ("may change the parameters", iam_actions.PARAMETERS, targets.changed_parameters),
        (key, ("kms:PutKeyPolicy", "kms:CreateGrant", "kms:ReplicateKey"), [*targets.keys]),
        ("may disable or delete the key", ("kms:DisableKey", "kms:ScheduleKeyDeletion"), [*targets.keys]),
        ("may run commands on every instance", iam_actions.INSTANCES, targets.instances),
        ("may copy the disks of every instance", iam_actions.SNAPSHOTS, targets.snapshots),
        *((code, iam_actions.RUNNING[service], arns) for service, arns in targets.running.items()),
        ("may change the cache's password", ("elasticache:ModifyReplicationGroup",), targets.groups),
        (evidence, iam_actions.LOGS, targets.log_groups),
        (
            elsewhere,
            ("logs:PutSubscriptionFilter", "logs:PutAccountPolicy", "logs:CreateExportTask"),
            targets.log_groups,
        ),
        ("may give access by IAM Identity Center", iam_actions.IDENTITY_CENTER, [iam_actions.PERMISSION_SET]),
        (evidence, iam_actions.TRAILS, targets.trails),
        (evidence, iam_actions.BUCKETS, targets.buckets),
        (elsewhere, ("s3:PutReplicationConfiguration",), targets.buckets),
        (evidence, iam_actions.OBJECTS, targets.objects),
        (evidence, ("s3:PutObject",), targets.written),
    )
    for message, actions, arns in table:
        yield from ((message, actions, arn) for arn in arns)


def _own_ways(principal: Principal) -> Iterator[tuple[str, tuple[str, ...], Sequence[str]]]:
    """Ways to the principal's own policies, and past its limits."""
    group = f"{principal.arn.partition(':user/')[0]}:group/another"
    yield _ITSELF, iam_actions.OF_OWN[principal.kind], [principal.arn]
    yield _ITSELF, ("iam:AddUserToGroup",), [group] if principal.kind == "user" else []
    yield _ITSELF, iam_actions.OF_GROUPS, principal.groups
    yield _ITSELF, iam_actions.VERSIONS, principal.attached
    if principal.boundary_arn:
        yield _LIMITS, iam_actions.OF_BOUNDARY[principal.kind], [principal.arn]
        yield _LIMITS, iam_actions.VERSIONS, [principal.boundary_arn]
    if any(entry.get("Effect") == "Deny" for document in principal.policies for entry in statements(document)):
        yield _LIMITS, iam_actions.OF_DENIES[principal.kind], [principal.arn]
        yield _LIMITS, iam_actions.DENIES_OF_GROUPS, principal.groups


@dataclass(frozen=True)
class _Judge:
    principal: Principal
    targets: Targets

    def may(self, action: str, arn: str, context: Mapping[str, str] = MappingProxyType({})) -> bool:
        """Whether an action is allowed. A key's policy must allow it too, for the principal or for its account.

        Conditions on who asks, and how, count as met: whoever may ask at all can meet them some day.
        """
        key, who = self.targets.keys.get(arn), self.principal.arn
        own = own_statements(key or self.targets.policies.get(arn, {}), who)
        if not (own["Statement"] or self._named.fullmatch(action)):
            return False
        account = account_of(who) or ""
        by_key = {"kms:CallerAccount": account, "aws:PrincipalAccount": account, "aws:PrincipalArn": who}
        request = IamRequest(action, arn, by_key, {"AWS": who})
        if key is not None and not decide([opened(key, by_key, _says_who)], request):
            return False
        known = {**self.targets.context.get(arn, {}), **context}
        return allows(self.principal, (*self.principal.policies, own), action, arn, known, _says_who)

    @cached_property
    def _named(self) -> re.Pattern[str]:
        """Pattern of actions that some statement allows. Answers most requests at once."""
        patterns = [
            pattern
            for entry in allowing(self.principal)
            for pattern in texts("*" if "NotAction" in entry else entry.get("Action"))
        ]
        escaped = (re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in patterns)
        return re.compile("|".join(escaped) or r"(?!)", re.IGNORECASE)

    def started(self) -> Iterator[Right]:
        """Rights that together run a program with a role."""
        for service, actions in iam_actions.STARTS.items():
            passed_to = {"iam:PassedToService": f"{service}.amazonaws.com"}
            roles = [role for role in self.targets.roles if self.may("iam:PassRole", role, passed_to)]
            if roles:
                anything = ["*", *examples(self.principal, "")]
                started = [action for action in actions if any(self.may(action, arn) for arn in anything)]
                yield from (("iam:PassRole", "iam:PassRole", role) for role in roles if started)
                yield from ((action, action, "") for action in started)

    def taken(self) -> Iterator[Right]:
        """Rights that together give a session of another user or role, and access to it."""
        for kind, takes in iam_actions.TAKES.items():
            new = f"{self.principal.arn.rpartition(':')[0]}:{kind}/{EXAMPLE}"
            for arn in {new, *examples(self.principal, f":{kind}/")} - {self.principal.arn}:
                takes_by, grants_by = (
                    [action for action in actions if self.may(action, arn)]
                    for actions in (takes, iam_actions.OF_OWN[kind])
                )
                if takes_by and grants_by:
                    yield takes_by[0], takes_by[0], ""
                    yield from ((grants_by[0], action, f"{new.rpartition('/')[0]}/*") for action in grants_by)

    def moved(self) -> Iterator[Right]:
        """Rights that move an alias to another key."""
        for alias, key in self.targets.aliases.items():
            both = (action for action in iam_actions.ALIASES if self.may(action, alias) and self.may(action, key))
            yield from ((action, action, alias) for action in both)

    def assumed(self) -> Iterator[Right]:
        """Roles whose trust names the principal, or the account, which leaves it to the principal's policies."""
        for role, trust in self.targets.trusts.items():
            entries = [{**entry, "Resource": "*"} for entry in statements(trust)]
            who, known = {"AWS": self.principal.arn}, {"aws:PrincipalArn": self.principal.arn}
            known["aws:PrincipalAccount"] = account_of(self.principal.arn) or ""
            request = IamRequest(iam_actions.ASSUME, role, known, who)
            document = opened({"Statement": entries}, known, _says_who)
            if role != self.principal.arn and decide([document], request):
                own = own_statements(document, self.principal.arn)
                policies = (*self.principal.policies, own)
                if allows(self.principal, policies, iam_actions.ASSUME, role, {}, _says_who):
                    yield f"{iam_actions.ASSUME} {role.rpartition('/')[2]}", iam_actions.ASSUME, role


def allowing(principal: Principal) -> Iterator[Mapping[str, Any]]:
    """The principal's statements that allow."""
    for document in principal.policies:
        yield from (entry for entry in statements(document) if entry.get("Effect") == "Allow")


def examples(principal: Principal, part: str) -> Iterator[str]:
    """An example for each allowed pattern that contains ``part``."""
    for entry in allowing(principal):
        for pattern in texts(entry.get("Resource")):
            if part in pattern:
                yield example(pattern)


def example(pattern: str) -> str:
    return pattern.replace("*", EXAMPLE).replace("?", "x")


def _says_who(key: str, known: Set[str]) -> bool:
    return key not in known and FORMAL.fullmatch(key) is not None


def by_grants(key: str, arn: str, grants: Sequence[Mapping[str, Any]], named: Sequence[str]) -> list[dict[str, str]]:
    """A row for each grant of a key to a principal that is neither named nor an AWS service."""
    rows = []
    for grant in grants:
        who, operations = str(grant.get("GranteePrincipal", "")), sorted(GRANTS & {*grant.get("Operations", ())})
        is_own = account_of(who) == account_of(arn)
        known = {who, *([who.rpartition("/")[2]] if is_own and ":role/" in who else [])} & {*named}
        is_service = who.endswith(".amazonaws.com") or (is_own and OF_SERVICES in who)
        if operations and not known and not is_service:
            finding = row(FAIL, f"key {key}", f"grant {grant['GrantId']} lets {who} {', '.join(operations)}")
            rows.append({**finding, "command": f"aws kms revoke-grant --key-id {arn} --grant-id {grant['GrantId']}"})
    return rows
