# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What policies of IAM and of secrets allow too widely, judged by their text alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import listed

CRITICAL = ("secretsmanager", "ssm", "kms", "iam", "sts", "s3")
"""Services whose actions concern secrets."""
WITHOUT_ARN = re.compile(
    r"secretsmanager:(batchgetsecretvalue|listsecrets|getrandompassword)|ssm:describeparameters|"
    r"kms:(listaliases|listkeys|createkey|generaterandom)|sts:getcalleridentity|iam:(list|getaccount|generate).*|"
    r"s3:listallmybuckets",
    re.IGNORECASE,
)
"""Actions of these services that AWS does not narrow to a resource."""
EVERYTHING = re.compile(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:(secret:|parameter/|key/)?[*?]+")
"""Resources that stand for all that a service has, or for every secret, parameter or key."""


def statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in listed(document.get("Statement")) if isinstance(entry, Mapping)]


def texts(value: Any) -> list[str]:
    """One text or a list of them, as policies have them."""
    return [str(item) for item in listed(value)]


def wildcards(document: Mapping[str, Any]) -> Iterator[str]:
    """What an identity's policy allows by a wildcard that could be named."""
    for statement in statements(document):
        if statement.get("Effect") != "Allow":
            continue
        name = f"statement {statement['Sid']}: " if statement.get("Sid") else ""
        if "NotAction" in statement:
            yield f"{name}allows everything but {', '.join(texts(statement['NotAction']))}"
        if "NotResource" in statement:
            yield f"{name}allows it on everything but {', '.join(texts(statement['NotResource']))}"
        actions = texts(statement.get("Action"))
        for action in actions:
            service, _colon, verb = action.partition(":")
            if action == "*" or (verb == "*" and service.lower() in CRITICAL):
                yield f"{name}allows {action}"
        if any(map(EVERYTHING.fullmatch, texts(statement.get("Resource")))) and not statement.get("Condition"):
            wide = [action for action in actions if _could_be_named(action)]
            if wide:
                yield f"{name}allows {', '.join(wide)} on every resource"


def _could_be_named(action: str) -> bool:
    service, _colon, verb = action.partition(":")
    # What is wide by its action is a finding already.
    return service.lower() in CRITICAL and verb != "*" and not WITHOUT_ARN.fullmatch(action)


def outsiders(document: Mapping[str, Any], account: str | None) -> Iterator[str]:
    """Principals of other accounts, or everybody, that a trust or resource policy allows without a condition."""
    for statement in statements(document):
        if statement.get("Effect") != "Allow":
            continue
        name = f"statement {statement['Sid']}: " if statement.get("Sid") else ""
        for kind, principal in _principals(statement):
            if kind == "Federated":
                message = _federated(principal, statement.get("Condition") or {})
                if message:
                    yield name + message
            elif principal == "*":
                if not _is_narrowed(statement.get("Condition") or {}, account):
                    yield f"{name}allows everybody"
            elif kind == "AWS":
                owner = account_of(principal)
                if account and owner and owner != account:
                    yield f"{name}allows account {owner} ({principal})"


def _principals(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    principals = statement.get("Principal")
    if isinstance(principals, Mapping):
        for kind, names in principals.items():
            for name in texts(names):
                yield str(kind), name
    elif principals is not None:
        yield "AWS", str(principals)
    elif "NotPrincipal" in statement:
        yield "AWS", "*"


def account_of(principal: str) -> str | None:
    """The account in an ARN, or the account's own number."""
    match = re.fullmatch(r"(\d{12})|arn:[^:]*:[^:]*:[^:]*:(\d{12}):.*", principal)
    return (match[1] or match[2]) if match else None


def _is_narrowed(condition: Mapping[str, Any], account: str | None) -> bool:
    for operator, keys in condition.items():
        if "not" in operator.lower() or not isinstance(keys, Mapping):
            continue
        for key, values in keys.items():
            named = [value for value in texts(values) if "*" not in value]
            own = account is None or all(account in value for value in named)
            if key.lower() in ("aws:principalaccount", "aws:sourceaccount", "aws:principalarn") and named and own:
                return True
            if key.lower() in ("aws:principalorgid", "aws:sourcearn") and named:
                return True
    return False


def _federated(provider: str, condition: Mapping[str, Any]) -> str | None:
    """An identity provider serves everybody who has an account there, so its subject must be named."""
    subjects = [
        value
        for operator, keys in condition.items()
        if isinstance(keys, Mapping) and "not" not in operator.lower()
        for key, values in keys.items()
        if key.lower().endswith(":sub")
        for value in texts(values)
    ]
    if not subjects:
        return f"allows everybody of {provider}: no condition names a subject"
    wide = [subject for subject in subjects if "*" in subject or "?" in subject]
    return f"allows more than one environment or branch by the subject {', '.join(wide)}" if wide else None
