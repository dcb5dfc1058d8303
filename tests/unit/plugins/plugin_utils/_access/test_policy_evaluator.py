# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import fnmatch
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import (
    IamRequest,
    decide,
    matches,
)

SECRET = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:shop/production/core-AbCdEf"
READ = "secretsmanager:GetSecretValue"


def policy(*statements: dict[str, Any], **entry: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": entry or list(statements)}


def allow(action: Any = READ, resource: Any = SECRET, **extra: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **extra}


def deny(action: Any = READ, resource: Any = SECRET, **extra: Any) -> dict[str, Any]:
    return {**allow(action, resource, **extra), "Effect": "Deny"}


def when(operator: str, key: str, *values: Any) -> dict[str, Any]:
    return policy(allow(Condition={operator: {key: list(values)}}))


def allowed(document: dict[str, Any], action: str = READ, resource: str = SECRET, **context: Any) -> bool:
    return decide(
        [document], IamRequest(action, resource, {key.replace("__", ":"): v for key, v in context.items()})
    ).allowed


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow(), True),
        (allow("secretsmanager:*"), True),
        (allow("*", "*"), True),
        (allow("SECRETSMANAGER:getsecretvalue"), True),
        (allow("secretsmanager:Get*"), True),
        (allow("secretsmanager:GetSecretValu?"), True),
        (allow("secretsmanager:PutSecretValue"), False),
        (allow(resource=SECRET.replace("AbCdEf", "??????")), True),
        (allow(resource=SECRET.replace("-AbCdEf", "-?????")), False),
        (allow(resource=SECRET.upper()), False),
        (allow(resource="arn:aws:secretsmanager:*"), True),
        (allow(resource=["arn:aws:s3:::x", SECRET]), True),
        ({"Effect": "Allow", "NotAction": "secretsmanager:Put*", "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": ["iam:*", "secretsmanager:Get*"], "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:secretsmanager:*:staging/*"}, True),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:secretsmanager:*"}, False),
        (deny(), False),
    ],
)
def test_actions_and_resources(statement: dict[str, Any], expected: bool) -> None:
    assert allowed(policy(statement)) is expected


def test_one_statement_needs_no_list() -> None:
    assert allowed(policy(**allow()))


def test_a_deny_wins_wherever_it_stands_and_the_reason_names_it() -> None:
    denied = deny(resource="*", Sid="NoSecrets")
    for order in ([allow(), denied], [denied, allow()]):
        policy_decision = decide([policy(order[0]), policy(order[1])], IamRequest(READ, SECRET))
        assert (policy_decision.allowed, policy_decision.reason) == (False, "NoSecrets denies it")


def test_the_reason_names_what_allows_it_or_what_was_asked() -> None:
    assert decide([policy(allow(Sid="Read"))], IamRequest(READ, SECRET)).reason == "Read allows it"
    assert decide([policy(allow())], IamRequest(READ, SECRET)).reason == "statement 1 of policy 1 allows it"
    assert decide([], IamRequest(READ, SECRET)).reason == f"no statement allows {READ} on {SECRET}"
    assert not decide([], IamRequest(READ, SECRET))


