# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The worked example's policies before other people's eyes: cloudsplaining's findings, and AWS's own tables of actions,
resources and conditions as policy_sentry has them.

Of the three linters on PyPI these two are released several times a year and know the actions that are used here.
parliament was last released in April 2025, and imports pkg_resources, which newer setuptools lacks.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudsplaining.scan.policy_document import PolicyDocument
from policy_sentry.querying.actions import get_action_data

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policies as access_policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import listed
from tests import provision_rights

EXAMPLE = Path(__file__).parents[2] / "examples" / "watchparty" / "group_vars" / "all" / "secrets_catalog.yml"
GROUND = AwsScope(
    "123456789012", "eu-west-3", "arn:aws:kms:eu-west-3:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)
MORE: dict[str, Any] = {
    "github": {"repository": "example/shop", "owner_id": 1, "repository_id": 2},
    "aws": {
        "bucket": "watchparty-media",
        "operators": ["arn:aws:iam::123456789012:user/ann"],
        "replicas": ["eu-west-1"],
    },
    "purge": {"cdn": {"distribution": "E2QWRUHAPOMQZL"}},
}
KEYS = {
    "kind": "aws_access_key",
    "options": {"user": "watchparty"},
    "appears_in": [{"setting": "EMAIL_HOST_USER"}, {"setting": "EMAIL_HOST_PASSWORD"}],
}
FINDINGS = (
    "all_allowed_unrestricted_actions",
    "allows_data_exfiltration_actions",
    "allows_privilege_escalation",
    "contains_statement_using_not_action",
    "credentials_exposure",
    "infrastructure_modification",
    "permissions_management_without_constraints",
    "service_wildcard",
    "tagging_actions_without_constraints",
    "write_actions_without_constraints",
)
"""What cloudsplaining looks for in a document."""
ONLY_STAR = {
    "secretsmanager:BatchGetSecretValue": "AWS knows no resource for it; GetSecretValue on each secret decides",
    "ssm:DescribeParameters": "AWS knows no resource for it; it tells names and keys, no values",
    "cloudtrail:LookupEvents": "AWS knows no resource for it",
    "iam:ListUsers": "AWS knows no resource for it; a verification looks at the age of everybody's keys",
    "iam:GetAccountAuthorizationDetails": "AWS knows no resource for it; it tells who may read, and no values",
    "iam:ListOpenIDConnectProviders": "AWS knows no resource for it",
    "secretsmanager:ListSecrets": "AWS knows no resource for it; it tells names, no values",
    "logs:DescribeLogGroups": "AWS knows no resource for it; it tells names and retentions",
}
"""Findings that must stay."""


@cache
def documents(extended: bool) -> list[tuple[str, dict[str, Any]]]:
    """The example's documents, as it is, and with all that a catalog can name beside it."""
    document = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["secrets_catalog"]
    if extended:
        document = {**document, **MORE, "credentials": {**document["credentials"], "mail": KEYS}}
        document["purge"] = {**document.get("purge", {}), **MORE["purge"]}
    catalog = catalog_parser.parse(document, "production")
    return [(role, entry) for role, entries in access_policies.documents(catalog, GROUND).items() for entry in entries]


def statements(extended: bool) -> list[tuple[str, dict[str, Any]]]:
    return [(role, item) for role, document in documents(extended) for item in document["Statement"]]


@pytest.mark.parametrize("extended", [False, True], ids=["example", "everything"])
def test_cloudsplaining_finds_nothing(extended: bool) -> None:
    seen = set()
    for role, document in documents(extended):
        scanned = PolicyDocument(document)
        result = {name: getattr(scanned, name) for name in FINDINGS}
        assert {name: item for name, item in result.items() if item} == {}, role
        seen.update(scanned.all_allowed_unrestrictable_actions)
    assert seen == set(ONLY_STAR) - (set() if extended else {"iam:ListOpenIDConnectProviders"})


def test_it_would_find_something() -> None:
    loose = {"Sid": "Loose", "Effect": "Allow", "Action": ["iam:*", "secretsmanager:GetSecretValue"], "Resource": "*"}
    scanned = PolicyDocument({"Version": "2012-10-17", "Statement": [loose]})
    assert [name for name in FINDINGS if getattr(scanned, name)] != []


def rows(action: str) -> list[dict[str, Any]]:
    """AWS's table of one action."""
    service, name = action.split(":")
    action_data = get_action_data(service, name)
    assert action_data, f"AWS knows no action {action}"
    return list(action_data[service])


@pytest.mark.parametrize("extended", [False, True], ids=["example", "everything"])
def test_every_action_takes_its_resources_and_conditions(extended: bool) -> None:
    for role, entry in statements(extended):
        for action in listed(entry["Action"]):
            table = rows(action)
            formats = [row["resource_arn_format"] for row in table]
            for arn in listed(entry["Resource"]):
                assert any(fits(arn, form) for form in formats), f"{role}: {action} does not take {arn}"
            known = {key for row in table for key in row["condition_keys"]}
            for operator in entry.get("Condition", {}).values():
                for key in operator:
                    assert is_known(key, known), f"{role}: {action} does not know {key}"


@pytest.mark.parametrize("extended", [False, True], ids=["example", "everything"])
def test_a_star_stands_only_where_aws_takes_nothing_else(extended: bool) -> None:
    for role, entry in statements(extended):
        for action in listed(entry["Action"]):
            only = [row["resource_arn_format"] for row in rows(action)] == ["*"]
            assert (entry["Resource"] == "*") is only, f"{role}: {action} on {entry['Resource']}"


def fits(arn: str, form: str) -> bool:
    """Whether an ARN has the form, in which ``${Region}`` and the like stand for any text."""
    pattern = "".join(".+" if part.startswith("${") else re.escape(part) for part in re.split(r"(\$\{\w+\})", form))
    return form == arn if "*" in (form, arn) else re.fullmatch(pattern, arn) is not None


def is_known(key: str, known: set[str]) -> bool:
    return any(re.fullmatch(re.sub(r"\\\$\\\{.*?\\\}", ".+", re.escape(name)), key) for name in known)


def test_trust_and_key_policies_name_actions_that_exist() -> None:
    document = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["secrets_catalog"]
    catalog = catalog_parser.parse({**document, **MORE, "purge": {}}, "production")
    plan = access_resources.plan(catalog, GROUND, access_resources.AccessOptions())
    assert len(plan["roles"]) == 6
    for role in plan["roles"]:
        for item in role["trust"]["Statement"]:
            assert rows(item["Action"])
    for item in plan["key"]["policy"]["Statement"]:
        for action in item["Action"]:
            if not action.endswith("*"):
                assert rows(action)


def test_aws_knows_what_provisioning_needs() -> None:
    actions = set().union(*provision_rights.statements().values())
    assert actions
    unknown = [action for action in actions if not get_action_data(*action.split(":"))]
    assert unknown == []
