# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The users, roles, policies, keys and grants of an AWS account as entries of a baseline: names and digests. Pure.

Access keys in the stores are left out, because rotations change them. Roles, policies and the encryption key are
explained if they are as the catalog makes them, because provisioning changes them.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import honeytokens, server_baseline, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import DIGITS, Entry, Key
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import drift
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKey
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_findings import allowed, statements
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.secret_metadata import LEAKED_VERSIONS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.session_denial import IamIdentity, is_denial

ACCESS_KEY, PASSWORD = "access key", "console password"
POLICIES, FUNCTION = "policy of secret", "rotation function of secret"
KEY_POLICY, GRANT = "policy of key", "grant"
IAM_KINDS = ("user", "group", "role", "membership", "inline policy", "attached policy")
OF_SERVICES = "/aws-service-role/"
"""The path of service-linked roles, which only AWS can assume, and whose policies only AWS can change."""
Document = Mapping[str, Any]


@dataclass(frozen=True)
class AccountFacts:
    details: Mapping[str, Sequence[Mapping[str, Any]]]
    """Users, groups, roles and policies, with parsed documents."""
    keys: Mapping[str, Sequence[AccessKey]] = field(default_factory=dict)
    """Access keys by user."""
    passwords: Mapping[str, datetime] = field(default_factory=dict)
    """The creation time of each user's console password."""
    secrets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Resource policies of secrets."""
    kms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """KMS keys with their policies and grants."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """The reason why a kind of entry could not be read, by kind."""


@dataclass(frozen=True)
class KnownKeys:
    """Access keys that the stores hold, or that the journal names."""

    ids: frozenset[str] = frozenset()
    users: Mapping[str, datetime] = field(default_factory=dict)
    """Users with a rotation whose new key no version names yet, and the earliest creation time of that key."""

    def has(self, user: str, key: AccessKey) -> bool:
        return key.id in self.ids or (user in self.users and key.created >= self.users[user])


@dataclass(frozen=True)
class Declared:
    """The parts of an account that the catalog and its rotations explain."""

    keys: KnownKeys = field(default_factory=KnownKeys)
    trusts: Mapping[str, Document] = field(default_factory=dict)
    """Trust policies by role."""
    attached: Mapping[tuple[str, str], Document] = field(default_factory=dict)
    """Documents by role and ARN of the policy."""
    key_policies: Mapping[str, Document] = field(default_factory=dict)
    """Policies by ARN of the key."""
    honeytoken_users: frozenset[str] = frozenset()
    """The users of honeytokens."""
    deniable: frozenset[IamIdentity] = frozenset()
    """Roles and users whose temporary credentials a leak response may deny."""


def inventory(account: AccountFacts, declared: Declared) -> dict[str, Any]:
    """The entries of the account, and the explained ones among them. ``unread`` has the reasons for unread kinds."""
    kinds = {*IAM_KINDS, ACCESS_KEY, PASSWORD, POLICIES, FUNCTION, KEY_POLICY, GRANT} - {*account.unread}
    readers = (_identities, _policies, _logins, _secrets, _keys)
    entries = [entry for reader in readers for entry in reader(account, declared) if entry["kind"] in kinds]
    explained = [list(key) for key in _as_declared(account, declared)]
    unread = dict(account.unread)
    return {"kinds": sorted(kinds), "entries": entries, "problems": [], "explained": explained, "unread": unread}


def _as_declared(account: AccountFacts, declared: Declared) -> Iterator[Key]:
    """Kind and name of each entry that is as the catalog makes it."""
    managed = _managed(account)
    for role in account.details["roles"]:
        name, attached = str(role["RoleName"]), role.get("AttachedManagedPolicies", ())
        trust = role.get("AssumeRolePolicyDocument")
        if not role.get("PermissionsBoundary") and _is_as(declared.trusts.get(name), trust):
            yield "role", name
        for arn in (policy["PolicyArn"] for policy in attached):
            if _is_as(declared.attached.get((name, arn)), managed.get(arn)):
                yield "attached policy", f"{arn} of role {name}"
    for user in account.details["users"]:
        name, policies = str(user["UserName"]), user.get("UserPolicyList", ())
        if name in declared.honeytoken_users and [policy["PolicyDocument"] for policy in policies] == [
            honeytokens.DENIED
        ]:
            yield "user", name
            yield "inline policy", f"{honeytokens.POLICY} of user {name}"
    for key in account.kms.values():
        if "arn" in key and _is_as(declared.key_policies.get(key["arn"]), key.get("policy")):
            yield KEY_POLICY, key["arn"]


def _managed(account: AccountFacts) -> dict[str, Document | None]:
    return {policy["Arn"]: policy["Document"] for policy in account.details["policies"]}


def _holders(account: AccountFacts) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Kind and name of each user, group and role, except service-linked roles."""
    for kind, key in (("user", "UserName"), ("group", "GroupName"), ("role", "RoleName")):
        for holder in account.details[f"{kind}s"]:
            if not str(holder.get("Path", "/")).startswith(OF_SERVICES):
                yield kind, str(holder[key]), holder


