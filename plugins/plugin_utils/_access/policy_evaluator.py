# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decides as IAM does whether policies allow a request: a Deny first, then an Allow, otherwise no.

Identity, resource and trust policies are evaluated alike. The caller chooses the policies. Permissions boundaries,
service control policies and session policies are unknown here, so AWS may refuse a request that this allows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError

Values = str | Sequence[str]
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERAL = ("*", "?", "$")
_ARN_PARTS = 6


@dataclass(frozen=True)
class IamRequest:
    action: str
    resource: str | None = None
    """None for a trust policy, whose statements name no resource."""
    context: Mapping[str, Values] = field(default_factory=dict)
    principal: Mapping[str, str] = field(default_factory=dict)
    """A principal such as ``{"AWS": arn}`` or ``{"Federated": arn}``, for statements that name one."""


@dataclass(frozen=True)
class PolicyDecision:
    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class _Statement:
    name: str
    raw: Mapping[str, Any]


def decide(policies: Sequence[Mapping[str, Any]], request: IamRequest) -> PolicyDecision:
    """The decision of the policies together.

    Raises :class:`PolicyError` for an unknown effect or operator, because a guess could be wrong either way.
    """
    allowed: str | None = None
    for statement in _statements(policies):
        effect = statement.raw.get("Effect")
        if effect not in ("Allow", "Deny"):
            raise PolicyError(f"{statement.name}: Effect must be Allow or Deny, not {effect!r}")
        if not _concerns(statement, request):
            continue
        if effect == "Deny":
            return PolicyDecision(False, f"{statement.name} denies it")
        allowed = allowed or f"{statement.name} allows it"
    if allowed:
        return PolicyDecision(True, allowed)
    return PolicyDecision(False, f"no statement allows {request.action} on {request.resource or 'this role'}")


def listed(value: Any) -> tuple[Any, ...]:
    """The values of an element that may hold one value or a list."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def matches(pattern: str, text: str, *, any_case: bool = False) -> bool:
    """Whether a text matches a pattern with ``*`` and ``?``."""
    return _pattern(_regex(pattern), any_case).fullmatch(text) is not None


def _statements(policies: Sequence[Mapping[str, Any]]) -> Iterator[_Statement]:
    for at, policy in enumerate(policies, 1):
        for number, raw in enumerate(listed(policy.get("Statement")), 1):
            yield _Statement(raw.get("Sid") or f"statement {number} of policy {at}", raw)


def _concerns(statement: _Statement, request: IamRequest) -> bool:
    return (
        _names_principal(statement, request)
        and _names_action(statement, request)
        and _names_resource(statement, request)
        and _conditions_hold(statement, request)
    )


def _names_principal(statement: _Statement, request: IamRequest) -> bool:
    if "Principal" in statement.raw:
        return _is_principal(statement.raw["Principal"], request)
    if "NotPrincipal" in statement.raw:
        return not _is_principal(statement.raw["NotPrincipal"], request)
    return True


def _is_principal(named: Any, request: IamRequest) -> bool:
    if named == "*":
        return True
    for kind, patterns in named.items():
        who = request.principal.get(kind)
        for pattern in listed(patterns) if who else ():
            if pattern in ("*", who) or (kind == "AWS" and _is_account(pattern, str(who))):
                return True
    return False


def _is_account(pattern: str, who: str) -> bool:
    """Whether the pattern names the account of ``who``. An account stands for every principal that it allows."""
    account = re.fullmatch(r"(?:arn:[^:]*:iam::)?([0-9]{12})(?::root)?", pattern)
    return bool(account) and who.split(":")[4:5] == [account[1]]  # type: ignore[index]


def _names_action(statement: _Statement, request: IamRequest) -> bool:
    wanted, but = listed(statement.raw.get("Action")), listed(statement.raw.get("NotAction"))
    if but:
        return not any(matches(pattern, request.action, any_case=True) for pattern in but)
    return any(matches(pattern, request.action, any_case=True) for pattern in wanted)


def _names_resource(statement: _Statement, request: IamRequest) -> bool:
    wanted, but = listed(statement.raw.get("Resource")), listed(statement.raw.get("NotResource"))
    if request.resource is None:
        return not (wanted or but)
    if but:
        return not any(_matches_filled(pattern, request.resource, request) for pattern in but)
    # A statement of a trust or key policy may name no resource. It is about the role or key itself.
    return not wanted or any(_matches_filled(pattern, request.resource, request) for pattern in wanted)


def _filled(pattern: str, request: IamRequest) -> str | None:
    """The pattern as a regular expression, with its variables filled in. None if a variable has no value."""
    parts: list[str] = []
    last = 0
    for match in _VARIABLE.finditer(pattern):
        parts.append(_regex(pattern[last : match.start()]))
        value = _variable(match[1], request)
        if value is None:
            return None
        parts.append(re.escape(value))
        last = match.end()
    return "".join((*parts, _regex(pattern[last:])))


# A verification matches the same patterns against every user and role of an account.
@lru_cache(maxsize=20_000)
def _pattern(regex: str, any_case: bool = False) -> re.Pattern[str]:
    return re.compile(regex, re.DOTALL | (re.IGNORECASE if any_case else 0))


@lru_cache(maxsize=20_000)
def _regex(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(name, re.escape(name)) for name in pattern)


def _matches_filled(pattern: str, text: str, request: IamRequest) -> bool:
    is_match = _filled(pattern, request)
    return is_match is not None and _pattern(is_match).fullmatch(text) is not None


def _equals_filled(pattern: str, text: str, request: IamRequest) -> bool:
    """Whether a pattern equals a text. Only variables are special, not wildcards."""
    return _VARIABLE.sub(lambda match: _variable(match[1], request) or "\0", pattern) == text


def _variable(inside: str, request: IamRequest) -> str | None:
    """The value of ``${...}``: a character, a key's value, or the default after the comma."""
    if inside in _LITERAL:
        return inside
    key, comma, default = inside.partition(",")
    variable = _single(request, key.strip())
    return default.strip().strip("'") if variable is None and comma else variable


