# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings about policies of IAM and of resources that allow too much, judged by their text alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import listed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.trust_policies import (
    AUDIENCE,
    LAMBDA,
    is_for_any_account,
)

CRITICAL = ("secretsmanager", "ssm", "kms", "iam", "sts", "s3")
"""Services whose actions concern secrets."""
WITHOUT_ARN = re.compile(
    r"secretsmanager:(batchgetsecretvalue|listsecrets|getrandompassword)|ssm:describeparameters|"
    r"kms:(listaliases|listkeys|createkey|generaterandom)|sts:getcalleridentity|iam:(list|getaccount|generate).*|"
    r"s3:listallmybuckets",
    re.IGNORECASE,
)
"""Actions of these services that AWS cannot limit to a resource."""
EVERYTHING = re.compile(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:(secret:|parameter/|key/)?[*?/]+")
"""Patterns for all resources of a service, or for every secret, parameter, key or object."""
FORMAL = re.compile(
    r"aws:(securetransport|currenttime|epochtime|tokenissuetime|useragent|referer|requestedregion|sourceip|"
    r"sourcevpce?\w*|vpcsourceip|ec2instancesource\w+|sourceidentity|federatedprovider|userid|username|calledvia\w*|"
    r"multifactorauth\w+|principal[\w/.:=+@-]+|resourceaccount|viaawsservice)|iam:associatedresourcearn"
)
"""Condition keys about the requester and the request. They do not limit the resource."""
_SUBJECT = re.compile(r"repo:([^:]+):(.+)", re.DOTALL)


def statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in listed(document.get("Statement")) if isinstance(entry, Mapping)]


def texts(value: Any) -> list[str]:
    """The texts of an element that may hold one text or a list."""
    return [str(item) for item in listed(value)]


def wildcards(document: Mapping[str, Any]) -> Iterator[str]:
    """Grants of an identity policy by wildcard or exclusion, not by name."""
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
            if (
                action == "*"
                or verb == "*"
                or (service.lower() == "iam" and re.search(r"[*?]", verb) and not _reads(verb))
            ):
                yield f"{name}allows {action}"
        if any(map(EVERYTHING.fullmatch, texts(statement.get("Resource")))) and not _narrows_resource(statement):
            wide = [action for action in actions if _could_be_named(action)]
            if wide:
                yield f"{name}allows {', '.join(wide)} on every resource"


def _reads(verb: str) -> bool:
    return verb.lower().startswith(("get", "list", "generate", "simulate"))


def _could_be_named(action: str) -> bool:
    service, _colon, verb = action.partition(":")
    # An action with a wildcard is a finding already.
    return service.lower() in CRITICAL and verb != "*" and not WITHOUT_ARN.fullmatch(action)


