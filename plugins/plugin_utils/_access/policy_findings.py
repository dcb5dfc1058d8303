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
"""Actions of these services that AWS lets nobody narrow to a resource."""
EVERYTHING = re.compile(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:(secret:|parameter/|key/)?[*?]+")
"""Resources that stand for all that a service has, or for every secret, parameter or key."""


def statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in listed(document.get("Statement")) if isinstance(one, Mapping)]


def texts(found: Any) -> list[str]:
    """One text or a list of them, as policies have them."""
    return [str(one) for one in listed(found)]


def wildcards(document: Mapping[str, Any]) -> Iterator[str]:
    """What an identity's policy allows by a wildcard that could be named."""
    for one in statements(document):
        if one.get("Effect") != "Allow":
            continue
        name = f"statement {one['Sid']}: " if one.get("Sid") else ""
        if "NotAction" in one:
            yield f"{name}allows everything but {', '.join(texts(one['NotAction']))}"
        if "NotResource" in one:
            yield f"{name}allows it on everything but {', '.join(texts(one['NotResource']))}"
        actions = texts(one.get("Action"))
        for action in actions:
            service, _colon, verb = action.partition(":")
            if action == "*" or (verb == "*" and service.lower() in CRITICAL):
                yield f"{name}allows {action}"
        if any(map(EVERYTHING.fullmatch, texts(one.get("Resource")))) and not one.get("Condition"):
            wide = [action for action in actions if _could_be_named(action)]
            if wide:
                yield f"{name}allows {', '.join(wide)} on every resource"


def _could_be_named(action: str) -> bool:
    service, _colon, verb = action.partition(":")
    # What is wide by its action was told of already.
    return service.lower() in CRITICAL and verb != "*" and not WITHOUT_ARN.fullmatch(action)


def outsiders(document: Mapping[str, Any], account: str | None) -> Iterator[str]:
    """Principals of other accounts, or everybody, that a trust or resource policy allows without a condition."""
    for one in statements(document):
        if one.get("Effect") != "Allow":
            continue
        name = f"statement {one['Sid']}: " if one.get("Sid") else ""
        for kind, principal in _principals(one):
            if kind == "Federated":
                words = _federated(principal, one.get("Condition") or {})
                if words:
                    yield name + words
            elif principal == "*":
                if not _is_narrowed(one.get("Condition") or {}, account):
                    yield f"{name}allows everybody"
            elif kind == "AWS":
                owner = account_of(principal)
                if account and owner and owner != account:
                    yield f"{name}allows account {owner} ({principal})"


def _principals(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    found = statement.get("Principal")
    if isinstance(found, Mapping):
        for kind, names in found.items():
            for name in texts(names):
                yield str(kind), name
    elif found is not None:
        yield "AWS", str(found)
    elif "NotPrincipal" in statement:
        yield "AWS", "*"


def account_of(principal: str) -> str | None:
    """The account in an ARN, or the account's own number."""
    found = re.fullmatch(r"(\d{12})|arn:[^:]*:[^:]*:[^:]*:(\d{12}):.*", principal)
    return (found[1] or found[2]) if found else None


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
    wide = [one for one in subjects if "*" in one or "?" in one]
    return f"allows more than one environment or branch by the subject {', '.join(wide)}" if wide else None