@pytest.mark.parametrize(
    ("document", "context", "expected"),
    [
        (when("StringEquals", "aws:x", "a", "b"), {"aws__x": "b"}, True),
        (when("StringEquals", "AWS:X", "a"), {"aws__x": "a"}, True),
        (when("StringEquals", "aws:x", "a*"), {"aws__x": "abc"}, False),
        (when("StringEquals", "aws:x", "a"), {}, False),
        (when("StringEqualsIfExists", "aws:x", "a"), {}, True),
        (when("StringEqualsIfExists", "aws:x", "a"), {"aws__x": "b"}, False),
        (when("StringNotEquals", "aws:x", "a", "b"), {"aws__x": "b"}, False),
        (when("StringNotEquals", "aws:x", "a"), {}, True),
        (when("StringEqualsIgnoreCase", "aws:x", "AbC"), {"aws__x": "aBc"}, True),
        (when("StringLike", "aws:x", "a*c"), {"aws__x": "a:/c"}, True),
        (when("StringNotLike", "aws:x", "a*"), {"aws__x": "abc"}, False),
        (when("StringLike", "aws:x", "${aws:user}/*"), {"aws__x": "ann/1", "aws__user": "ann"}, True),
        (when("StringLike", "aws:x", "${aws:user}/*"), {"aws__x": "x/1", "aws__user": "*"}, False),
        (when("StringLike", "aws:x", "${aws:user}/*"), {"aws__x": "x/1"}, False),
        (when("StringLike", "aws:x", "a${*}"), {"aws__x": "a*"}, True),
        (when("StringLike", "aws:x", "a${*}"), {"aws__x": "abc"}, False),
        (when("StringEquals", "aws:x", "${aws:user}"), {"aws__x": "ann", "aws__user": "ann"}, True),
        (when("StringEquals", "aws:x", "${aws:user, 'nobody'}"), {"aws__x": "ann", "aws__user": "ann"}, True),
        (when("StringEquals", "aws:x", "${aws:user, 'nobody'}"), {"aws__x": "nobody"}, True),
        (when("StringLike", "aws:x", "${aws:user, 'nobody'}/*"), {"aws__x": "nobody/1"}, True),
        (when("StringLike", "aws:x", "${aws:user, 'nobody'}/*"), {"aws__x": "ann/1"}, False),
        (when("ArnLike", "aws:a", "arn:aws:iam::*:role/x"), {"aws__a": "arn:aws:iam::1:role/x"}, True),
        (when("ArnLike", "aws:a", "arn:*:role/x"), {"aws__a": "arn:aws:iam::1:role/x"}, False),
        (when("ArnNotEquals", "aws:a", "arn:aws:iam::1:role/x"), {"aws__a": "arn:aws:iam::1:role/x"}, False),
        (when("Bool", "aws:mfa", "true"), {"aws__mfa": "true"}, True),
        (when("Bool", "aws:mfa", True), {"aws__mfa": "true"}, True),
        (when("Bool", "aws:mfa", "true"), {}, False),
        (when("Null", "aws:x", "true"), {}, True),
        (when("Null", "aws:x", "false"), {}, False),
        (when("Null", "aws:x", False), {"aws__x": "a"}, True),
        (when("NumericLessThan", "aws:n", "3600"), {"aws__n": "900"}, True),
        (when("NumericGreaterThanEquals", "aws:n", 3600), {"aws__n": "900"}, False),
        (when("DateLessThan", "aws:t", "2026-12-01T00:00:00Z"), {"aws__t": "2026-11-25T00:00:00Z"}, True),
        (when("DateLessThan", "aws:t", "2026-12-01"), {"aws__t": "2026-11-25T00:00:00Z"}, True),
        (when("DateGreaterThanEquals", "aws:t", "2026-11-25"), {"aws__t": "2026-11-25T00:00:00Z"}, True),
        (when("DateLessThanEquals", "aws:t", "2026-11-24"), {"aws__t": "2026-11-25T00:00:00Z"}, False),
        (when("DateNotEquals", "aws:t", "2026-11-25"), {"aws__t": "2026-11-25T00:00:00Z"}, False),
        (when("IpAddress", "aws:i", "192.0.2.0/24", "2001:db8::/32"), {"aws__i": "192.0.2.7"}, True),
        (when("IpAddress", "aws:i", "192.0.2.1"), {"aws__i": "2001:db8::1"}, False),
        (when("NotIpAddress", "aws:i", "192.0.2.0/24"), {"aws__i": "192.0.2.7"}, False),
        (when("NotIpAddress", "aws:i", "192.0.2.0/24"), {}, True),
        (when("ForAnyValue:StringEquals", "aws:k", "a"), {"aws__k": ["b", "a"]}, True),
        (when("ForAnyValue:StringEquals", "aws:k", "a"), {}, False),
        (when("ForAllValues:StringEquals", "aws:k", "a"), {"aws__k": ["b", "a"]}, False),
        (when("ForAllValues:StringEquals", "aws:k", "a", "b"), {"aws__k": ["b", "a"]}, True),
        (when("ForAllValues:StringEquals", "aws:k", "a"), {}, True),
    ],
)
def test_conditions(document: dict[str, Any], context: dict[str, Any], expected: bool) -> None:
    assert allowed(document, **context) is expected


def test_every_condition_must_hold() -> None:
    both = {"StringEquals": {"aws:x": "1", "aws:y": "2"}, "Bool": {"aws:z": "true"}}
    context = {"aws__x": "1", "aws__y": "2", "aws__z": "true"}
    assert allowed(policy(allow(Condition=both)), **context)
    for key in context:
        assert not allowed(policy(allow(Condition=both)), **{**context, key: "other"})