def _identities(account: AccountFacts, _declared: Declared) -> Iterator[Entry]:
    managed = _managed(account)
    for kind, name, holder in _holders(account):
        trust = holder.get("AssumeRolePolicyDocument") or {}
        boundary = (holder.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
        facts = [f"created {_stamp(holder['CreateDate'])}" if "CreateDate" in holder else ""]
        facts += [f"boundary {boundary} {digest(managed.get(boundary))}" if boundary else "", _trusted(trust)]
        undo = shlex.join(["aws", "iam", f"delete-{kind}", f"--{kind}-name", name])
        yield server_baseline.entry_of(kind, name, ", ".join(filter(None, facts)), undo)
        for group in holder.get("GroupList", ()):
            undo = shlex.join(["aws", "iam", "remove-user-from-group", "--user-name", name, "--group-name", group])
            yield server_baseline.entry_of("membership", f"of user {name} in group {group}", "", undo)


def _policies(account: AccountFacts, declared: Declared) -> Iterator[Entry]:
    managed = _managed(account)
    for kind, name, holder in _holders(account):
        for policy in holder.get(f"{kind.capitalize()}PolicyList", ()):
            inline, document = str(policy["PolicyName"]), policy["PolicyDocument"]
            if IamIdentity(kind, name) in declared.deniable and is_denial(inline, document):
                continue
            undo = _removal("delete", kind, name, "--policy-name", inline)
            label = f"{inline} of {kind} {name}"
            yield server_baseline.entry_of("inline policy", label, digest(document), undo)
        for policy in holder.get("AttachedManagedPolicies", ()):
            arn = str(policy["PolicyArn"])
            document = managed.get(arn)
            undo = _removal("detach", kind, name, "--policy-arn", arn)
            # AWS changes its own policies.
            facts = "" if ":iam::aws:policy/" in arn or document is None else digest(document)
            yield server_baseline.entry_of("attached policy", f"{arn} of {kind} {name}", facts, undo)


def _logins(account: AccountFacts, declared: Declared) -> Iterator[Entry]:
    for user, keys in account.keys.items():
        for key in keys:
            if key.active and not declared.keys.has(user, key):
                off = ["aws", "iam", "update-access-key", "--status", "Inactive"]
                undo = shlex.join([*off, "--access-key-id", key.id, "--user-name", user])
                facts = f"created {_stamp(key.created)}"
                yield server_baseline.entry_of(ACCESS_KEY, f"{key.id} of user {user}", facts, undo)
    for user, at in account.passwords.items():
        undo = shlex.join(["aws", "iam", "delete-login-profile", "--user-name", user])
        yield server_baseline.entry_of(PASSWORD, f"of user {user}", f"created {_stamp(at)}", undo)


def _secrets(account: AccountFacts, _declared: Declared) -> Iterator[Entry]:
    for name, policy in account.policies.items():
        document = policy.get("document") or {}
        others = [entry for entry in statements(document) if not _denies_leaked(entry)]
        if others:
            undo = shlex.join(["aws", "secretsmanager", "delete-resource-policy", "--secret-id", name])
            yield server_baseline.entry_of(POLICIES, name, digest(others), undo)
    for name, secret in account.secrets.items():
        if secret.get("rotation_function"):
            undo = shlex.join(["aws", "secretsmanager", "cancel-rotate-secret", "--secret-id", name])
            yield server_baseline.entry_of(FUNCTION, name, secret["rotation_function"], undo)


def _denies_leaked(statement: Mapping[str, Any]) -> bool:
    """Whether a leak response made the statement. It only denies; another effect with this name is not its work."""
    return statement.get("Sid") == LEAKED_VERSIONS and statement.get("Effect") == "Deny"


def _keys(account: AccountFacts, _declared: Declared) -> Iterator[Entry]:
    for arn, key in {key["arn"]: key for key in account.kms.values() if "policy" in key}.items():
        yield server_baseline.entry_of(KEY_POLICY, arn, digest(key["policy"]), "")
        for grant in key["grants"]:
            who = str(grant.get("GranteePrincipal", ""))
            if who.endswith(".amazonaws.com") or OF_SERVICES in who:
                continue
            undo = shlex.join(["aws", "kms", "revoke-grant", "--key-id", arn, "--grant-id", str(grant["GrantId"])])
            facts = f"lets {who} {', '.join(sorted(grant.get('Operations', ())))}"
            yield server_baseline.entry_of(GRANT, f"{grant['GrantId']} of key {arn}", facts, undo)


def _is_as(wanted: Document | None, present: Document | None) -> bool:
    return wanted is not None and present is not None and not any(drift.differences(wanted, present))


def _trusted(trust: Document) -> str:
    if not trust:
        return ""
    names = sorted({principal for _statement, _kind, principal, _condition in allowed(trust)})
    return f"trust {digest(trust)} of {', '.join(names)}"


def _removal(verb: str, kind: str, name: str, option: str, policy: str) -> str:
    return shlex.join(["aws", "iam", f"{verb}-{kind}-policy", f"--{kind}-name", name, option, policy])


def digest(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:DIGITS]


def _stamp(at: Any) -> str:
    return timestamps.stamp(at) if isinstance(at, datetime) else str(at)
