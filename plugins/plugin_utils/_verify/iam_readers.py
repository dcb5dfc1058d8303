# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users and roles that may read an account's secrets, judged by IAM's account details. Pure.

Service control policies and session policies are not known, so AWS may refuse what this allows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED, Row, row
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.account_inventory import OF_SERVICES
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import (
    IamRequest,
    decide,
    listed,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_findings import account_of, statements
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import finding_command

SHOWN = 3
OF_IDENTITY_CENTER = ":role/aws-reserved/sso.amazonaws.com/"
"""Roles that only IAM Identity Center may change."""
Document = Mapping[str, Any]
IsOpen = Callable[[str, Set[str]], bool]
"""Whether a condition with this key, given the known keys, may be met for an Allow and unmet for a Deny."""


@dataclass(frozen=True)
class ProtectedItem:
    """A secret or parameter, with the policies that protect it besides the principal's own."""

    name: str
    arn: str
    actions: tuple[str, ...]
    """Any one of them returns the value."""
    policy: Document = field(default_factory=dict)
    """The secret's own policy."""
    key: str = ""
    """ARN of the customer's key that encrypts it."""
    key_policy: Document | None = None
    """None if unknown; then the principals' policies decide."""
    via: Mapping[str, str] = field(default_factory=dict)
    """Condition keys that the store sends to KMS."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Condition keys of the action itself."""


@dataclass(frozen=True)
class Principal:
    """A user or role, with all of its policies."""

    kind: str
    name: str
    arn: str
    policies: tuple[Document, ...] = ()
    boundary: Document | None = None
    unread: tuple[str, ...] = ()
    """ARNs of policies whose documents IAM did not return."""
    attached: tuple[str, ...] = ()
    """ARNs of managed policies."""
    groups: tuple[str, ...] = ()
    """ARNs."""
    boundary_arn: str = ""
    trust: Document = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def principals(details: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Principal]:
    """Principals from GetAccountAuthorizationDetails, with parsed documents."""
    managed = {
        policy["Arn"]: policy["Document"] for policy in details["policies"] if policy.get("Document") is not None
    }
    groups = {group["GroupName"]: group for group in details["groups"]}
    for kind, name_of, inline, entries in (
        ("user", "UserName", "UserPolicyList", details["users"]),
        ("role", "RoleName", "RolePolicyList", details["roles"]),
    ):
        for entry in entries:
            if entry.get("Path", "/").startswith(OF_SERVICES):
                continue
            holders = [(entry, inline)]
            holders += [(groups[name], "GroupPolicyList") for name in entry.get("GroupList", ()) if name in groups]
            documents = [policy["PolicyDocument"] for holder, own in holders for policy in holder.get(own, ())]
            attached = [policy["PolicyArn"] for holder, _own in holders for policy in holder["AttachedManagedPolicies"]]
            limit = (entry.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
            policy_arns = [*attached, *([limit] if limit else [])]
            yield Principal(
                kind,
                entry[name_of],
                entry["Arn"],
                (*documents, *(managed[arn] for arn in attached if arn in managed)),
                managed.get(limit) if limit else None,
                tuple(sorted(arn for arn in policy_arns if arn not in managed)),
                tuple(attached),
                tuple(groups[name].get("Arn", name) for name in entry.get("GroupList", ()) if name in groups),
                limit or "",
                entry.get("AssumeRolePolicyDocument") or {},
                {tag["Key"]: tag["Value"] for tag in entry.get("Tags", ())},
            )


def of_role(name: str, role: Mapping[str, Any]) -> Principal:
    """Principal from one role's details."""
    policies, attached = tuple(role["policies"].values()), tuple(role["attached"].values())
    return Principal("role", name, role["arn"], policies, attached=attached, trust=role["trust"])


def unnamed_readers(principals: Sequence[Principal], items: Sequence[ProtectedItem], named: Sequence[str]) -> list[Row]:
    """A row for each principal that may read an item and is not named, by name or ARN."""
    rows: list[Row] = []
    for principal in principals:
        if is_named(principal, named):
            continue
        for state, message, readable in _judged(principal, items):
            denied = {item.arn: item.actions for item in readable}
            rows.append({**row(state, str(principal), message), "command": denying(principal, denied)})
    return rows


def denying(principal: Principal, denied: Mapping[str, Sequence[str]]) -> str:
    """Command that denies these actions by ARN and nothing else: the principal may need its policies for other work."""
    otherwise = _shown(principal)
    if not denied or OF_IDENTITY_CENTER in principal.arn:
        return otherwise
    arns: dict[tuple[str, ...], list[str]] = {}
    for arn, actions in denied.items():
        arns.setdefault(tuple(actions), []).append(arn)
    entries = [{"Effect": "Deny", "Action": actions, "Resource": names} for actions, names in arns.items()]
    document = {"Version": "2012-10-17", "Statement": entries}
    name = f"verify-{hashlib.sha256(json.dumps(document).encode()).hexdigest()[:8]}"
    words = ["aws", "iam", f"put-{principal.kind}-policy", f"--{principal.kind}-name", principal.name]
    return finding_command.with_policy([*words, "--policy-name", name, "--policy-document"], document, otherwise)


def _shown(principal: Principal) -> str:
    """Command that shows all of its policies. A person decides which to change."""
    kind, name = principal.kind.title(), principal.name
    query = f"{kind}DetailList[?{kind}Name=='{name}']"
    command = ["aws", "iam", "get-account-authorization-details", "--filter", kind, "Group", "LocalManagedPolicy"]
    return finding_command.literal([*command, "--query", query])


def is_named(principal: Principal, named: Sequence[str]) -> bool:
    """Whether ``named`` has its ARN or, for a role, its name."""
    return principal.arn in named or (principal.kind == "role" and principal.name in named)


def _judged(principal: Principal, items: Sequence[ProtectedItem]) -> Iterator[tuple[str, str, Sequence[ProtectedItem]]]:
    if principal.unread:
        yield NOT_CHECKED, f"IAM did not return the policy {', '.join(principal.unread)}", ()
        return
    surely: list[ProtectedItem] = []
    perhaps: list[ProtectedItem] = []
    try:
        for item in items:
            if may_read(principal, item):
                surely.append(item)
            elif may_read(principal, item, loosely=True):
                perhaps.append(item)
    except PolicyError as error:
        yield NOT_CHECKED, str(error), ()
        return
    names = [item.name for item in surely or perhaps]
    if surely:
        yield FAIL, f"may read {few(names)}", surely
    elif perhaps:
        yield NOT_CHECKED, f"may read {few(names)} under conditions that this check cannot evaluate", perhaps


def few(names: Sequence[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def may_read(principal: Principal, item: ProtectedItem, *, loosely: bool = False) -> bool:
    """Whether an action and the key's use are allowed. ``loosely``: unknown conditions are open. Raises PolicyError."""
    policies: tuple[Document, ...] = (*principal.policies, own_statements(item.policy, principal.arn))
    is_open = _is_unknown if loosely else None
    allowed = any(allows(principal, policies, action, item.arn, item.context, is_open) for action in item.actions)
    if not allowed or not item.key:
        return allowed
    by_key = () if item.key_policy is None else (own_statements(item.key_policy, principal.arn),)
    return allows(principal, (*principal.policies, *by_key), "kms:Decrypt", item.key, item.via, is_open)


def allows(
    principal: Principal,
    policies: Sequence[Document],
    action: str,
    arn: str,
    extra: Mapping[str, str],
    is_open: IsOpen | None = None,
) -> bool:
    """Whether the policies and the principal's boundary allow an action. Raises PolicyError."""
    account = account_of(principal.arn) or ""
    context = {
        "aws:PrincipalArn": principal.arn,
        "aws:PrincipalAccount": account,
        "aws:ResourceAccount": account,
        "aws:RequestedRegion": (arn.split(":") + [""] * 4)[3] or "us-east-1",
        "aws:SecureTransport": "true",
        "aws:MultiFactorAuthPresent": "true",
        "iam:PolicyARN": f"{arn.rpartition('::')[0]}::aws:policy/AdministratorAccess",
        "kms:GrantIsForAWSResource": "false",
        "secretsmanager:SecretId": arn,
        "secretsmanager:VersionStage": "AWSCURRENT",
        **({"aws:username": principal.name} if principal.kind == "user" else {}),
        **{f"aws:PrincipalTag/{name}": value for name, value in principal.tags.items()},
        **extra,
    }
    request = IamRequest(action, arn, context, {"AWS": principal.arn})
    policy_sets = [policies] if principal.boundary is None else [policies, [principal.boundary]]
    return all(decide([opened(two, context, is_open) for two in group], request) for group in policy_sets)


def tags_of(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Condition keys for a secret's tags, if known. A key without a name says that no others exist."""
    names = {} if tags is None else {"": "", **tags}
    return {
        f"{service}:ResourceTag/{name}": value for name, value in names.items() for service in ("aws", "secretsmanager")
    }


def own_statements(document: Document, arn: str) -> Document:
    """Drops Allow statements for other principals. One for the account leaves the decision to identities' policies."""
    result = []
    for statement in statements(document):
        principal = statement.get("Principal")
        names = [str(who) for who in listed(principal.get("AWS"))] if isinstance(principal, Mapping) else []
        if statement.get("Effect") == "Allow" and principal != "*" and not {"*", arn} & set(names):
            continue
        result.append(statement)
    return {"Statement": result}


def opened(document: Document, known: Mapping[str, Any], is_open: IsOpen | None) -> Document:
    """Removes open conditions, and each Deny that has one."""
    if is_open is None:
        return document
    names = {name.lower() for name in known}
    results = []
    for statement in statements(document):
        condition = statement.get("Condition") or {}
        judged = {
            operator: {key: value for key, value in keys.items() if not is_open(key.lower(), names)}
            for operator, keys in condition.items()
        }
        if statement.get("Effect") != "Deny" or judged == condition:
            results.append({**statement, "Condition": judged})
    return {"Statement": results}


def _is_unknown(key: str, known: Set[str]) -> bool:
    return key not in known and f"{key.partition('/')[0]}/" not in known