def demanded(condition: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Condition keys in lower case, each with the values of which a request must have one.

    These demand nothing: ``Null``, operators that a request without the key passes (``…IfExists``, ``ForAllValues``),
    negated operators, and a value of wildcards alone.
    """
    for operator, keys in condition.items():
        if re.search(r"^null$|not|ifexists$|^forallvalues:", operator, re.IGNORECASE) or not isinstance(keys, Mapping):
            continue
        for key, values in keys.items():
            if texts(values) and all(value.strip("*?:/") for value in texts(values)):
                yield key.lower(), texts(values)


def _narrows_resource(statement: Mapping[str, Any]) -> bool:
    return any(not FORMAL.fullmatch(key) for key, _values in demanded(statement.get("Condition") or {}))


@dataclass(frozen=True)
class Trusted:
    """The principals that the catalog names."""

    account: str | None = None
    principals: frozenset[str] = frozenset()
    """ARNs, and names of roles."""
    services: frozenset[str] = frozenset()
    repository: str | None = None
    """OWNER/NAME at GitHub."""
    environment: str | None = None
    """The deployment environment in that repository."""
    issuer: str | None = None
    """The issuer of the tokens of GitHub's jobs."""
    ids: tuple[str, str] | None = None
    """The ids of the repository's owner and of the repository."""


def unnamed(document: Mapping[str, Any], trusted: Trusted) -> Iterator[str]:
    """Principals that may assume a role by its trust policy, but that the catalog does not name."""
    for name, kind, principal, condition in allowed(document):
        keys = dict(demanded(condition))
        if kind == "Federated":
            message = _federated(principal, keys, trusted)
        elif kind == "Service":
            message = _service(principal, keys, trusted)
        else:
            message = _outsider(principal, keys, trusted.account) or _unnamed(principal, keys, trusted)
        if message:
            yield name + message


def outsiders(document: Mapping[str, Any], account: str | None) -> Iterator[str]:
    """Principals outside the account that a resource policy allows, such as everybody, or a service for any account."""
    for name, kind, principal, condition in allowed(document):
        keys = dict(demanded(condition))
        if kind == "Service":
            message = None if _is_of(keys, account) else f"allows {principal} for any account"
        elif kind != "AWS":
            message = f"allows {kind} {principal}"
        else:
            message = _outsider(principal, keys, account)
        if message:
            yield name + message


def insiders(document: Mapping[str, Any], account: str | None) -> dict[str, Any]:
    """The policy without the principals that ``outsiders`` finds."""
    entries = []
    for entry in statements(document):
        principals: dict[str, list[str]] = {}
        for kind, name in _principals(entry):
            if not any(outsiders({"Statement": [{**entry, "Principal": {kind: name}}]}, account)):
                principals.setdefault(kind, []).append(name)
        if not any(outsiders({"Statement": [entry]}, account)):
            entries.append(entry)
        elif principals:
            entries.append({**entry, "Principal": principals})
    return {**document, "Statement": entries}


def allowed(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    """Each allowed principal: the statement's name, the principal's kind, the principal, and the condition."""
    for statement in statements(document):
        if statement.get("Effect") == "Allow":
            name = f"statement {statement['Sid']}: " if statement.get("Sid") else ""
            for kind, principal in _principals(statement):
                yield name, kind, principal, statement.get("Condition") or {}


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


def _outsider(principal: str, keys: Mapping[str, list[str]], account: str | None) -> str | None:
    if principal == "*":
        return None if _is_of(keys, account) else "allows everybody"
    owner = account_of(principal)
    if owner is None and ":" in principal:  # such as an origin access identity of CloudFront
        return f"allows {principal}, which is of no account"
    return f"allows account {owner} ({principal})" if account and owner and owner != account else None


_OWNERS = (
    *("aws:principalaccount", "aws:sourceaccount", "aws:principalarn", "aws:sourcearn", "kms:calleraccount"),
    "aws:principalorgid",
)


def _is_of(keys: Mapping[str, list[str]], account: str | None) -> bool:
    """Whether only requests of this account, of named organizations or of named buckets meet the condition."""

    def is_own(value: str) -> bool:
        owner = account_of(value)
        return owner == (account or owner) if owner else not re.search("[*?]", value)  # a bucket's ARN has no account

    return any(all(map(is_own, keys[key])) for key in _OWNERS if key in keys)


def _unnamed(principal: str, keys: Mapping[str, list[str]], trusted: Trusted) -> str | None:
    """The finding about an unnamed principal. An account stands for everybody in it, unless a condition names them."""
    whole = principal == "*" or principal.endswith(":root") or principal.isdigit()
    who = keys.get("aws:principalarn", []) if whole else [principal]
    if not who:
        return "allows every user and role of this account"
    unknown = [
        arn for arn in who if not {arn, *([arn.rpartition("/")[2]] if ":role/" in arn else [])} & trusted.principals
    ]
    return f"allows {', '.join(unknown)}, which the catalog does not name" if unknown else None


def _service(principal: str, keys: Mapping[str, list[str]], trusted: Trusted) -> str | None:
    if principal not in trusted.services:
        return f"allows the service {principal}, which the catalog does not name (aws.host_principal)"
    # Lambda assumes only roles of the function's own account.
    if principal != LAMBDA and is_for_any_account(principal) and not _is_of(keys, trusted.account):
        return f"allows {principal} for any account"
    return None


def _federated(provider: str, keys: Mapping[str, list[str]], trusted: Trusted) -> str | None:
    """The finding about an identity provider. It serves everybody with an account there, so a subject must be named."""
    issuer = provider.partition(":oidc-provider/")[2] or provider
    if trusted.issuer and issuer != trusted.issuer:
        return f"allows tokens of {provider}, which is not the provider of the catalog's repository ({trusted.issuer})"
    if account_of(provider) not in (None, trusted.account):
        return f"allows tokens of {provider}, a provider of another account"
    subjects, audiences = (
        [
            value
            for key, values in keys.items()
            if key in (f"{issuer}:{name}".lower(), f"saml:{name}")
            for value in values
        ]
        for name in ("sub", "aud")
    )
    if not subjects:
        return f"allows everybody of {provider}: no condition names a subject"
    if not audiences:
        return f"allows tokens of {provider} that were made for others: no condition names the audience"
    foreign = [audience for audience in audiences if trusted.issuer and audience != AUDIENCE]
    if foreign:
        return f"allows tokens of {provider} that were made for {', '.join(foreign)}"
    wide = [subject for subject in subjects if "*" in subject or "?" in subject]
    if wide:
        return f"allows more than one environment or branch by the subject {', '.join(wide)}"
    foreign = [subject for subject in subjects if not _is_own_job(subject, trusted)]
    return f"allows jobs that are not the deployment's: {', '.join(foreign)}" if foreign else None


def _is_own_job(subject: str, trusted: Trusted) -> bool:
    """Whether a subject is of this repository, and neither a pull request nor of another environment."""
    repository, match = trusted.repository, _SUBJECT.fullmatch(subject)
    if not match:
        return repository is None
    name, ids = re.sub(r"@\d+", "", match[1]), re.findall(r"@(\d+)", match[1])
    context, _colon, value = match[2].partition(":")
    if context == "environment" and trusted.environment and unquote(value) != trusted.environment:
        return False
    if ids and trusted.ids and ids != [*trusted.ids]:
        return False
    return context != "pull_request" and (repository is None or name.lower() == repository.lower())