@pytest.mark.parametrize("operator", ["BinaryEquals", "ForSomeValues:StringEquals", "StringEqual"])
def test_an_operator_that_it_does_not_know_is_named(operator: str) -> None:
    with pytest.raises(PolicyError, match=f"cannot evaluate the condition operator {operator}"):
        allowed(when(operator, "aws:x", "a"), aws__x="a")


def test_so_is_an_effect_and_what_cannot_be_compared() -> None:
    with pytest.raises(PolicyError, match="Effect must be Allow or Deny, not 'allow'"):
        allowed(policy({**allow(), "Effect": "allow"}))
    with pytest.raises(PolicyError, match="are not numbers or dates"):
        allowed(when("NumericLessThan", "aws:n", "many"), aws__n="1")
    with pytest.raises(PolicyError, match="are not addresses"):
        allowed(when("IpAddress", "aws:i", "office"), aws__i="192.0.2.7")


ROLE = "arn:aws:iam::123456789012:role/Operators"


@pytest.mark.parametrize(
    ("principal", "who", "expected"),
    [
        ("*", {"AWS": ROLE}, True),
        ({"AWS": "*"}, {"AWS": ROLE}, True),
        ({"AWS": ROLE}, {"AWS": ROLE}, True),
        ({"AWS": [ROLE, f"{ROLE}2"]}, {"AWS": f"{ROLE}2"}, True),
        ({"AWS": ROLE}, {"AWS": f"{ROLE}2"}, False),
        ({"AWS": "arn:aws:iam::123456789012:root"}, {"AWS": ROLE}, True),
        ({"AWS": "123456789012"}, {"AWS": ROLE}, True),
        ({"AWS": "210987654321"}, {"AWS": ROLE}, False),
        ({"Service": "ec2.amazonaws.com"}, {"Service": "ec2.amazonaws.com"}, True),
        ({"Service": "ec2.amazonaws.com"}, {"AWS": ROLE}, False),
        ({"Service": "ec2.amazonaws.com"}, {}, False),
    ],
)
def test_principals(principal: Any, who: dict[str, str], expected: bool) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    asked = IamRequest("sts:AssumeRole", principal=who)
    assert decide([policy(statement)], asked).allowed is expected
    opposite = {"Effect": "Allow", "NotPrincipal": principal, "Action": "sts:AssumeRole"}
    assert decide([policy(opposite)], asked).allowed is not expected


def test_a_statement_with_resources_is_no_trust() -> None:
    assert not decide([policy(allow("sts:AssumeRole", "*"))], IamRequest("sts:AssumeRole"))


texts = st.text("ab*?:/-", max_size=8)


@given(pattern=st.text("ab*?:/-", max_size=8), text=st.text("ab:/-", max_size=8))
def test_wildcards_mean_what_a_shell_says(pattern: str, text: str) -> None:
    assert matches(pattern, text) is (re.fullmatch(fnmatch.translate(pattern), text) is not None)


statements = st.lists(
    st.builds(
        lambda effect, action, resource: {"Effect": effect, "Action": action, "Resource": resource},
        st.sampled_from(["Allow", "Deny"]),
        st.sampled_from(["a:x", "a:y", "a:*", "*"]),
        st.sampled_from(["r1", "r2", "r*", "*"]),
    ),
    max_size=6,
)
requests = st.builds(IamRequest, st.sampled_from(["a:x", "a:y", "b:x"]), st.sampled_from(["r1", "r2", "s"]))


@given(results=statements, asked=requests, seed=st.randoms())
def test_order_and_grouping_do_not_matter(results: list[dict[str, Any]], asked: IamRequest, seed: Any) -> None:
    mixed = list(results)
    seed.shuffle(mixed)
    assert decide([policy(*results)], asked).allowed is decide([policy(entry) for entry in mixed], asked).allowed


@given(results=statements, additions=statements, asked=requests)
def test_a_deny_only_takes_and_an_allow_only_gives(
    results: list[dict[str, Any]], additions: list[dict[str, Any]], asked: IamRequest
) -> None:
    before = decide([policy(*results)], asked).allowed if results else False
    denies = [addition for addition in additions if addition["Effect"] == "Deny"]
    allows = [addition for addition in additions if addition["Effect"] == "Allow"]
    assert not decide([{"Statement": [*results, *denies]}], asked).allowed or before
    assert decide([{"Statement": [*results, *allows]}], asked).allowed or not before