def _single(request: IamRequest, key: str) -> str | None:
    results = _context(request, key)
    return results[0] if len(results) == 1 else None


def _context(request: IamRequest, key: str) -> tuple[str, ...]:
    """The values of a key. Key names are case-insensitive."""
    for name, values in request.context.items():
        if name.lower() == key.lower():
            return tuple(str(item) for item in listed(values))
    return ()


# --- conditions ---------------------------------------------------------------------------------------------------


def _arn_matches(pattern: str, text: str, request: IamRequest) -> bool:
    """Whether an ARN matches, part by part: a wildcard matches no colon."""
    wanted, parts = pattern.split(":", _ARN_PARTS - 1), text.split(":", _ARN_PARTS - 1)
    return len(wanted) == len(parts) and all(
        _matches_filled(name, two, request) for name, two in zip(wanted, parts, strict=False)
    )


def _same_case(pattern: str, text: str, request: IamRequest) -> bool:
    return _equals_filled(pattern.lower(), text.lower(), request)


def _ordered(name: str, other: str) -> tuple[Any, Any]:
    try:
        return float(name), float(other)
    except ValueError:
        pass
    try:
        return _moment(name), _moment(other)
    except ValueError:
        raise PolicyError(f"a condition compares {name!r} with {other!r}, which are not numbers or dates") from None


def _moment(text: str) -> datetime:
    """The date. AWS reads a date without a zone as UTC."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[str, str, IamRequest], bool]:
    def compare(pattern: str, text: str, _request: IamRequest) -> bool:
        wanted, value = _ordered(pattern, text)
        return test(value, wanted)

    return compare


def _is_address(pattern: str, text: str, _request: IamRequest) -> bool:
    try:
        return ip_address(text) in ip_network(pattern, strict=False)
    except ValueError:
        raise PolicyError(f"a condition compares {pattern!r} with {text!r}, which are not addresses") from None


_TESTS: dict[str, Callable[[str, str, IamRequest], bool]] = {
    "StringEquals": _equals_filled,
    "StringEqualsIgnoreCase": _same_case,
    "StringLike": _matches_filled,
    "ArnEquals": _arn_matches,
    "ArnLike": _arn_matches,
    "Bool": _same_case,
    "NumericEquals": _compare(lambda given, wanted: bool(given == wanted)),
    "NumericLessThan": _compare(lambda given, wanted: bool(given < wanted)),
    "NumericLessThanEquals": _compare(lambda given, wanted: bool(given <= wanted)),
    "NumericGreaterThan": _compare(lambda given, wanted: bool(given > wanted)),
    "NumericGreaterThanEquals": _compare(lambda given, wanted: bool(given >= wanted)),
    "DateEquals": _compare(lambda given, wanted: bool(given == wanted)),
    "DateLessThan": _compare(lambda given, wanted: bool(given < wanted)),
    "DateLessThanEquals": _compare(lambda given, wanted: bool(given <= wanted)),
    "DateGreaterThan": _compare(lambda given, wanted: bool(given > wanted)),
    "DateGreaterThanEquals": _compare(lambda given, wanted: bool(given >= wanted)),
    "IpAddress": _is_address,
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}


def _conditions_hold(statement: _Statement, request: IamRequest) -> bool:
    blocks = statement.raw.get("Condition") or {}
    return all(
        _holds(statement, operator, key, listed(wanted), request)
        for operator, keys in blocks.items()
        for key, wanted in keys.items()
    )


def _holds(statement: _Statement, operator: str, key: str, wanted: Sequence[Any], request: IamRequest) -> bool:
    """Whether a condition holds. One matching value is enough; for a negated operator, none may match."""
    scope, _colon, rest = operator.rpartition(":")
    if_exists = rest.endswith("IfExists")
    name = rest[: -len("IfExists")] if if_exists else rest
    values = _context(request, key)
    texts = [str(value) if not isinstance(value, bool) else str(value).lower() for value in wanted]
    if name == "Null":
        return texts == ["true"] if not values else texts == ["false"]
    negated = name in _NEGATED
    test = _TESTS.get(_NEGATED.get(name, name))
    if test is None or scope not in ("", "ForAnyValue", "ForAllValues"):
        raise PolicyError(
            f"{statement.name}: this collection cannot evaluate the condition operator {operator}; check this "
            "statement by hand"
        )
    if not values:
        return if_exists or scope == "ForAllValues" or (negated and not scope)

    def fits(value: str) -> bool:
        return any(test(pattern, value, request) for pattern in texts) != negated

    return any(map(fits, values)) if scope == "ForAnyValue" else all(map(fits, values))
