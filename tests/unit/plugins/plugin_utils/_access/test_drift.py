# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies that mean the same are the same; every other difference is named by its statement."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import drift as access_drift
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import session_denial
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies_reader import INLINE_END

READ = {"Sid": "Read", "Effect": "Allow", "Action": ["s:Get", "s:List"], "Resource": "arn:a"}
BARE = {"Effect": "Allow", "Action": "s:Put", "Resource": "arn:b"}


def differences(*results: dict[str, Any]) -> list[str]:
    return list(access_drift.differences({"Statement": [READ, BARE]}, {"Statement": list(results)}))


@pytest.mark.parametrize(
    "same",
    [
        {**READ, "Action": ["s:List", "s:Get"]},
        {**READ, "Resource": ["arn:a"]},
        {**READ, "Action": ["s:List", "s:Get", "s:Get"]},
    ],
)
def test_what_means_the_same(same: dict[str, Any]) -> None:
    assert differences(same, BARE) == []


def test_one_statement_alone_and_a_condition_in_another_spelling() -> None:
    entry = {**BARE, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": True}}}
    other = {**BARE, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": ["true"]}}}
    assert list(access_drift.differences({"Statement": entry}, {"Statement": [other]})) == []


@pytest.mark.parametrize(
    ("results", "lines"),
    [
        ([READ], ["lacks statement number 2"]),
        ([BARE], ["lacks statement Read", "lacks statement number 2", "has statement number 1"]),
        ([{**READ, "Action": "s:*"}, BARE], ["statement Read differs in Action"]),
        ([{**READ, "Effect": "Deny", "Resource": "*"}, BARE], ["statement Read differs in Effect, Resource"]),
        ([READ, {**BARE, "Condition": {"Null": {"a": "true"}}}], ["statement number 2 differs in Condition"]),
        ([READ, BARE, {**READ, "Sid": "More"}], ["has statement More, which is not in the catalog"]),
    ],
)
def test_what_differs(results: list[dict[str, Any]], lines: list[str]) -> None:
    messages = differences(*results)
    assert len(messages) == len(lines)
    assert all(name.startswith(start) for name, start in zip(messages, lines, strict=True))


PLAN: dict[str, Any] = {
    "key": {"alias": "alias/k", "policy": {"Statement": [READ]}},
    "provider": {"url": "https://tokens.example.com", "arn": "arn:p", "client_ids": ["sts"]},
    "policies": [{"name": "r", "arn": "arn:r", "document": {"Statement": [READ]}}],
    "roles": [{"name": "r", "trust": {"Statement": [BARE]}, "policies": ["arn:r"]}],
}
ROLE = {
    "trust": {"Statement": [BARE]},
    "policies": {"r": {"Statement": [READ]}},
    "attached": {"r": "arn:r"},
    "inline": [],
}
KEY = {"arn": "arn:k", "policy": {"Statement": [READ]}}
PROVIDER = {"clients": ["sts"]}
GONE: dict[str, Any] = {"missing": True, "problem": "does not exist"}


def rows(role: Any = ROLE, key: Any = KEY, provider: Any = PROVIDER) -> list[tuple[str, str, str]]:
    results = access_drift.compare(PLAN, {"r": role}, key, provider)
    return [(entry["state"], entry["place"], entry["message"]) for entry in results if entry["state"] != "pass"]


def test_all_of_it_as_planned() -> None:
    assert rows() == []
    assert len(access_drift.compare(PLAN, {"r": ROLE}, KEY, PROVIDER)) == 3


def test_nothing_of_it_is_there() -> None:
    assert rows(GONE, None, None) == [("not checked", "", access_drift.NOTHING)]


@pytest.mark.parametrize(
    ("over", "row"),
    [
        ({"role": GONE}, ("fail", "role r", "does not exist")),
        ({"role": {"problem": "AWS denies it"}}, ("not checked", "role r", "AWS denies it")),
        ({"role": {**ROLE, "attached": {}}}, ("fail", "role r", "policy r is not attached")),
        (
            {"role": {**ROLE, "policies": {"r": {"Statement": [{**READ, "Action": "*"}]}}}},
            ("fail", "role r", "policy r: statement Read differs in Action"),
        ),
        (
            {"role": {**ROLE, "trust": {"Statement": [{**BARE, "Action": "*"}]}}},
            ("fail", "role r", "trust policy: statement number 1 differs in Action"),
        ),
        (
            {"role": {**ROLE, "inline": ["mine"]}},
            ("fail", "role r", "also has the policy mine, which is not in the catalog"),
        ),
        ({"key": None}, ("fail", "key alias/k", "does not exist")),
        ({"key": {"arn": "arn:k", "problem": "denied"}}, ("not checked", "key alias/k", "denied")),
        ({"key": {**KEY, "policy": {}}}, ("fail", "key alias/k", "lacks statement Read")),
        (
            {"provider": None},
            ("fail", "provider https://tokens.example.com", "does not exist, so no workflow gets a session"),
        ),
        ({"provider": {"problem": "denied"}}, ("not checked", "provider https://tokens.example.com", "denied")),
        (
            {"provider": {"clients": []}},
            ("fail", "provider https://tokens.example.com", "lacks the client id sts"),
        ),
    ],
)
def test_each_difference(over: dict[str, Any], row: tuple[str, str, str]) -> None:
    assert rows(**over) == [row]


def test_a_policy_beside_the_catalogs_is_named_by_a_command_of_its_own() -> None:
    attached = {**ROLE["attached"], "mine": "arn:aws:iam::1:policy/mine"}
    results = access_drift.compare(PLAN, {"r": {**ROLE, "attached": attached, "inline": ["own"]}}, KEY, PROVIDER)
    assert [(entry["target"], entry["command"]) for entry in results if entry["state"] == "fail"] == [
        ("arn:aws:iam::1:policy/mine", access_drift.DETACH),
        ("own", access_drift.INLINE),
    ]


def test_a_policy_beside_the_catalogs_hides_no_difference() -> None:
    found = rows({**ROLE, "attached": {"mine": "arn:mine"}})
    assert [message.partition(",")[0] for _state, _place, message in found] == [
        "policy r is not attached",
        "also has the policy mine",
    ]


def test_the_denial_of_old_temporary_credentials_is_no_difference() -> None:
    """A leak response puts it there. Under its name nothing else is taken for it, nor is an attached policy."""
    denial = session_denial.document(datetime(2026, 11, 25, 15, 0, tzinfo=UTC))
    role = {**ROLE, "inline": [session_denial.POLICY]}
    assert rows({**role, "policies": {**ROLE["policies"], session_denial.POLICY: denial}}) == []
    wider = {"Statement": [{**denial["Statement"][0], "Condition": {}}]}
    message = f"also has the policy {session_denial.POLICY}, which is not in the catalog"
    assert rows({**role, "policies": {**ROLE["policies"], session_denial.POLICY: wider}}) == [
        ("fail", "role r", message)
    ]
    both = {session_denial.POLICY: wider, session_denial.POLICY + INLINE_END: denial}
    attached = {**ROLE["attached"], session_denial.POLICY: "arn:mine"}
    hidden = rows({**role, "policies": {**ROLE["policies"], **both}, "attached": attached})
    assert hidden == [("fail", "role r", message)], "the attached one"
